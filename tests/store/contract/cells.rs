//! What every engine promises of the documents beside the log.

use bytes::Bytes;
use vouchsafe::store::{Cell, CellName, EventStore, Expected, MAX_CELL_BYTES, StoreError};

use super::{after, appended};
use crate::support::{events, new_stream, new_uuid};

/// The name of a cell that nothing else uses.
fn new_cell() -> CellName {
    format!("test-{}", new_uuid().simple()).parse().unwrap()
}

fn moved(outcome: Result<u64, StoreError>, thought: Option<u64>, is: Option<u64>) {
    match outcome.expect_err("a refusal") {
        StoreError::CellMoved { expected, actual, .. } => assert_eq!((expected, actual), (thought, is)),
        error => panic!("not moved: {error}"),
    }
}

pub(crate) async fn a_cell_holds_what_was_set_last(store: &dyn EventStore) {
    let name = new_cell();
    assert_eq!(store.cell(&name).await.unwrap(), None);
    let mut version = None;
    for text in ["first", "", "third"] {
        let bytes = Bytes::from_static(text.as_bytes());
        let set = store.set_cell(&name, version, bytes.clone()).await.unwrap();
        assert!(version.is_none_or(|before| before < set), "{version:?} then {set}");
        assert_eq!(store.cell(&name).await.unwrap(), Some(Cell { version: set, bytes }));
        version = Some(set);
    }
    assert_eq!(store.cell(&new_cell()).await.unwrap(), None, "cells are apart");
}

pub(crate) async fn a_cell_that_moved_is_not_set(store: &dyn EventStore) {
    let name = new_cell();
    moved(store.set_cell(&name, Some(0), Bytes::from_static(b"early")).await, Some(0), None);
    let first = store.set_cell(&name, None, Bytes::from_static(b"first")).await.unwrap();
    moved(store.set_cell(&name, None, Bytes::from_static(b"again")).await, None, Some(first));
    let second = store.set_cell(&name, Some(first), Bytes::from_static(b"second")).await.unwrap();
    moved(store.set_cell(&name, Some(first), Bytes::from_static(b"late")).await, Some(first), Some(second));
    let bytes = Bytes::from_static(b"second");
    assert_eq!(store.cell(&name).await.unwrap(), Some(Cell { version: second, bytes }));
}

pub(crate) async fn of_many_who_set_a_cell_at_one_version_one_wins(store: &dyn EventStore) {
    let name = new_cell();
    let first = store.set_cell(&name, None, Bytes::from_static(b"first")).await.unwrap();
    let tries = (0..16_u8).map(|one| store.set_cell(&name, Some(first), Bytes::from(vec![one])));
    let outcomes = futures_util::future::join_all(tries).await;
    let won: Vec<_> = outcomes
        .iter()
        .enumerate()
        .filter_map(|(one, outcome)| Some((one, *outcome.as_ref().ok()?)))
        .collect();
    let [(winner, version)] = won.as_slice() else { panic!("{won:?} won") };
    let bytes = Bytes::from(vec![u8::try_from(*winner).unwrap()]);
    assert_eq!(store.cell(&name).await.unwrap(), Some(Cell { version: *version, bytes }));
}

pub(crate) async fn a_document_that_is_too_large_is_refused(store: &dyn EventStore) {
    let name = new_cell();
    store.set_cell(&name, None, Bytes::from(vec![b' '; MAX_CELL_BYTES])).await.unwrap();
    let other = new_cell();
    match store.set_cell(&other, None, Bytes::from(vec![b' '; MAX_CELL_BYTES + 1])).await {
        Err(StoreError::TooLarge { limit, .. }) => assert_eq!(limit, MAX_CELL_BYTES),
        outcome => panic!("{outcome:?}"),
    }
    assert_eq!(store.cell(&other).await.unwrap(), None);
}

pub(crate) async fn cells_are_no_part_of_the_log(store: &dyn EventStore) {
    let (name, stream) = (new_cell(), new_stream());
    let before = store.head().await.unwrap();
    let mut version = None;
    for _ in 0..3 {
        version = Some(store.set_cell(&name, version, Bytes::from_static(b"here")).await.unwrap());
    }
    let end = appended(store, stream, Expected::NoStream, &events(1)).await;
    store.set_cell(&name, version, Bytes::from_static(b"there")).await.unwrap();
    let found = after(store, before, &[stream], 2).await;
    assert_eq!(found.len(), 1);
    assert_eq!(store.at(end.position).await.unwrap().as_ref(), found.first());
}
