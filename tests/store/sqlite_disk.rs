//! What happens to a SQLite log when its disk is full, or can only be read.

use std::error::Error;

use vouchsafe::store::sqlite::Trouble;
use vouchsafe::store::{EventStore, Expected, NewEvent, StoreError};
use vouchsafe_events::{Position, Stream};

use crate::small_disk::SmallDisk;
use crate::support::{event, events, gapless, meant, new_stream, open, told, trouble, whole};

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
    let Some(disk) = SmallDisk::new(4) else { return };
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
    let Some(disk) = SmallDisk::new(4) else { return };
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
    let Some(disk) = SmallDisk::new(4) else { return };
    let full = disk.fill();
    let error = open(&disk.path("events.db")).expect_err("no room");
    assert!(matches!(error, StoreError::DiskFull), "{error}: {:?}", error.source());
    drop(full);
    let store = open(&disk.path("events.db")).unwrap();
    store.append(new_stream(), Expected::NoStream, events(1)).await.unwrap();
}

#[test]
fn a_file_system_that_is_read_only_is_told() {
    let Some(disk) = SmallDisk::new(4) else { return };
    let path = disk.path("events.db");
    drop(open(&path).unwrap());
    disk.forbid_writing();
    for path in [path, disk.path("new.db")] {
        let error = open(&path).expect_err("read-only");
        assert!(matches!(trouble(&error), Trouble::NotAllowed { .. }), "{error}");
    }
}
