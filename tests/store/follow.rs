//! Following a SQLite log, beyond what every engine promises.

use std::time::{Duration, Instant};

use vouchsafe::store::{EventStore, Expected, Followed, StoreError};
use vouchsafe_events::{Position, Version};

use crate::support::{events, gapless, new_stream, next, next_event, open, until_caught_up};

#[tokio::test]
async fn what_another_process_appends_is_noticed_within_a_quarter_of_a_second() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.db");
    let (here, there) = (open(&path).unwrap(), open(&path).unwrap());
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
    assert!(best <= Duration::from_millis(250), "{best:?}");
}

#[tokio::test]
async fn what_is_appended_here_is_noticed_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory.path().join("events.db")).unwrap();
    let mut follower = store.subscribe(Position::START);
    until_caught_up(&mut follower).await;
    let mut best = Duration::MAX;
    for _ in 0..10 {
        store.append(new_stream(), Expected::NoStream, events(1)).await.unwrap();
        let appended = Instant::now();
        next_event(&mut follower).await;
        best = best.min(appended.elapsed());
    }
    assert!(best <= Duration::from_millis(50), "{best:?}");
}

#[tokio::test]
async fn a_follower_that_fell_behind_is_told_when_it_has_caught_up_again() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory.path().join("events.db")).unwrap();
    let mut follower = store.subscribe(Position::START);
    assert_eq!(next(&mut follower).await.unwrap(), Followed::CaughtUp(Position::START));
    let stream = new_stream();
    let mut expected = Expected::NoStream;
    for _ in 0..5 {
        let end = store.append(stream, expected, events(1000)).await.unwrap();
        expected = Expected::Exact(end.version);
    }
    let (behind, at) = until_caught_up(&mut follower).await;
    assert_eq!(behind.len(), 5000);
    assert_eq!(at, Position::new(5000));
    // One event is not falling behind, so it comes without a mark.
    store.append(stream, expected, events(1)).await.unwrap();
    store.append(new_stream(), Expected::NoStream, events(1)).await.unwrap();
    for position in [5001, 5002] {
        match next(&mut follower).await.unwrap() {
            Followed::Event(event) => assert_eq!(event.position, Position::new(position)),
            Followed::CaughtUp(at) => panic!("caught up again at {at}"),
        }
    }
    // Where there is no news for a while, that is told.
    let waited = Instant::now();
    assert_eq!(next(&mut follower).await.unwrap(), Followed::CaughtUp(Position::new(5002)));
    assert!(waited.elapsed() > Duration::from_millis(900), "{:?}", waited.elapsed());
}

#[tokio::test]
async fn closing_the_log_ends_its_followers_with_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory.path().join("events.db")).unwrap();
    store.append(new_stream(), Expected::NoStream, events(1)).await.unwrap();
    let mut follower = store.subscribe(Position::START);
    until_caught_up(&mut follower).await;
    drop(store);
    let error = next(&mut follower).await.expect_err("the log is closed");
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    assert!(futures_util::StreamExt::next(&mut follower).await.is_none(), "an error ends a subscription");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_that_append_at_once_leave_no_gap() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.db");
    let stores = [open(&path).unwrap(), open(&path).unwrap()];
    let shared = new_stream();
    let mut follower = stores[0].subscribe(Position::START);
    let writers = stores.iter().flat_map(|store| (0..8).map(move |_| store)).map(|store| async move {
        let own = new_stream();
        let mut expected = Expected::NoStream;
        let mut won = 0;
        for _ in 0..10 {
            let end = store.append(own, expected, events(2)).await.unwrap();
            expected = Expected::Exact(end.version);
            // All of them want the shared stream's next place; who loses leaves it.
            let last =
                store.read(shared, Version::FIRST, usize::MAX).await.unwrap().last().map(|e| e.version);
            let next = last.map_or(Expected::NoStream, Expected::Exact);
            match store.append(shared, next, events(1)).await {
                Ok(_) => won += 1,
                Err(StoreError::WrongVersion { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
        won
    });
    let won: usize = futures_util::future::join_all(writers).await.into_iter().sum();
    let all = gapless(&stores[1]).await;
    assert_eq!(all.len(), 2 * 8 * 10 * 2 + won);
    for event in all {
        assert_eq!(next_event(&mut follower).await, event);
    }
}
