//! What is refused before the client sees it.

use std::path::Path;

use vouchsafe::secret::Secret;
use vouchsafe::store::StoreError;
use vouchsafe::store::eventstoredb::{EventStoreDbOptions, EventStoreDbStore, Trouble, WrongOptions};

use super::trouble;

fn check(url: &str) -> Result<(), WrongOptions> {
    EventStoreDbOptions::new(url).check()
}

fn said(url: &str) -> String {
    check(url).unwrap_err().to_string()
}

#[test]
fn what_reaches_a_server_is_taken() {
    for url in [
        "esdb://localhost",
        "esdb://localhost:2113/",
        "esdb://127.0.0.1:2113?tls=false",
        "esdb://[::1]:2113?tls=false",
        "esdb://[::1]?tls=false",
        "esdb://one:2113,two:2113,three?tls=true&tlsVerifyCert=true",
        "esdb+discover://cluster.example.org:2113?maxDiscoverAttempts=5&discoveryInterval=100",
        "esdb://host?nodePreference=leader&connectionName=vouchsafe&keepAliveInterval=-1&keepAliveTimeout=10000",
    ] {
        check(url).unwrap_or_else(|error| panic!("{url}: {error}"));
    }
}

#[test]
fn what_does_not_is_refused_in_plain_words() {
    for (url, word) in [
        ("", "esdb://"),
        ("http://host:2113", "esdb://"),
        ("esdb:host", "esdb://"),
        ("esdb://", "host"),
        ("esdb://host:", "host"),
        ("esdb://host:0", "host"),
        ("esdb://host:99999", "host"),
        ("esdb://one,,two", "host"),
        ("esdb://one/two", "host"),
        ("esdb://one,[::1]", "host"),
        ("esdb://[fe80]", "host"),
        ("esdb+discover://one,two", "host"),
        ("esdb://host?tls=yes", "true or false"),
        ("esdb://host?tls=true&TLS=true", "twice"),
        ("esdb://host?nodePreference=follower", "leader"),
        ("esdb://host?defaultDeadline=10", "not known"),
        ("esdb://host?tlsCAfiel=x", "not known"),
        ("esdb://host?connectionName=", "ASCII"),
        ("esdb://host?maxDiscoverAttempts=0", "from 1"),
    ] {
        let said = said(url);
        assert!(said.contains(word), "{url}: {said}");
    }
}

#[test]
fn no_password_stands_in_the_url_and_none_is_told() {
    let error = check("esdb://admin:changeit@host:2113").unwrap_err();
    assert!(matches!(error, WrongOptions::CredentialsInUrl));
    assert!(!format!("{error} {error:?}").contains("changeit"));
    let mut options = EventStoreDbOptions::new("esdb://host:2113");
    options.credentials = Some(("service".to_owned(), Secret::from("changeit".to_owned())));
    options.check().unwrap();
    assert!(!format!("{options:?}").contains("changeit"));
}

#[test]
fn a_password_does_not_go_over_the_network_in_clear() {
    let with = |url: &str, user: &str| {
        let mut options = EventStoreDbOptions::new(url);
        options.credentials = Some((user.to_owned(), Secret::from("p".to_owned())));
        options.check()
    };
    assert!(matches!(with("esdb://host?tls=false", "u"), Err(WrongOptions::PasswordInClear)));
    assert!(matches!(with("esdb://127.0.0.1,host?tls=false", "u"), Err(WrongOptions::PasswordInClear)));
    with("esdb://127.0.0.1:2113?tls=false", "u").unwrap();
    with("esdb://localhost?tls=false", "u").unwrap();
    assert!(matches!(with("esdb://host", "a:b"), Err(WrongOptions::UserName)));
    assert!(matches!(with("esdb://host", ""), Err(WrongOptions::UserName)));
}

fn query(name: &str, path: &Path) -> String {
    let value: String = url_encoded(path.to_str().unwrap());
    format!("esdb://host?{name}={value}")
}

fn url_encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[tokio::test]
async fn trap_7_a_certificate_that_cannot_be_read_is_told_and_nothing_panics() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing.pem");
    let scribble = directory.path().join("scribble.pem");
    std::fs::write(&scribble, "-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n-----END CERTIFICATE-----\n")
        .unwrap();
    let empty = directory.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    for name in ["tlsCaFile", "userCertFile", "userKeyFile"] {
        assert!(matches!(check(&query(name, &missing)), Err(WrongOptions::File { .. })), "{name}");
        assert!(matches!(check(&query(name, &empty)), Err(WrongOptions::NotPem { .. })), "{name}");
    }
    assert!(matches!(check(&query("tlsCaFile", &scribble)), Err(WrongOptions::NotPem { .. })));
    assert!(matches!(check(&query("userKeyFile", &scribble)), Err(WrongOptions::NotPem { .. })));
    let error =
        EventStoreDbStore::open(&EventStoreDbOptions::new(query("tlsCaFile", &missing))).await.unwrap_err();
    assert!(matches!(trouble(&error), Trouble::Options(WrongOptions::File { .. })), "{error}");
    assert!(matches!(error, StoreError::Unavailable(_)));
}

#[test]
fn trap_9_a_keep_alive_that_the_client_would_pass_over_is_refused() {
    for name in ["keepAliveInterval", "keepAliveTimeout"] {
        for value in ["9999", "0", "-2", "soon"] {
            let said = said(&format!("esdb://host?{name}={value}"));
            assert!(said.contains("10000"), "{said}");
        }
        check(&format!("esdb://host?{name}=10000")).unwrap();
    }
}

/// The two that the engine steps round by never going there: the client's batch append, whose deadline is wrong,
/// and its side client for HTTP, which does not know the private authority.
#[test]
fn trap_5_and_trap_8_the_clients_batch_and_its_http_side_are_not_used() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
    let mut files = vec![home.join("eventstoredb.rs")];
    files.extend(std::fs::read_dir(home.join("eventstoredb")).unwrap().map(|entry| entry.unwrap().path()));
    assert!(files.len() > 5);
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for word in [
            "batch_append",
            "persistent_subscription",
            "ProjectionClient",
            "subscribe_to_all",
            "subscribe_to_stream",
        ] {
            assert!(!text.contains(word), "{}: {word}", file.display());
        }
    }
}
