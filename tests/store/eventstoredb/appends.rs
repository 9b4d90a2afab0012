//! Appending while something goes wrong.

use std::time::{Duration, Instant};

use tonic::Code;
use vouchsafe::store::eventstoredb::{EventStoreDbStore, Trouble};
use vouchsafe::store::{EventStore, Expected, NewEvent, StoreError};
use vouchsafe_events::Version;
use vouchsafe_eventstoredb_stand_in::{AppendFault, ReadFault, Record, Setup, StandIn};

use super::{impatient, options_for, trouble};
use crate::support::{event, events, meant, new_stream, told, whole};

/// What the server has of a stream.
fn written(server: &StandIn, stream: vouchsafe_events::Stream) -> Vec<Record> {
    let name = stream.to_string();
    server.records().into_iter().filter(|record| record.stream == name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_1_each_event_goes_with_its_own_id_however_often_it_is_sent() {
    let (server, store) = impatient().await;
    let (stream, sent) = (new_stream(), events(3));
    for fault in [AppendFault::Busy, AppendFault::AnswerLost, AppendFault::TimedOutAfterCommit] {
        server.faults().append(fault);
    }
    store.append(stream, Expected::NoStream, sent.clone()).await.unwrap();
    let there: Vec<_> = written(&server, stream).iter().map(|record| record.id).collect();
    assert_eq!(there, sent.iter().map(|event| event.id.uuid()).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_2_an_append_that_failed_is_sent_again_until_it_is_answered() {
    let (server, store) = impatient().await;
    let faults = [
        AppendFault::Busy,
        AppendFault::NoLeader,
        AppendFault::Refused(Code::Unavailable, "restarting".to_owned()),
        AppendFault::Refused(Code::Aborted, "Operation timed out: Prepare phase timeout.".to_owned()),
    ];
    for fault in faults {
        let stream = new_stream();
        server.faults().append(fault.clone());
        let end = store.append(stream, Expected::NoStream, events(2)).await;
        assert_eq!(end.unwrap().version, Version::new(1), "{fault:?}");
        assert_eq!(server.faults().left(), 0);
        assert_eq!(written(&server, stream).len(), 2, "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_3_a_stream_that_somebody_deleted_is_told_as_damage() {
    let (server, store) = impatient().await;
    let stream = new_stream();
    store.append(stream, Expected::NoStream, events(2)).await.unwrap();
    server.delete(&stream.to_string(), true);
    let read = store.read(stream, Version::FIRST, 10).await.unwrap_err();
    assert!(matches!(read, StoreError::Damaged(_)), "{read}");
    let append = store.append(stream, Expected::Exact(Version::new(1)), events(1)).await.unwrap_err();
    assert!(matches!(append, StoreError::Damaged(_)), "{append}");
    assert!(!append.retryable());
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_4_what_the_server_would_not_take_is_refused_before_it_is_sent() {
    let (server, store) = impatient().await;
    let before = server.faults().asked().appends;
    // Each event is small, but a long type counts twice, and the mark counts too.
    let kind = "a kind of event that has a name as long as this one, and longer than that, and longer yet";
    let many: Vec<_> = events(5200).into_iter().map(|event| NewEvent { kind, ..event }).collect();
    match store.append(new_stream(), Expected::NoStream, many).await {
        Err(error @ StoreError::TooLarge { .. }) => assert!(!error.retryable()),
        answer => panic!("{answer:?}"),
    }
    assert_eq!(server.faults().asked().appends, before);
    // An operator may have set a lower limit.
    let said = "Maximum Append Size of 1000 Exceeded.".to_owned();
    server.faults().append(AppendFault::Refused(Code::InvalidArgument, said));
    match store.append(new_stream(), Expected::NoStream, events(1)).await {
        Err(error @ StoreError::TooLarge { limit: 1000, .. }) => assert!(!error.retryable()),
        answer => panic!("{answer:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_10_every_request_asks_the_leader() {
    let (server, store) = impatient().await;
    let stream = new_stream();
    store.append(stream, Expected::NoStream, events(2)).await.unwrap();
    whole(&store, stream).await;
    store.head().await.unwrap();
    store.read_all(vouchsafe_events::Position::START, 10).await.unwrap();
    let asked = server.faults().asked();
    assert!(asked.appends > 0 && asked.stream_reads > 0 && asked.all_reads > 0);
    assert_eq!(asked.from_any_node, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_whose_answer_was_lost_is_done_once() {
    let (server, store) = impatient().await;
    let stream = new_stream();
    let (first, second) = (events(2), events(1));
    let a = store.append(stream, Expected::NoStream, first.clone()).await.unwrap();
    for fault in [AppendFault::AnswerLost, AppendFault::TimedOutAfterCommit] {
        server.faults().append(fault);
    }
    let b = store.append(stream, Expected::Exact(a.version), second.clone()).await.unwrap();
    assert_eq!(b.version, Version::new(2));
    assert_eq!(told(&whole(&store, stream).await), meant(&[first, second].concat()));
    assert_eq!(server.faults().left(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_is_never_answered_is_settled_by_reading() {
    let (server, store) = impatient().await;
    let (stream, sent) = (new_stream(), events(2));
    server.faults().append(AppendFault::AnswerLost);
    // The server drops each repetition, as it does while the other nodes lack the first try.
    for _ in 0..40 {
        server.faults().append(AppendFault::Dropped(Duration::from_millis(300)));
    }
    let end = store.append(stream, Expected::NoStream, sent.clone()).await.unwrap();
    assert_eq!(end.version, Version::new(1));
    assert_eq!(told(&whole(&store, stream).await), meant(&sent));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_was_not_done_fails_when_patience_is_at_an_end() {
    let (server, store) = impatient().await;
    let stream = new_stream();
    for _ in 0..100 {
        server.faults().append(AppendFault::Busy);
    }
    let begun = Instant::now();
    let error = store.append(stream, Expected::NoStream, events(1)).await.unwrap_err();
    assert!(error.retryable(), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(12), "{:?}", begun.elapsed());
    assert!(written(&server, stream).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_with_other_bytes_is_a_conflict_although_the_server_takes_it() {
    let (server, store) = impatient().await;
    let stream = new_stream();
    let first = event("made by one");
    store.append(stream, Expected::NoStream, vec![first.clone()]).await.unwrap();
    let other = NewEvent { bytes: "made by another".into(), ..first };
    match store.append(stream, Expected::NoStream, vec![other]).await {
        Err(StoreError::WrongVersion { actual, .. }) => assert_eq!(actual, Some(Version::FIRST)),
        answer => panic!("{answer:?}"),
    }
    assert_eq!(written(&server, stream).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_in_another_stream_is_not_noticed() {
    let (_server, store) = impatient().await;
    let there = event("here and there");
    for stream in [new_stream(), new_stream()] {
        store.append(stream, Expected::NoStream, vec![there.clone()]).await.unwrap();
        assert_eq!(whole(&store, stream).await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_a_node_may_not_take_goes_to_the_leader_with_the_same_ids() {
    let leader = StandIn::start(Setup::default()).unwrap();
    let (follower, store) = impatient().await;
    let (host, port) = (leader.address().ip().to_string(), leader.address().port());
    follower.faults().append(AppendFault::NotLeader { host, port });
    let (stream, sent) = (new_stream(), events(2));
    store.append(stream, Expected::NoStream, sent.clone()).await.unwrap();
    let ids: Vec<_> = written(&leader, stream).iter().map(|record| record.id).collect();
    assert_eq!(ids, sent.iter().map(|event| event.id.uuid()).collect::<Vec<_>>());
    assert!(written(&follower, stream).is_empty());
    assert_eq!(told(&whole(&store, stream).await), meant(&sent), "and it stays with the leader");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_dies_is_left_for_the_next_one() {
    use vouchsafe_eventstoredb_stand_in::Member;
    // Two nodes that tell the same: who leads is asked of whoever answers.
    let mut old = StandIn::start(Setup::default()).unwrap();
    let (old_port, host) = (old.address().port(), "127.0.0.1".to_owned());
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let members = vec![
        Member { host: host.clone(), port: old_port, leads: false, alive: false },
        Member { host: host.clone(), port: free.port(), leads: true, alive: true },
    ];
    let new = StandIn::start(Setup { listen: free, members, ..Setup::default() }).unwrap();
    let url = format!(
        "esdb://127.0.0.1:{old_port},127.0.0.1:{}?tls=false&discoveryInterval=50&maxDiscoverAttempts=10",
        free.port()
    );
    let options = vouchsafe::store::eventstoredb::EventStoreDbOptions { url, ..options_for(&old) };
    let store = EventStoreDbStore::open(&options).await.unwrap();
    store.append(new_stream(), Expected::NoStream, events(1)).await.unwrap();
    old.stop();
    let stream = new_stream();
    store.append(stream, Expected::NoStream, events(1)).await.unwrap();
    assert_eq!(written(&new, stream).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_passes_even_where_the_server_hangs() {
    let (server, store) = impatient().await;
    for _ in 0..20 {
        server.faults().stream_read(ReadFault::Silent(Duration::from_secs(20)));
    }
    let begun = Instant::now();
    let error = store.read(new_stream(), Version::FIRST, 1).await.unwrap_err();
    assert!(matches!(trouble(&error), Trouble::Silent | Trouble::Unreachable(_)), "{error}");
    assert!(error.retryable());
    assert!(begun.elapsed() < Duration::from_secs(12), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_away_is_found_again() {
    let (mut server, store) = impatient().await;
    let stream = new_stream();
    store.append(stream, Expected::NoStream, events(1)).await.unwrap();
    server.stop();
    let error = store.append(stream, Expected::Exact(Version::FIRST), events(1)).await.unwrap_err();
    assert!(error.retryable(), "{error}");
    server.resume().unwrap();
    store.append(stream, Expected::Exact(Version::FIRST), events(1)).await.unwrap();
    assert_eq!(whole(&store, stream).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_forgot_its_memory_still_knows_a_repeated_append() {
    let directory = tempfile::tempdir().unwrap();
    let setup = || Setup { folder: Some(directory.path().to_owned()), ..Setup::default() };
    let (stream, sent) = (new_stream(), events(3));
    let first = {
        let server = StandIn::start(setup()).unwrap();
        let store = EventStoreDbStore::open(&options_for(&server)).await.unwrap();
        store.append(stream, Expected::NoStream, sent.clone()).await.unwrap()
    };
    let server = StandIn::start(setup()).unwrap();
    let store = EventStoreDbStore::open(&options_for(&server)).await.unwrap();
    assert_eq!(store.append(stream, Expected::NoStream, sent.clone()).await.unwrap(), first);
    assert_eq!(told(&whole(&store, stream).await), meant(&sent));
}
