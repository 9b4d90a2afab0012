//! What goes wrong around a SQLite log: each fault has an error of its own, and passes when its cause does.

use std::error::Error;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use vouchsafe::store::sqlite::{SqliteStore, Trouble};
use vouchsafe::store::{EventStore, Expected, StoreError};
use vouchsafe_events::{Position, Version};

use crate::support::{
    event, events, gapless, is_root, meant, new_stream, open, open_impatient, told, trouble, whole,
};

#[tokio::test]
async fn a_log_that_another_process_has_locked_is_told_and_passes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.db");
    let store = open_impatient(&path).unwrap();
    let (stream, first) = (new_stream(), events(1));
    store.append(stream, Expected::NoStream, first.clone()).await.unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let error = store.append(new_stream(), Expected::NoStream, events(1)).await.expect_err("locked");
    assert!(matches!(error, StoreError::Locked), "{error}");
    assert!(error.retryable());
    assert_eq!(told(&whole(&store, stream).await), meant(&first), "who only reads does not wait");
    other.execute_batch("COMMIT").unwrap();
    store.append(new_stream(), Expected::NoStream, events(1)).await.unwrap();
    assert_eq!(gapless(&store).await.len(), 2);
}

#[tokio::test]
async fn a_lock_that_is_let_go_in_time_is_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.db");
    let store = open(&path).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let release = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(400));
        other.execute_batch("COMMIT").unwrap();
    });
    store.append(new_stream(), Expected::NoStream, events(1)).await.unwrap();
    release.join().unwrap();
}

#[test]
fn a_log_that_is_locked_at_the_start_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.db");
    drop(open(&path).unwrap());
    let other = Connection::open(&path).unwrap();
    other
        .execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; PRAGMA user_version = 2; COMMIT")
        .unwrap();
    let error = open_impatient(&path).expect_err("locked");
    assert!(matches!(error, StoreError::Locked), "{error}: {:?}", error.source());
    drop(other);
    open_impatient(&path).unwrap();
}

#[test]
fn a_log_that_is_locked_while_it_is_made_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.db");
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let error = open_impatient(&path).expect_err("locked");
    assert!(matches!(error, StoreError::Locked), "{error}: {:?}", error.source());
    other.execute_batch("COMMIT").unwrap();
    open_impatient(&path).unwrap();
}

#[test]
fn many_who_make_the_same_log_at_once_make_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.db");
    std::thread::scope(|scope| {
        let openers: Vec<_> = (0..8).map(|_| scope.spawn(|| open(&path).map(drop))).collect();
        for opener in openers {
            opener.join().unwrap().unwrap();
        }
    });
}

#[tokio::test]
async fn a_log_of_a_newer_version_is_told_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.db");
    let store = open(&path).unwrap();
    store.append(new_stream(), Expected::NoStream, events(2)).await.unwrap();
    drop(store);
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 7).unwrap();
    let before = std::fs::read(&path).unwrap();
    match open(&path).expect_err("a newer form") {
        StoreError::NewerForm { found, known } => assert_eq!((found, known), (7, 2)),
        error => panic!("{error}"),
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_log_of_the_form_before_is_brought_up_to_date() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.db");
    let (store, stream) = (open(&path).unwrap(), new_stream());
    store.append(stream, Expected::NoStream, events(2)).await.unwrap();
    let before = store.read(stream, Version::FIRST, 10).await.unwrap();
    drop(store);
    // What form 1 was.
    let other = Connection::open(&path).unwrap();
    other.execute_batch("DROP TABLE cells; PRAGMA user_version = 1;").unwrap();
    drop(other);
    let stores: Vec<_> = (0..2).map(|_| open(&path).unwrap()).collect();
    for store in &stores {
        assert_eq!(store.read(stream, Version::FIRST, 10).await.unwrap(), before);
    }
    let name = "test".parse().unwrap();
    stores[0].set_cell(&name, None, "here".into()).await.unwrap();
    assert_eq!(stores[1].cell(&name).await.unwrap().unwrap().bytes, "here");
}

#[test]
fn a_file_that_is_no_log_is_told_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.db");
    let other = Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE pupils (name TEXT); INSERT INTO pupils VALUES ('x')").unwrap();
    drop(other);
    damaged_and_left(&path);
    std::fs::write(&path, "Name,Email\n".repeat(2000)).unwrap();
    damaged_and_left(&path);
}

fn damaged_and_left(path: &Path) {
    let before = std::fs::read(path).unwrap();
    let error = open(path).expect_err("not a log");
    assert!(matches!(error, StoreError::Damaged(_)), "{error}");
    assert!(!error.retryable());
    assert_eq!(std::fs::read(path).unwrap(), before);
}

#[test]
fn an_empty_file_becomes_a_log() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.db");
    std::fs::write(&path, "").unwrap();
    open(&path).unwrap();
}

#[tokio::test]
async fn a_log_that_was_cut_short_or_scribbled_over_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.db");
    let store = open(&path).unwrap();
    for _ in 0..20 {
        store.append(new_stream(), Expected::NoStream, events(100)).await.unwrap();
    }
    drop(store);
    let sound = std::fs::read(&path).unwrap();
    let mut scribbled = sound.clone();
    scribbled[4096..].fill(0x5a);
    for bad in [&scribbled, &sound[..sound.len() / 2]] {
        std::fs::write(&path, bad).unwrap();
        let error = match open(&path) {
            Err(error) => error,
            Ok(store) => {
                // What can still be read is read; what cannot is told, for reads and appends alike.
                let append = store.append(new_stream(), Expected::NoStream, events(50)).await;
                assert!(matches!(append, Ok(_) | Err(StoreError::Damaged(_))), "{append:?}");
                store.read_all(Position::START, usize::MAX).await.expect_err("pages are missing")
            }
        };
        assert!(matches!(error, StoreError::Damaged(_)), "{error}: {:?}", error.source());
    }
}

#[test]
fn a_path_that_cannot_be_used_is_told_with_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let error = open(&directory.path().join("none/events.db")).expect_err("no directory");
    assert!(matches!(trouble(&error), Trouble::NoDirectory(_)), "{error}");
    let error = open(directory.path()).expect_err("a directory");
    assert!(matches!(trouble(&error), Trouble::Directory(_)), "{error}");
    let error = open(Path::new("/dev/null/events.db")).expect_err("under a file");
    assert!(matches!(trouble(&error), Trouble::NotAllowed { .. }), "{error}");
}

#[test]
fn a_missing_permission_is_told() {
    if is_root() {
        println!("skipped: root is allowed everything");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.db");
    drop(open(&path).unwrap());
    for mode in [0o000, 0o400] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let error = open(&path).expect_err("not allowed");
        assert!(matches!(trouble(&error), Trouble::NotAllowed { .. }), "{error}");
    }
}

#[tokio::test]
async fn only_its_owner_may_read_the_log() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory.path().join("events.db")).unwrap();
    store.append(new_stream(), Expected::NoStream, events(1)).await.unwrap();
    let mut files = 0;
    for file in std::fs::read_dir(directory.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.path());
        files += 1;
    }
    assert_eq!(files, 3, "the log, its write-ahead log, and the index that is shared");
}

#[tokio::test]
async fn an_event_cannot_be_changed_or_deleted_with_sql() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.db");
    let store = open(&path).unwrap();
    store.append(new_stream(), Expected::NoStream, events(3)).await.unwrap();
    let other = Connection::open(&path).unwrap();
    for change in ["UPDATE events SET bytes = x'00'", "DELETE FROM events WHERE position = 3"] {
        let error = other.execute(change, []).expect_err("never");
        assert!(error.to_string().contains("an event is never"), "{error}");
    }
    assert_eq!(gapless(&store).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_leaves_those_who_share_its_commit_alone() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory.path().join("events.db")).unwrap();
    let taken = event("taken");
    store.append(new_stream(), Expected::NoStream, vec![taken.clone()]).await.unwrap();
    let appends = (0..120).map(|number| {
        let store = &store;
        let taken = taken.clone();
        async move {
            match number % 4 {
                0 => {
                    let wrong = store.append(new_stream(), Expected::Exact(Version::FIRST), events(2)).await;
                    assert!(matches!(wrong, Err(StoreError::WrongVersion { .. })), "{wrong:?}");
                    0
                }
                1 => {
                    let wrong =
                        store.append(new_stream(), Expected::NoStream, vec![event("new"), taken]).await;
                    assert!(matches!(wrong, Err(StoreError::IdTaken(_))), "{wrong:?}");
                    0
                }
                _ => {
                    store.append(new_stream(), Expected::NoStream, events(3)).await.unwrap();
                    3
                }
            }
        }
    });
    let appended: usize = futures_util::future::join_all(appends).await.into_iter().sum();
    assert_eq!(gapless(&store).await.len(), 1 + appended);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_finishes_what_waits_and_refuses_what_comes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.db");
    let store = Arc::new(open(&path).unwrap());
    let appends: Vec<_> = (0..50)
        .map(|_| {
            let store: Arc<SqliteStore> = Arc::clone(&store);
            tokio::spawn(async move { store.append(new_stream(), Expected::NoStream, events(2)).await })
        })
        .collect();
    tokio::task::yield_now().await;
    store.close_now().unwrap();
    let mut kept = 0;
    for append in appends {
        match append.await.unwrap() {
            Ok(_) => kept += 2,
            Err(error) => assert!(matches!(trouble(&error), Trouble::Closed), "{error}"),
        }
    }
    for error in [
        store.append(new_stream(), Expected::NoStream, events(1)).await.map(drop),
        store.read(new_stream(), Version::FIRST, 1).await.map(drop),
        store.head().await.map(drop),
    ] {
        assert!(matches!(trouble(&error.expect_err("closed")), Trouble::Closed));
    }
    store.close_now().unwrap();
    assert!(!path.with_extension("db-wal").exists(), "all is in the file");
    assert_eq!(gapless(&open(&path).unwrap()).await.len(), kept);
}
