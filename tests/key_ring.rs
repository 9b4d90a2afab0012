//! The key ring in a real PostgreSQL database, shared by several instances.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says so when it is skipped"
)]

#[path = "support/port.rs"]
mod port;
#[path = "support/postgres.rs"]
mod server;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use server::Postgres;
use uuid::Uuid;
use vouchsafe::privacy::{
    FRESH, KeyRing, KeyState, KeyStore, KeyStoreError, MasterKey, Opened, PostgresKeyStore, PostgresSettings,
    RingError, WrappedKey,
};
use vouchsafe::secret::Secret;
use vouchsafe_events::{EventId, Held, PersonId, Plain, Slot};

fn person() -> PersonId {
    PersonId::from_uuid(new_uuid())
}

fn new_uuid() -> Uuid {
    #[expect(clippy::disallowed_methods, reason = "a test wants ids that are new, whatever they are")]
    Uuid::now_v7()
}

fn open(server: &Postgres) -> PostgresKeyStore {
    PostgresKeyStore::open(&PostgresSettings::new(server.address(), None, None).unwrap()).unwrap()
}

fn master(letter: char) -> MasterKey {
    MasterKey::from_secret(&Secret::from(letter.to_string().repeat(64))).unwrap()
}

fn ring(server: &Postgres) -> KeyRing {
    KeyRing::new(Arc::new(open(server)), &master('a')).unwrap()
}

fn sealed(ring: &KeyRing, person: PersonId) -> Held {
    let (event, slot) = (EventId::from_uuid(new_uuid()), Slot::IntroducedName);
    let plain = Plain { subject: person, text: "Zebedee".to_owned() };
    Held { event, slot, subject: person, sealed: ring.seal(event, slot, plain).unwrap() }
}

fn shows(ring: &KeyRing, held: &Held) -> String {
    ring.open(held).to_string()
}

#[test]
fn of_many_who_bring_a_key_at_once_one_is_kept_and_all_are_told() {
    let Some(server) = Postgres::start() else { return };
    let (stores, someone) = ([open(&server), open(&server)], person());
    assert_eq!(stores[0].get(someone).unwrap(), KeyState::None);
    let kept: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16_u8)
            .map(|one| {
                let store = &stores[usize::from(one % 2)];
                scope.spawn(move || {
                    store.insert_if_absent(someone, WrappedKey::from_bytes(vec![one; 40])).unwrap()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(matches!(&kept[0], KeyState::Live(_)));
    assert!(kept.iter().all(|one| *one == kept[0]));
    assert_eq!(stores[1].get(someone).unwrap(), kept[0]);
}

#[test]
fn of_those_who_keep_a_checkpoint_at_once_one_succeeds() {
    let Some(server) = Postgres::start() else { return };
    let stores = [open(&server), open(&server)];
    assert_eq!(stores[0].checkpoint("one").unwrap(), None);
    assert!(!stores[0].keep_checkpoint("one", Some(b"0"), b"1").unwrap(), "there is none yet");
    assert!(stores[0].keep_checkpoint("one", None, b"1").unwrap());
    assert!(
        stores[0].keep_checkpoint("one", None, b"1").unwrap(),
        "asked again, as when the answer was lost"
    );
    assert!(!stores[1].keep_checkpoint("one", None, b"2").unwrap());
    assert!(stores[1].keep_checkpoint("one", Some(b"1"), b"2").unwrap());
    assert!(!stores[0].keep_checkpoint("one", Some(b"1"), b"3").unwrap());
    assert_eq!(stores[0].checkpoint("one").unwrap(), Some(b"2".to_vec()));
    assert!(stores[0].keep_checkpoint("other", None, b"9").unwrap());
    let won: usize = std::thread::scope(|scope| {
        let tries: Vec<_> = (0..16_u8)
            .map(|one| {
                let store = &stores[usize::from(one % 2)];
                scope.spawn(move || store.keep_checkpoint("one", Some(b"2"), &[100 + one]).unwrap())
            })
            .collect();
        tries.into_iter().map(|one| usize::from(one.join().unwrap())).sum()
    });
    assert_eq!(won, 1);
    assert_eq!(stores[1].checkpoint("other").unwrap(), Some(b"9".to_vec()));
}

#[test]
fn a_destroyed_key_opens_nothing_here_at_once_and_elsewhere_in_a_moment() {
    let Some(server) = Postgres::start() else { return };
    let (here, there, someone, other) = (ring(&server), ring(&server), person(), person());
    let (held, others) = (sealed(&here, someone), sealed(&there, other));
    assert_eq!((shows(&here, &held), shows(&there, &held)), ("Zebedee".to_owned(), "Zebedee".to_owned()));
    here.destroy(someone).unwrap();
    let destroyed = Instant::now();
    assert!(here.open(&held) == Opened::Erased);
    while there.open(&held) != Opened::Erased {
        assert!(destroyed.elapsed() < Duration::from_secs(10), "it is still shown");
    }
    // A slow machine may take longer than that to ask; what was known before must not be used after it.
    std::thread::sleep(FRESH);
    assert!(there.open(&held) == Opened::Erased);
    assert_eq!(shows(&here, &others), "Zebedee");
    let again = Plain { subject: someone, text: "Zebedee".to_owned() };
    there.seal(EventId::from_uuid(new_uuid()), Slot::IntroducedName, again).expect_err("erased");
    here.destroy(someone).unwrap();
    assert_eq!(open(&server).erasures().unwrap(), 1);
}

/// The server's data directory, if it is on this machine.
fn folder(server: &Postgres) -> Option<PathBuf> {
    let mut direct = postgres::Client::connect(server.address(), postgres::NoTls).unwrap();
    let folder = PathBuf::from(direct.query_one("SHOW data_directory", &[]).unwrap().get::<_, String>(0));
    std::fs::read_dir(&folder).is_ok().then_some(folder)
}

/// Whether some file under a folder holds these bytes.
fn is_in(folder: &Path, bytes: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().flatten().any(|entry| {
        let path = entry.path();
        if path.is_dir() {
            return is_in(&path, bytes);
        }
        // It may be gone again.
        std::fs::read(&path).is_ok_and(|held| held.windows(bytes.len()).any(|window| window == bytes))
    })
}

#[test]
fn a_destroyed_key_is_in_no_file_of_the_server_any_more() {
    let Some(server) = Postgres::start() else { return };
    let Some(folder) = folder(&server) else {
        println!("skipped: the server's files are not here");
        return;
    };
    let (store, someone) = (open(&server), person());
    let bytes = new_uuid().as_bytes().repeat(3);
    store.insert_if_absent(person(), WrappedKey::from_bytes(vec![7; 40])).unwrap();
    store.insert_if_absent(someone, WrappedKey::from_bytes(bytes.clone())).unwrap();
    let mut direct = postgres::Client::connect(server.address(), postgres::NoTls).unwrap();
    direct.batch_execute("CHECKPOINT").unwrap();
    assert!(is_in(&folder.join("base"), &bytes) && is_in(&folder.join("pg_wal"), &bytes));
    store.destroy(someone).unwrap();
    // The file that the table was in goes with a checkpoint; the server may take a moment.
    let destroyed = Instant::now();
    while is_in(&folder, &bytes) {
        assert!(destroyed.elapsed() < Duration::from_secs(20), "a trace is left");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(store.get(someone).unwrap(), KeyState::Erased);
}

#[test]
fn what_was_kept_survives_a_kill_and_the_store_finds_the_server_again() {
    let Some(mut server) = Postgres::start() else { return };
    let (ring, someone) = (ring(&server), person());
    let held = sealed(&ring, someone);
    if !server.kill() {
        println!("skipped: the server is not ours to kill");
        return;
    }
    assert!(ring.open(&held) == Opened::Unreadable, "nothing is shown that may have been destroyed");
    assert!(matches!(open_anyway(&server), Err(KeyStoreError::Unavailable(_))));
    server.run();
    assert_eq!(shows(&ring, &held), "Zebedee");
    let killed = std::thread::scope(|scope| {
        let sealing = scope.spawn(|| sealed(&ring, person()));
        server.kill();
        server.run();
        sealing.join().unwrap()
    });
    assert_eq!(shows(&ring, &killed), "Zebedee");
}

fn open_anyway(server: &Postgres) -> Result<PostgresKeyStore, KeyStoreError> {
    PostgresKeyStore::open(&PostgresSettings::new(server.address(), None, None).unwrap())
}

#[test]
fn a_ring_of_another_master_key_and_one_of_a_newer_version_are_refused() {
    let Some(server) = Postgres::start() else { return };
    assert!(open(&server).is_new().unwrap());
    drop(ring(&server));
    assert!(!open(&server).is_new().unwrap());
    let error = KeyRing::new(Arc::new(open(&server)), &master('b')).expect_err("another master key");
    assert!(matches!(error, RingError::WrongMasterKey));
    let mut direct = postgres::Client::connect(server.address(), postgres::NoTls).unwrap();
    direct.batch_execute("UPDATE vouchsafe_ring SET form = 7").unwrap();
    match open_anyway(&server) {
        Err(KeyStoreError::NewerForm { found, known }) => assert_eq!((found, known), (7, 1)),
        outcome => panic!("{outcome:?}"),
    }
}

/// Makes a certificate for this machine that signs itself.
fn certificate(folder: &Path, name: &str) {
    let made = std::process::Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(folder.join(format!("{name}.key")))
        .arg("-out")
        .arg(folder.join(format!("{name}.crt")))
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

#[test]
fn the_connection_is_by_tls_to_a_server_that_is_who_it_says() {
    let Some(server) = Postgres::start() else { return };
    let Some(data) = folder(&server) else {
        println!("skipped: the server's files are not here");
        return;
    };
    let secure = server.address().replace("?sslmode=disable", "");
    let connect = |ca: &Path| {
        let settings = PostgresSettings::new(&secure, None, Some(ca)).unwrap();
        PostgresKeyStore::open(&settings)
    };
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path(), "server");
    certificate(folder.path(), "other");
    let ca = folder.path().join("server.crt");
    assert!(connect(&ca).is_err(), "the server speaks no TLS, so nothing is said to it");
    for (from, to) in [("server.key", "server.key"), ("server.crt", "server.crt")] {
        std::fs::copy(folder.path().join(from), data.join(to)).unwrap();
    }
    let key = data.join("server.key");
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let owner = std::fs::metadata(&data).unwrap();
    let (user, group) =
        (std::os::unix::fs::MetadataExt::uid(&owner), std::os::unix::fs::MetadataExt::gid(&owner));
    std::os::unix::fs::chown(&key, Some(user), Some(group)).unwrap();
    let mut direct = postgres::Client::connect(server.address(), postgres::NoTls).unwrap();
    direct.batch_execute("ALTER SYSTEM SET ssl = on").unwrap();
    direct.batch_execute("SELECT pg_reload_conf()").unwrap();
    let begun = Instant::now();
    while connect(&ca).is_err() {
        assert!(begun.elapsed() < Duration::from_mins(1), "no connection by TLS: {:?}", connect(&ca));
    }
    assert!(connect(&folder.path().join("other.crt")).is_err(), "another's certificate");
    assert!(
        PostgresKeyStore::open(&PostgresSettings::new(&secure, None, None).unwrap()).is_err(),
        "unknown to the system"
    );
}

#[test]
fn a_server_that_says_nothing_is_left_and_found_again() {
    let Some(server) = Postgres::start() else { return };
    let Some(data) = folder(&server) else {
        println!("skipped: the server's processes are not here");
        return;
    };
    let ring = Arc::new(ring(&server));
    let held = sealed(&ring, person());
    let postmaster = std::fs::read_to_string(data.join("postmaster.pid")).unwrap();
    let postmaster = postmaster.lines().next().unwrap().to_owned();
    let tell = |signal: &str| {
        for arguments in [[signal, "-P", &postmaster].as_slice(), &[signal, "-f", data.to_str().unwrap()]] {
            std::process::Command::new("pkill").args(arguments).status().unwrap();
        }
    };
    tell("-STOP");
    // Many names of one page: the first waits, the others are told at once.
    let (say, said) = std::sync::mpsc::channel();
    let asked = {
        let (ring, held) = (Arc::clone(&ring), held.clone());
        std::thread::spawn(move || {
            std::thread::sleep(FRESH);
            say.send((0..50).all(|_| ring.open(&held) == Opened::Unreadable)).unwrap();
        })
    };
    let outcome = said.recv_timeout(Duration::from_mins(1));
    tell("-CONT");
    assert_eq!(outcome, Ok(true), "a page would hang");
    asked.join().unwrap();
    let resumed = Instant::now();
    while ring.open(&held) == Opened::Unreadable {
        assert!(resumed.elapsed() < Duration::from_mins(1), "it is not found again");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(shows(&ring, &held), "Zebedee");
}
