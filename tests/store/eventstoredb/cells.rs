//! Cells while something goes wrong, and what the server keeps of them.

use std::time::Duration;

use bytes::Bytes;
use vouchsafe::store::{Cell, CellName, EventStore, Expected, StoreError};
use vouchsafe_eventstoredb_stand_in::AppendFault;

use super::impatient;
use crate::support::{events, new_stream};

fn name() -> CellName {
    "lease-mail".parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cell_whose_answer_was_lost_was_set_once() {
    let (server, store) = impatient().await;
    let mut version = store.set_cell(&name(), None, Bytes::from_static(b"0")).await.unwrap();
    for text in ["1", "2", "3"] {
        server.faults().append(AppendFault::AnswerLost);
        server.faults().append(AppendFault::TimedOutAfterCommit);
        let bytes = Bytes::from_static(text.as_bytes());
        let next = store.set_cell(&name(), Some(version), bytes.clone()).await.unwrap();
        assert_eq!(next, version + 1);
        assert_eq!(store.cell(&name()).await.unwrap(), Some(Cell { version: next, bytes }));
        version = next;
    }
    assert_eq!(server.faults().left(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_keeps_few_documents_and_a_scavenge_leaves_the_cell_as_it_is() {
    let (server, store) = impatient().await;
    let ours = events(3);
    store.append(new_stream(), Expected::NoStream, ours.clone()).await.unwrap();
    let mut version = None;
    for number in 0..40 {
        version = Some(store.set_cell(&name(), version, Bytes::from(format!("{number}"))).await.unwrap());
    }
    let metadata: Vec<_> = server
        .records()
        .into_iter()
        .filter(|record| record.stream == "$$vouchsafe-cell-lease-mail")
        .collect();
    assert_eq!(metadata.len(), 1, "said once");
    assert_eq!(metadata[0].data, r#"{"$maxCount":8}"#);
    server.scavenge();
    let cell = store.cell(&name()).await.unwrap().unwrap();
    assert_eq!((Some(cell.version), cell.bytes), (version, Bytes::from_static(b"39")));
    match store.set_cell(&name(), Some(3), Bytes::from_static(b"late")).await {
        Err(StoreError::CellMoved { actual, .. }) => assert_eq!(actual, version),
        outcome => panic!("{outcome:?}"),
    }
    store.set_cell(&name(), version, Bytes::from_static(b"next")).await.unwrap();
    let all = store.read_all(vouchsafe_events::Position::START, 100).await.unwrap();
    assert_eq!(all.len(), ours.len(), "cells are no part of the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_waits_for_what_is_being_appended() {
    let (server, store) = impatient().await;
    server.faults().append(AppendFault::Slow(Duration::from_millis(200)));
    let stream = new_stream();
    let append = store.append(stream, Expected::NoStream, events(1));
    let close = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        store.close().await
    };
    let (appended, closed) = tokio::join!(append, close);
    appended.unwrap();
    closed.unwrap();
    store.append(new_stream(), Expected::NoStream, events(1)).await.unwrap_err();
    store.cell(&name()).await.unwrap_err();
    store.head().await.unwrap_err();
}
