//! What every engine promises who follows the log.

use vouchsafe::store::{EventStore, Expected};
use vouchsafe_events::Position;

use super::{appended, exact};
use crate::support::{events, meant, new_stream, next_event_of, told, until_caught_up, whole};

pub(crate) async fn a_follower_gets_what_was_then_the_mark_then_what_comes(store: &dyn EventStore) {
    let start = store.head().await.unwrap();
    let (stream, was, comes) = (new_stream(), events(3), events(2));
    let end = appended(store, stream, Expected::NoStream, &was).await;
    let mut follower = store.subscribe(start);
    let (mut caught, at) = until_caught_up(&mut follower).await;
    caught.retain(|event| event.stream == stream);
    assert_eq!(told(&caught), meant(&was));
    assert!(at >= end.position);
    appended(store, stream, exact(2), &comes).await;
    for event in &comes {
        let next = next_event_of(&mut follower, stream).await;
        assert_eq!((next.id, &next.bytes), (event.id, &event.bytes));
    }
    assert_eq!(whole(store, stream).await.len(), 5);
}

pub(crate) async fn a_follower_starts_after_its_position(store: &dyn EventStore) {
    let stream = new_stream();
    appended(store, stream, Expected::NoStream, &events(4)).await;
    let stored = whole(store, stream).await;
    let mut middle = store.subscribe(stored[1].position);
    assert_eq!(next_event_of(&mut middle, stream).await, stored[2]);
    assert_eq!(next_event_of(&mut middle, stream).await, stored[3]);
    let mut end = store.subscribe(store.head().await.unwrap());
    let (left, _) = until_caught_up(&mut end).await;
    assert!(left.iter().all(|event| event.stream != stream), "nothing is left to yield");
    let mut beginning = store.subscribe(Position::START);
    let (all, _) = until_caught_up(&mut beginning).await;
    assert!(all.windows(2).all(|pair| pair[0].position < pair[1].position));
    assert_eq!(all.into_iter().filter(|event| event.stream == stream).collect::<Vec<_>>(), stored);
}

pub(crate) async fn a_follower_that_lags_loses_nothing_and_holds_nobody_up(store: &dyn EventStore) {
    let start = store.head().await.unwrap();
    let stream = new_stream();
    let mut follower = store.subscribe(start);
    until_caught_up(&mut follower).await;
    let mut sent = Vec::new();
    // Nobody reads the subscription meanwhile.
    for round in 0..40_u64 {
        let expected = if round == 0 { Expected::NoStream } else { exact(round * 100 - 1) };
        let events = events(100);
        appended(store, stream, expected, &events).await;
        sent.extend(meant(&events));
    }
    let mut got = Vec::new();
    while got.len() < sent.len() {
        got.push(next_event_of(&mut follower, stream).await);
    }
    assert_eq!(told(&got), sent);
}

pub(crate) async fn followers_do_not_wait_for_each_other(store: &dyn EventStore) {
    let start = store.head().await.unwrap();
    let _idle: Vec<_> = (0..50).map(|_| store.subscribe(Position::START)).collect();
    let mut followers: Vec<_> = (0..20).map(|_| store.subscribe(start)).collect();
    for follower in &mut followers {
        until_caught_up(follower).await;
    }
    let stream = new_stream();
    let sent = events(2);
    appended(store, stream, Expected::NoStream, &sent).await;
    for follower in &mut followers {
        for event in &sent {
            assert_eq!(next_event_of(follower, stream).await.id, event.id);
        }
    }
}
