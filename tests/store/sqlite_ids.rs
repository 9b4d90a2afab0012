//! Event ids in a SQLite log: it knows each one that it holds. Not every engine does.

use vouchsafe::store::{EventStore, Expected, StoreError};
use vouchsafe_events::Version;

use crate::support::{event, new_stream, open, whole};

#[tokio::test]
async fn an_id_that_stands_elsewhere_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory.path().join("events.db")).unwrap();
    let (one, other) = (new_stream(), new_stream());
    let there = event("here");
    store.append(one, Expected::NoStream, vec![there.clone()]).await.unwrap();
    for (stream, expected) in [(other, Expected::NoStream), (one, Expected::Exact(Version::FIRST))] {
        match store.append(stream, expected, vec![event("new"), there.clone()]).await {
            Err(StoreError::IdTaken(id)) => assert_eq!(id, there.id),
            answer => panic!("{answer:?}"),
        }
    }
    assert!(whole(&store, other).await.is_empty());
    assert_eq!(whole(&store, one).await.len(), 1);
}
