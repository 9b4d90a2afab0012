//! Following while something goes wrong.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use tonic::Code;
use vouchsafe::store::eventstoredb::{EventStoreDbStore, Trouble};
use vouchsafe::store::{EventStore, Expected, Followed, StoreError};
use vouchsafe_events::{Position, Version};
use vouchsafe_eventstoredb_stand_in::{ReadFault, Setup, StandIn};

use super::{impatient, options_for, trouble};
use crate::support::{events, meant, new_stream, next, next_event, told, until_caught_up};

#[tokio::test(flavor = "multi_thread")]
async fn trap_6_an_answer_that_ends_early_is_read_on_without_a_gap_and_without_spinning() {
    let (server, store) = impatient().await;
    let (stream, sent) = (new_stream(), events(50));
    store.append(stream, Expected::NoStream, sent.clone()).await.unwrap();
    for count in [0, 1, 7, 0, 20, 0] {
        server.faults().all_read(ReadFault::EndedAfter(count));
    }
    let mut follower = store.subscribe(Position::START);
    let mut got = Vec::new();
    while got.len() < sent.len() {
        got.push(next_event(&mut follower).await);
    }
    assert_eq!(told(&got), meant(&sent));
    // Nothing happens: who follows costs one small request at each beat, whatever the number of followers.
    let _others: Vec<_> = (0..20).map(|_| store.subscribe(got[49].position)).collect();
    let before = server.faults().asked().all_reads;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let asked = server.faults().asked().all_reads - before;
    assert!(asked <= 30, "{asked} requests in half a second");
    assert_eq!(server.faults().asked().subscriptions, 0, "the client's own subscription can spin");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_again_and_again_leaves_no_gap() {
    let (server, store) = impatient().await;
    let stream = new_stream();
    let mut follower = store.subscribe(Position::START);
    until_caught_up(&mut follower).await;
    let (mut sent, mut got, mut expected) = (Vec::new(), Vec::new(), Expected::NoStream);
    for round in 0..6 {
        server.faults().all_read(ReadFault::BrokenAfter(round % 3));
        let more = events(10);
        let end = store.append(stream, expected, more.clone()).await.unwrap();
        expected = Expected::Exact(end.version);
        sent.extend(meant(&more));
        while got.len() < sent.len() {
            got.push(next_event(&mut follower).await);
        }
    }
    assert_eq!(told(&got), sent);
    assert_eq!(server.faults().left(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn followers_are_told_when_the_server_goes_and_go_on_from_where_they_were() {
    let (mut server, store) = impatient().await;
    let (stream, sent) = (new_stream(), events(4));
    store.append(stream, Expected::NoStream, sent.clone()).await.unwrap();
    let mut follower = store.subscribe(Position::START);
    let (got, at) = until_caught_up(&mut follower).await;
    assert_eq!(told(&got), meant(&sent));
    server.stop();
    let error = next(&mut follower).await.unwrap_err();
    assert!(error.retryable(), "{error}");
    assert!(follower.next().await.is_none(), "an error ends a subscription");
    server.resume().unwrap();
    let more = events(2);
    store.append(stream, Expected::Exact(Version::new(3)), more.clone()).await.unwrap();
    let mut follower = store.subscribe(at);
    let (got, _) = until_caught_up(&mut follower).await;
    assert_eq!(told(&got), meant(&more));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_instance_appends_is_noticed_soon() {
    let server = StandIn::start(Setup::default()).unwrap();
    let here = EventStoreDbStore::open(&options_for(&server)).await.unwrap();
    let there = EventStoreDbStore::open(&options_for(&server)).await.unwrap();
    let mut follower = here.subscribe(Position::START);
    until_caught_up(&mut follower).await;
    // The best of a few tries: a busy machine may hold any one of them up.
    let mut best = Duration::MAX;
    for _ in 0..4 {
        let event = events(1);
        there.append(new_stream(), Expected::NoStream, event.clone()).await.unwrap();
        let appended = Instant::now();
        assert_eq!(next_event(&mut follower).await.id, event[0].id);
        best = best.min(appended.elapsed());
    }
    assert!(best <= Duration::from_millis(200), "{best:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_events_wake_nobody_and_are_not_read_again_and_again() {
    let (server, store) = impatient().await;
    let end = store.append(new_stream(), Expected::NoStream, events(1)).await.unwrap();
    let mut follower = store.subscribe(end.position);
    assert_eq!(next(&mut follower).await.unwrap(), Followed::CaughtUp(end.position));
    for number in 0..3000 {
        server.write("another-application", "happened", format!("{{\"number\":{number}}}"), "");
    }
    assert_eq!(store.head().await.unwrap(), end.position);
    let woken = tokio::time::timeout(Duration::from_millis(100), follower.next()).await;
    assert!(woken.is_err(), "{woken:?}");
    // Once they were passed over, what follows is found in one go.
    let before = server.faults().asked().all_reads;
    assert!(store.read_all(end.position, 10).await.unwrap().is_empty());
    assert!(server.faults().asked().all_reads - before <= 10);
    let sent = events(2);
    store.append(new_stream(), Expected::NoStream, sent.clone()).await.unwrap();
    for event in sent {
        assert_eq!(next_event(&mut follower).await.id, event.id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_may_not_read_everything_is_told_so() {
    let (server, store) = impatient().await;
    server.faults().all_read(ReadFault::Refused(Code::PermissionDenied, "Access Denied".to_owned()));
    server.faults().all_read(ReadFault::Refused(Code::PermissionDenied, "Access Denied".to_owned()));
    server.faults().all_read(ReadFault::Refused(Code::PermissionDenied, "Access Denied".to_owned()));
    let error = next(&mut store.subscribe(Position::START)).await.unwrap_err();
    assert!(matches!(trouble(&error), Trouble::Denied), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_of_another_log_is_told_as_such() {
    let (_server, store) = impatient().await;
    let end = store.append(new_stream(), Expected::NoStream, events(5)).await.unwrap();
    let within = Position::new(end.position.number() - 1);
    let error = next(&mut store.subscribe(within)).await.unwrap_err();
    assert!(matches!(error, StoreError::Damaged(_)), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_the_log_ends_its_followers_with_an_error() {
    let (_server, store) = impatient().await;
    store.append(new_stream(), Expected::NoStream, events(1)).await.unwrap();
    let mut follower = store.subscribe(Position::START);
    until_caught_up(&mut follower).await;
    drop(store);
    let error = next(&mut follower).await.unwrap_err();
    assert!(matches!(trouble(&error), Trouble::Closed), "{error}");
    assert!(follower.next().await.is_none());
}
