//! What every engine promises. Each behaviour is an async function over the trait; `behaviours!` lists them,
//! and one line there runs them all against one more engine.
//!
//! The log may hold other events already, and positions may have gaps: an engine can be a server that
//! outlives the test.

use std::any::Any;
use std::sync::Arc;

use vouchsafe::store::{
    Appended, EventStore, Expected, Followed, MAX_APPEND_BYTES, MAX_EVENT_BYTES, NewEvent, StoreError,
    StoredEvent,
};
use vouchsafe_events::{KeyedHash, OrganisationId, Position, Reactor, Stream, Version};

use crate::support::{
    event, events, meant, new_stream, new_uuid, next, next_event, open, told, until_caught_up, whole,
};

/// A log to test, and what must live as long as it does.
pub(crate) struct Ready {
    /// The log.
    pub(crate) store: Arc<dyn EventStore>,
    /// A directory, a server.
    pub(crate) keep: Box<dyn Any + Send>,
}

/// The embedded engine, on a file of its own.
async fn sqlite() -> Option<Ready> {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory.path().join("events.db")).unwrap();
    Some(Ready { store: Arc::new(store), keep: Box::new(directory) })
}

/// Runs the behaviours against an engine: the name of an async function that makes it ready, or gives none
/// where it cannot run here.
macro_rules! engine {
    ($engine:ident: $($behaviour:ident)*) => {
        mod $engine {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $behaviour() {
                    match super::$engine().await {
                        Some(ready) => {
                            super::$behaviour(ready.store.as_ref()).await;
                            drop(ready.keep);
                        }
                        None => println!(concat!("skipped: ", stringify!($engine), " is not to be had here")),
                    }
                }
            )*
        }
    };
}

/// Every behaviour, for each engine named.
macro_rules! behaviours {
    ($($engine:ident),*) => {
        $(engine! { $engine:
            an_append_to_a_new_stream_tells_where_it_ended
            an_append_goes_on_from_the_version_that_was_read
            a_conflict_tells_what_was_expected_and_what_is
            the_same_append_again_succeeds_and_writes_nothing
            the_same_append_again_succeeds_after_the_stream_went_on
            another_event_at_the_same_place_is_a_conflict
            the_same_id_with_other_bytes_is_a_conflict
            an_append_that_is_there_only_in_part_is_refused
            an_id_that_stands_elsewhere_is_refused
            an_id_twice_in_one_append_is_refused
            what_is_refused_leaves_nothing_behind
            of_many_who_append_at_one_version_one_wins
            a_retry_beside_its_first_try_is_the_same_append
            an_append_without_events_is_refused
            what_is_too_large_is_refused_for_good
            the_largest_that_is_allowed_is_kept
            events_come_back_byte_for_byte
            every_kind_of_stream_keeps_its_events_apart
            a_stream_without_events_is_empty
            a_read_starts_and_ends_where_it_is_told
            the_whole_log_comes_in_order_across_streams
            resuming_neither_skips_nor_repeats
            the_head_is_where_the_last_event_stands
            positions_and_versions_beyond_any_number_are_no_trouble
            a_follower_gets_what_was_then_the_mark_then_what_comes
            a_follower_starts_after_its_position
            a_follower_that_lags_loses_nothing_and_holds_nobody_up
            followers_do_not_wait_for_each_other
        })*
    };
}

behaviours!(sqlite);

/// Appends events and expects success.
async fn appended(
    store: &dyn EventStore,
    stream: Stream,
    expected: Expected,
    events: &[NewEvent],
) -> Appended {
    store.append(stream, expected, events.to_vec()).await.unwrap()
}

/// The error of an append that must be refused.
async fn refused(
    store: &dyn EventStore,
    stream: Stream,
    expected: Expected,
    events: &[NewEvent],
) -> StoreError {
    let error = store.append(stream, expected, events.to_vec()).await.expect_err("a refusal");
    assert!(!error.retryable(), "a refusal stands until somebody changes something: {error}");
    error
}

/// That an append conflicts.
async fn conflicts(
    store: &dyn EventStore,
    stream: Stream,
    expected: Expected,
    events: &[NewEvent],
    now: Option<Version>,
) {
    match refused(store, stream, expected, events).await {
        StoreError::WrongVersion { stream: of, expected: thought, actual } => {
            assert_eq!((of, thought, actual), (stream, expected, now));
        }
        other => panic!("not a conflict: {other}"),
    }
}

/// The events of some streams after a position, in the log's order, read in pages.
async fn after(store: &dyn EventStore, at: Position, streams: &[Stream], page: usize) -> Vec<StoredEvent> {
    let mut found = Vec::new();
    let mut at = at;
    loop {
        let events = store.read_all(at, page).await.unwrap();
        let Some(last) = events.last() else { return found };
        assert!(events.len() <= page);
        at = last.position;
        found.extend(events.into_iter().filter(|event| streams.contains(&event.stream)));
    }
}

const fn exact(version: u64) -> Expected {
    Expected::Exact(Version::new(version))
}

async fn an_append_to_a_new_stream_tells_where_it_ended(store: &dyn EventStore) {
    let stream = new_stream();
    let events = events(3);
    let end = appended(store, stream, Expected::NoStream, &events).await;
    assert_eq!(end.version, Version::new(2));
    let stored = whole(store, stream).await;
    assert_eq!(told(&stored), meant(&events));
    assert_eq!(stored[2].position, end.position);
    assert_eq!(stored.iter().map(|event| event.version.number()).collect::<Vec<_>>(), [0, 1, 2]);
    assert!(stored.iter().all(|event| event.stream == stream));
    assert!(stored.is_sorted_by(|a, b| a.position < b.position));
}

async fn an_append_goes_on_from_the_version_that_was_read(store: &dyn EventStore) {
    let stream = new_stream();
    let (first, second) = (events(2), events(2));
    let a = appended(store, stream, Expected::NoStream, &first).await;
    let b = appended(store, stream, Expected::Exact(a.version), &second).await;
    assert_eq!(b.version, Version::new(3));
    assert!(b.position > a.position);
    assert_eq!(told(&whole(store, stream).await), meant(&[first, second].concat()));
}

async fn a_conflict_tells_what_was_expected_and_what_is(store: &dyn EventStore) {
    let stream = new_stream();
    conflicts(store, stream, exact(0), &events(1), None).await;
    appended(store, stream, Expected::NoStream, &events(2)).await;
    let last = Some(Version::new(1));
    conflicts(store, stream, Expected::NoStream, &events(1), last).await;
    conflicts(store, stream, exact(0), &events(1), last).await;
    conflicts(store, stream, exact(2), &events(1), last).await;
    assert_eq!(whole(store, stream).await.len(), 2);
}

async fn the_same_append_again_succeeds_and_writes_nothing(store: &dyn EventStore) {
    let stream = new_stream();
    let first = events(2);
    let a = appended(store, stream, Expected::NoStream, &first).await;
    assert_eq!(appended(store, stream, Expected::NoStream, &first).await, a);
    let second = events(3);
    let b = appended(store, stream, exact(1), &second).await;
    assert_eq!(appended(store, stream, exact(1), &second).await, b);
    let all = after(store, Position::START, &[stream], 1000).await;
    assert_eq!(told(&all), meant(&[first, second].concat()));
}

async fn the_same_append_again_succeeds_after_the_stream_went_on(store: &dyn EventStore) {
    let stream = new_stream();
    let (first, second) = (events(2), events(1));
    let a = appended(store, stream, Expected::NoStream, &first).await;
    let b = appended(store, stream, exact(1), &second).await;
    appended(store, stream, exact(2), &events(4)).await;
    assert_eq!(appended(store, stream, Expected::NoStream, &first).await, a);
    assert_eq!(appended(store, stream, exact(1), &second).await, b);
    assert_eq!(whole(store, stream).await.len(), 7);
}

async fn another_event_at_the_same_place_is_a_conflict(store: &dyn EventStore) {
    let stream = new_stream();
    appended(store, stream, Expected::NoStream, &[event("said once")]).await;
    let again = [event("said once")];
    conflicts(store, stream, Expected::NoStream, &again, Some(Version::FIRST)).await;
}

async fn the_same_id_with_other_bytes_is_a_conflict(store: &dyn EventStore) {
    let stream = new_stream();
    let first = event("sealed once");
    appended(store, stream, Expected::NoStream, std::slice::from_ref(&first)).await;
    let other = NewEvent { bytes: "sealed anew".into(), ..first.clone() };
    conflicts(store, stream, Expected::NoStream, &[other], Some(Version::FIRST)).await;
    assert_eq!(told(&whole(store, stream).await), meant(&[first]));
}

async fn an_append_that_is_there_only_in_part_is_refused(store: &dyn EventStore) {
    let stream = new_stream();
    let there = events(2);
    appended(store, stream, Expected::NoStream, &there).await;
    let now = Some(Version::new(1));
    let longer = [there.clone(), events(1)].concat();
    conflicts(store, stream, Expected::NoStream, &longer, now).await;
    let forked = [there[0].clone(), event("another second")];
    conflicts(store, stream, Expected::NoStream, &forked, now).await;
    let swapped = [there[1].clone(), there[0].clone()];
    conflicts(store, stream, Expected::NoStream, &swapped, now).await;
    let tail = [there[1].clone(), event("a third")];
    conflicts(store, stream, exact(0), &tail, now).await;
    assert_eq!(told(&whole(store, stream).await), meant(&there));
}

async fn an_id_that_stands_elsewhere_is_refused(store: &dyn EventStore) {
    let (one, other) = (new_stream(), new_stream());
    let there = event("here");
    appended(store, one, Expected::NoStream, std::slice::from_ref(&there)).await;
    for (stream, expected) in [(other, Expected::NoStream), (one, exact(0))] {
        match refused(store, stream, expected, &[event("new"), there.clone()]).await {
            StoreError::IdTaken(id) => assert_eq!(id, there.id),
            error => panic!("{error}"),
        }
    }
    assert!(whole(store, other).await.is_empty());
    assert_eq!(whole(store, one).await.len(), 1);
}

async fn an_id_twice_in_one_append_is_refused(store: &dyn EventStore) {
    let stream = new_stream();
    let twice = event("twice");
    match refused(store, stream, Expected::NoStream, &[twice.clone(), event("between"), twice.clone()]).await
    {
        StoreError::IdTaken(id) => assert_eq!(id, twice.id),
        error => panic!("{error}"),
    }
    assert!(whole(store, stream).await.is_empty());
}

async fn what_is_refused_leaves_nothing_behind(store: &dyn EventStore) {
    let stream = new_stream();
    let there = event("there");
    appended(store, new_stream(), Expected::NoStream, std::slice::from_ref(&there)).await;
    let head = store.head().await.unwrap();
    refused(store, stream, exact(3), &events(4)).await;
    refused(store, stream, Expected::NoStream, &[event("a"), event("b"), there]).await;
    refused(store, stream, Expected::NoStream, &[event("a"), event(vec![0; MAX_EVENT_BYTES + 1])]).await;
    assert!(after(store, head, &[stream], 100).await.is_empty());
    let end = appended(store, stream, Expected::NoStream, &events(1)).await;
    assert_eq!(end.version, Version::FIRST);
}

async fn of_many_who_append_at_one_version_one_wins(store: &dyn EventStore) {
    let stream = new_stream();
    appended(store, stream, Expected::NoStream, &events(1)).await;
    let tries: Vec<_> = (0..32).map(|_| events(2)).collect();
    let outcomes = futures_util::future::join_all(
        tries.iter().map(|events| store.append(stream, exact(0), events.clone())),
    )
    .await;
    let mut won = Vec::new();
    for (events, outcome) in tries.iter().zip(outcomes) {
        match outcome {
            Ok(end) => {
                assert_eq!(end.version, Version::new(2));
                won.extend(meant(events));
            }
            Err(StoreError::WrongVersion { actual, .. }) => assert_eq!(actual, Some(Version::new(2))),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(won.len(), 2, "one append of two events");
    assert_eq!(told(&whole(store, stream).await)[1..], won);
}

async fn a_retry_beside_its_first_try_is_the_same_append(store: &dyn EventStore) {
    let stream = new_stream();
    let events = events(3);
    let tries = (0..16).map(|_| store.append(stream, Expected::NoStream, events.clone()));
    let ends: Vec<_> =
        futures_util::future::join_all(tries).await.into_iter().map(|outcome| outcome.unwrap()).collect();
    assert!(ends.iter().all(|end| *end == ends[0]));
    assert_eq!(told(&whole(store, stream).await), meant(&events));
}

async fn an_append_without_events_is_refused(store: &dyn EventStore) {
    let error = refused(store, new_stream(), Expected::NoStream, &[]).await;
    assert!(matches!(error, StoreError::Empty), "{error}");
}

async fn what_is_too_large_is_refused_for_good(store: &dyn EventStore) {
    let stream = new_stream();
    match refused(store, stream, Expected::NoStream, &[event(vec![7; MAX_EVENT_BYTES + 1])]).await {
        StoreError::TooLarge { bytes, limit } => {
            assert_eq!((bytes, limit), (MAX_EVENT_BYTES + 1, MAX_EVENT_BYTES));
        }
        error => panic!("{error}"),
    }
    let many: Vec<_> =
        (0..=MAX_APPEND_BYTES / MAX_EVENT_BYTES).map(|_| event(vec![7; MAX_EVENT_BYTES])).collect();
    match refused(store, stream, Expected::NoStream, &many).await {
        StoreError::TooLarge { bytes, limit } => {
            assert_eq!((bytes, limit), (many.len() * MAX_EVENT_BYTES, MAX_APPEND_BYTES));
        }
        error => panic!("{error}"),
    }
    assert!(whole(store, stream).await.is_empty());
}

async fn the_largest_that_is_allowed_is_kept(store: &dyn EventStore) {
    let stream = new_stream();
    let many: Vec<_> =
        (0..MAX_APPEND_BYTES / MAX_EVENT_BYTES).map(|_| event(vec![0xff; MAX_EVENT_BYTES])).collect();
    appended(store, stream, Expected::NoStream, &many).await;
    assert_eq!(told(&whole(store, stream).await), meant(&many));
}

async fn events_come_back_byte_for_byte(store: &dyn EventStore) {
    let stream = new_stream();
    let every: Vec<u8> = (0..=u8::MAX).collect();
    let sent = [event(""), event("\0"), event("{\"a\": 1}  "), event("Siân Ó Néill 学校"), event(every)];
    appended(store, stream, Expected::NoStream, &sent).await;
    assert_eq!(told(&whole(store, stream).await), meant(&sent));
    assert_eq!(told(&after(store, Position::START, &[stream], 3).await), meant(&sent));
}

async fn every_kind_of_stream_keeps_its_events_apart(store: &dyn EventStore) {
    let mut hash = [0; 32];
    hash[..16].copy_from_slice(new_uuid().as_bytes());
    let hash = KeyedHash::from_bytes(hash);
    let streams = [
        Stream::Organisation(OrganisationId::from_uuid(new_uuid())),
        new_stream(),
        Stream::Email(hash),
        Stream::Subject(hash),
    ];
    for stream in streams {
        appended(store, stream, Expected::NoStream, &[event(stream.to_string())]).await;
    }
    for stream in streams {
        let stored = whole(store, stream).await;
        assert_eq!(stored.len(), 1);
        assert_eq!(stored[0].stream, stream);
        assert_eq!(stored[0].bytes, stream.to_string());
    }
    // A reactor's stream is one for all, so it may have events already.
    let reactor = Stream::Reactor(Reactor::Mail);
    let last = whole(store, reactor).await.last().map(|event| event.version);
    let end = appended(store, reactor, last.map_or(Expected::NoStream, Expected::Exact), &events(1)).await;
    assert_eq!(whole(store, reactor).await.last().map(|event| event.version), Some(end.version));
}

async fn a_stream_without_events_is_empty(store: &dyn EventStore) {
    assert!(whole(store, new_stream()).await.is_empty());
}

async fn a_read_starts_and_ends_where_it_is_told(store: &dyn EventStore) {
    let stream = new_stream();
    appended(store, stream, Expected::NoStream, &events(5)).await;
    for (from, limit, found) in [
        (0, usize::MAX, 0..5),
        (0, 2, 0..2),
        (1, 3, 1..4),
        (3, 10, 3..5),
        (4, 1, 4..5),
        (5, 10, 0..0),
        (0, 0, 0..0),
    ] {
        let events = store.read(stream, Version::new(from), limit).await.unwrap();
        let versions: Vec<_> = events.iter().map(|event| event.version.number()).collect();
        assert_eq!(versions, found.collect::<Vec<_>>(), "from {from}, at most {limit}");
    }
}

async fn the_whole_log_comes_in_order_across_streams(store: &dyn EventStore) {
    let start = store.head().await.unwrap();
    let streams: Vec<_> = (0..3).map(|_| new_stream()).collect();
    let mut sent = Vec::new();
    for round in 0..4 {
        for stream in &streams {
            let expected = if round == 0 { Expected::NoStream } else { exact(round * 2 - 1) };
            let events = events(2);
            appended(store, *stream, expected, &events).await;
            sent.extend(meant(&events));
        }
    }
    let all = after(store, start, &streams, 1000).await;
    assert_eq!(told(&all), sent);
    assert!(all.is_sorted_by(|a, b| a.position < b.position));
}

async fn resuming_neither_skips_nor_repeats(store: &dyn EventStore) {
    let start = store.head().await.unwrap();
    let stream = new_stream();
    let sent = events(23);
    appended(store, stream, Expected::NoStream, &sent).await;
    for page in [1, 2, 7, 22, 23, 24] {
        assert_eq!(told(&after(store, start, &[stream], page).await), meant(&sent), "{page} at a time");
    }
}

async fn the_head_is_where_the_last_event_stands(store: &dyn EventStore) {
    let before = store.head().await.unwrap();
    let end = appended(store, new_stream(), Expected::NoStream, &events(3)).await;
    let head = store.head().await.unwrap();
    assert!(before < end.position && end.position <= head);
    assert!(store.read_all(head, 10).await.unwrap().is_empty());
}

async fn positions_and_versions_beyond_any_number_are_no_trouble(store: &dyn EventStore) {
    let stream = new_stream();
    appended(store, stream, Expected::NoStream, &events(1)).await;
    assert!(store.read(stream, Version::new(u64::MAX), 1).await.unwrap().is_empty());
    assert!(store.read_all(Position::new(u64::MAX), 1).await.unwrap().is_empty());
    let now = Some(Version::FIRST);
    conflicts(store, stream, exact(u64::MAX), &events(1), now).await;
    conflicts(store, stream, exact(i64::MAX.unsigned_abs()), &events(1), now).await;
}

async fn a_follower_gets_what_was_then_the_mark_then_what_comes(store: &dyn EventStore) {
    let start = store.head().await.unwrap();
    let (stream, was, comes) = (new_stream(), events(3), events(2));
    let end = appended(store, stream, Expected::NoStream, &was).await;
    let mut follower = store.subscribe(start);
    let (caught, at) = until_caught_up(&mut follower).await;
    assert_eq!(told(&caught), meant(&was));
    assert!(at >= end.position);
    appended(store, stream, exact(2), &comes).await;
    for event in &comes {
        let next = next_event(&mut follower).await;
        assert_eq!((next.id, &next.bytes), (event.id, &event.bytes));
    }
    assert_eq!(whole(store, stream).await.len(), 5);
}

async fn a_follower_starts_after_its_position(store: &dyn EventStore) {
    let stream = new_stream();
    appended(store, stream, Expected::NoStream, &events(4)).await;
    let stored = whole(store, stream).await;
    let mut middle = store.subscribe(stored[1].position);
    assert_eq!(next_event(&mut middle).await, stored[2]);
    assert_eq!(next_event(&mut middle).await, stored[3]);
    let mut end = store.subscribe(store.head().await.unwrap());
    assert!(matches!(next(&mut end).await.unwrap(), Followed::CaughtUp(_)), "nothing is left to yield");
    let mut beginning = store.subscribe(Position::START);
    let (all, _) = until_caught_up(&mut beginning).await;
    assert!(all.windows(2).all(|pair| pair[0].position < pair[1].position));
    assert_eq!(all.into_iter().filter(|event| event.stream == stream).collect::<Vec<_>>(), stored);
}

async fn a_follower_that_lags_loses_nothing_and_holds_nobody_up(store: &dyn EventStore) {
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
        got.push(next_event(&mut follower).await);
    }
    assert_eq!(told(&got), sent);
}

async fn followers_do_not_wait_for_each_other(store: &dyn EventStore) {
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
            assert_eq!(next_event(follower).await.id, event.id);
        }
    }
}
