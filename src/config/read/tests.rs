use super::*;

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn least(folder: &Path) -> String {
    let secret = write(folder, "secret", "shh\n");
    format!(
        r#"
        [dfe_sign_in]
        issuer = "https://oidc.example:443"
        client_id = "ecf2"
        client_secret_file = "{}"
        redirect_url = "https://access.example/auth/callback"
        [mail]
        host = "mail.example"
        from_address = "access@example.org"
        from_name = "Access"
        "#,
        secret.display()
    )
}

fn none() -> BTreeMap<String, String> {
    BTreeMap::new()
}

#[test]
fn the_least_that_must_be_said_is_enough() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "least.toml", &least(folder.path()));
    let config = load(Some(&file), &none()).unwrap();
    assert_eq!(config.sessions.idle_minutes, 60);
    assert_eq!(config.secrets.dfe_sign_in.client_secret.expose(), "shh");
}

#[test]
fn a_variable_stands_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "least.toml", &least(folder.path()));
    let over = [
        ("SESSIONS__IDLE_MINUTES", "20"),
        ("SERVER__LISTEN", "0.0.0.0:9000"),
        ("TERMS__REMIND_AFTER_DAYS", "[1, 2]"),
        ("WEB__SERVICE_NAME", "Register early career teachers"),
        ("DFE_SIGN_IN__HTTP__TIMEOUT_MS", "1500"),
    ];
    let over = over.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let config = load(Some(&file), &over).unwrap();
    assert_eq!(config.sessions.idle_minutes, 20);
    assert_eq!(config.server.listen.port(), 9000);
    assert_eq!(config.terms.remind_after_days, [1, 2]);
    assert_eq!(config.web.service_name, "Register early career teachers");
    assert_eq!(config.dfe_sign_in.http.timeout_ms, 1500);
}

#[test]
fn everything_that_is_wrong_is_told_at_once_and_no_secret_is() {
    let folder = tempfile::tempdir().unwrap();
    let text = least(folder.path())
        + "\n[sessions]\nidle_minutes = 0\n[terms]\nremind_after_days = [9, 3]\n[server]\nlissen = \"x\"\n[wat]\n[storage]\nfolder = 3\n";
    let file = write(folder.path(), "wrong.toml", &text);
    let over = [("NOSECTION".to_owned(), "1".to_owned()), ("MASTER_KEY".to_owned(), "hidden".to_owned())];
    let told = load(Some(&file), &over.into_iter().collect()).unwrap_err().to_string();
    for expected in
        ["idle_minutes", "remind_after_days", "lissen", "[wat]", "[storage]", "VOUCHSAFE_NOSECTION"]
    {
        assert!(told.contains(expected), "{expected} is missing in: {told}");
    }
    assert!(!told.contains("shh") && !told.contains("hidden"), "{told}");
}

#[test]
fn a_file_that_is_missing_or_is_not_toml_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = load(Some(&folder.path().join("none.toml")), &none()).unwrap_err().to_string();
    assert!(missing.contains("none.toml"), "{missing}");
    let file = write(folder.path(), "bad.toml", "[server\n");
    let bad = load(Some(&file), &none()).unwrap_err().to_string();
    assert!(bad.contains("bad.toml") && bad.contains("line 1"), "{bad}");
}

#[test]
fn a_secret_file_that_is_missing_or_empty_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let text = least(folder.path());
    let file = write(folder.path(), "least.toml", &text);
    write(folder.path(), "secret", "\n");
    let told = load(Some(&file), &none()).unwrap_err().to_string();
    assert!(told.contains("client_secret_file") && told.contains("is empty"), "{told}");
}

#[test]
fn what_observes_the_service_is_off_unless_it_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let least = least(folder.path());
    let config = load(Some(&write(folder.path(), "a.toml", &least)), &none()).unwrap();
    assert!(config.metrics.is_none() && config.traces.is_none() && config.secrets.trace_headers.is_empty());
    let headers = write(folder.path(), "headers", "authorization: Bearer shh-too\n");
    let named = format!(
        "{least}\n[metrics]\n[traces]\nendpoint = \"https://otlp.example\"\nheaders_file = \"{}\"",
        headers.display()
    );
    let config = load(Some(&write(folder.path(), "b.toml", &named)), &none()).unwrap();
    assert_eq!(config.metrics.unwrap().listen.to_string(), "127.0.0.1:9090");
    assert_eq!(config.secrets.trace_headers.len(), 1);
    assert!(!format!("{config:?}").contains("shh-too"));
    // A variable alone switches metrics on.
    let over = BTreeMap::from([("METRICS__LISTEN".to_owned(), "127.0.0.1:9191".to_owned())]);
    let config = load(Some(&write(folder.path(), "c.toml", &least)), &over).unwrap();
    assert_eq!(config.metrics.unwrap().listen.port(), 9191);
}

#[test]
fn metrics_on_the_pages_port_and_headers_that_are_not_there_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = format!(
        "{}\n[metrics]\nlisten = \"0.0.0.0:8080\"\n[traces]\nendpoint = \"gopher://otlp\"\nheaders_file = \"/no/such\"",
        least(folder.path())
    );
    let told = load(Some(&write(folder.path(), "a.toml", &wrong)), &none()).unwrap_err().to_string();
    for fault in
        ["[metrics]: listen: 8080 is the port", "[traces]: endpoint", "traces.headers_file: /no/such"]
    {
        assert!(told.contains(fault), "{told}");
    }
}
