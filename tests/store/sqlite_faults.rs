//! What goes wrong around a SQLite log: each fault has an error of its own, and passes when its cause does.

use std::error::Error;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use vouchsafe::store::sqlite::{SqliteStore, Trouble};
use vouchsafe::store::{EventStore, Expected, NewEvent, StoreError};
use vouchsafe_events::{Position, Stream, Version};

use crate::support::{
    SmallDisk, event, events, gapless, is_root, meant, new_stream, open, open_impatient, told, whole,
};

/// Appends until the disk is full; what was acknowledged.
async fn fill(store: &dyn EventStore) -> Vec<(Stream, NewEvent)> {
    let mut kept = Vec::new();
    loop {
        let (stream, event) = (new_stream(), event(vec![0xab; 20_000]));
        match store.append(stream, Expected::NoStream, vec![event.clone()]).await {
            Ok(_) => kept.push((stream, event)),
            Err(StoreError::DiskFull) => return kept,
            Err(error) => panic!("{error}: {:?}", error.source()),
        }
        assert!(kept.len() < 1000, "the disk has but four megabytes");
    }
}

async fn all_kept(store: &dyn EventStore, kept: &[(Stream, NewEvent)]) {
    assert_eq!(gapless(store).await.len(), kept.len());
    for (stream, event) in kept {
        assert_eq!(told(&whole(store, *stream).await), meant(std::slice::from_ref(event)));
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_the_log_goes_on_once_there_is_room() {
    let Some(disk) = SmallDisk::new() else { return };
    let ballast = disk.path("ballast");
    std::fs::write(&ballast, vec![1; 1024 * 1024]).unwrap();
    let path = disk.path("events.db");
    let store = open(&path).unwrap();
    let mut kept = fill(&store).await;
    assert!(!kept.is_empty());
    all_kept(&store, &kept).await;
    // Still full, however often one asks; reading goes on.
    let error = store.append(new_stream(), Expected::NoStream, events(1)).await;
    assert!(error.is_ok() || matches!(&error, Err(StoreError::DiskFull)), "{error:?}");
    if error.is_ok() {
        // A small event may still find room in the write-ahead log's last page.
        let last = store.read_all(Position::new(kept.len() as u64), 1).await.unwrap().remove(0);
        kept.push((last.stream, NewEvent { id: last.id, kind: "tested", bytes: last.bytes }));
    }
    std::fs::remove_file(&ballast).unwrap();
    let (stream, event) = (new_stream(), event(vec![0xcd; 20_000]));
    store.append(stream, Expected::NoStream, vec![event.clone()]).await.unwrap();
    kept.push((stream, event));
    kept.extend(fill(&store).await);
    drop(store);
    // The write-ahead log is moved into the file as far as there is room; the rest is kept beside it.
    all_kept(&open(&path).unwrap(), &kept).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_fails_is_told_to_all_who_shared_it() {
    let Some(disk) = SmallDisk::new() else { return };
    let path = disk.path("events.db");
    let store = open(&path).unwrap();
    // Together they are larger than the disk, so no commit can take them all.
    let tries: Vec<_> = (0..200).map(|_| (new_stream(), event(vec![0xab; 50_000]))).collect();
    let appends =
        tries.iter().map(|(stream, event)| store.append(*stream, Expected::NoStream, vec![event.clone()]));
    let outcomes = futures_util::future::join_all(appends).await;
    let mut kept = Vec::new();
    for (outcome, tried) in outcomes.into_iter().zip(&tries) {
        match outcome {
            Ok(_) => kept.push(tried.clone()),
            Err(StoreError::DiskFull) => {}
            Err(error) => panic!("{error}: {:?}", error.source()),
        }
    }
    assert!(kept.len() < tries.len());
    all_kept(&store, &kept).await;
    drop(store);
    all_kept(&open(&path).unwrap(), &kept).await;
}

#[tokio::test]
async fn a_full_disk_at_the_start_is_told() {
    let Some(disk) = SmallDisk::new() else { return };
    let mut size = 5 * 1024 * 1024;
    // Fills the disk to the last byte.
    while size > 0 && std::fs::write(disk.path("ballast"), vec![1; size]).is_err() {
        size -= 4096;
    }
    let error = open(&disk.path("events.db")).expect_err("no room");
    assert!(matches!(error, StoreError::DiskFull), "{error}: {:?}", error.source());
    std::fs::remove_file(disk.path("ballast")).unwrap();
    let store = open(&disk.path("events.db")).unwrap();
    store.append(new_stream(), Expected::NoStream, events(1)).await.unwrap();
}

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
        .execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; PRAGMA user_version = 1; COMMIT")
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
        StoreError::NewerForm { found, known } => assert_eq!((found, known), (7, 1)),
        error => panic!("{error}"),
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
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

/// The trouble under an error.
fn trouble(error: &StoreError) -> &Trouble {
    error.source().and_then(|source| source.downcast_ref()).unwrap_or_else(|| panic!("no trouble: {error}"))
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
fn a_file_system_that_is_read_only_is_told() {
    let Some(disk) = SmallDisk::new() else { return };
    let path = disk.path("events.db");
    drop(open(&path).unwrap());
    disk.forbid_writing();
    for path in [path, disk.path("new.db")] {
        let error = open(&path).expect_err("read-only");
        assert!(matches!(trouble(&error), Trouble::NotAllowed { .. }), "{error}");
    }
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
    store.close().unwrap();
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
    store.close().unwrap();
    assert!(!path.with_extension("db-wal").exists(), "all is in the file");
    assert_eq!(gapless(&open(&path).unwrap()).await.len(), kept);
}
