//! What every engine promises who appends.

use vouchsafe::store::{EventStore, Expected, MAX_APPEND_BYTES, MAX_EVENT_BYTES, NewEvent, StoreError};
use vouchsafe_events::{Position, Version};

use super::{after, appended, conflicts, exact, refused};
use crate::support::{event, events, meant, new_stream, told, whole};

pub(crate) async fn an_append_to_a_new_stream_tells_where_it_ended(store: &dyn EventStore) {
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

pub(crate) async fn an_append_goes_on_from_the_version_that_was_read(store: &dyn EventStore) {
    let stream = new_stream();
    let (first, second) = (events(2), events(2));
    let a = appended(store, stream, Expected::NoStream, &first).await;
    let b = appended(store, stream, Expected::Exact(a.version), &second).await;
    assert_eq!(b.version, Version::new(3));
    assert!(b.position > a.position);
    assert_eq!(told(&whole(store, stream).await), meant(&[first, second].concat()));
}

pub(crate) async fn a_conflict_tells_what_was_expected_and_what_is(store: &dyn EventStore) {
    let stream = new_stream();
    conflicts(store, stream, exact(0), &events(1), None).await;
    appended(store, stream, Expected::NoStream, &events(2)).await;
    let last = Some(Version::new(1));
    conflicts(store, stream, Expected::NoStream, &events(1), last).await;
    conflicts(store, stream, exact(0), &events(1), last).await;
    conflicts(store, stream, exact(2), &events(1), last).await;
    assert_eq!(whole(store, stream).await.len(), 2);
}

pub(crate) async fn the_same_append_again_succeeds_and_writes_nothing(store: &dyn EventStore) {
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

pub(crate) async fn the_same_append_again_succeeds_after_the_stream_went_on(store: &dyn EventStore) {
    let stream = new_stream();
    let (first, second) = (events(2), events(1));
    let a = appended(store, stream, Expected::NoStream, &first).await;
    let b = appended(store, stream, exact(1), &second).await;
    appended(store, stream, exact(2), &events(4)).await;
    assert_eq!(appended(store, stream, Expected::NoStream, &first).await, a);
    assert_eq!(appended(store, stream, exact(1), &second).await, b);
    assert_eq!(whole(store, stream).await.len(), 7);
}

pub(crate) async fn another_event_at_the_same_place_is_a_conflict(store: &dyn EventStore) {
    let stream = new_stream();
    appended(store, stream, Expected::NoStream, &[event("said once")]).await;
    let again = [event("said once")];
    conflicts(store, stream, Expected::NoStream, &again, Some(Version::FIRST)).await;
}

pub(crate) async fn the_same_id_with_other_bytes_is_a_conflict(store: &dyn EventStore) {
    let stream = new_stream();
    let first = event("sealed once");
    appended(store, stream, Expected::NoStream, std::slice::from_ref(&first)).await;
    let other = NewEvent { bytes: "sealed anew".into(), ..first.clone() };
    conflicts(store, stream, Expected::NoStream, &[other], Some(Version::FIRST)).await;
    assert_eq!(told(&whole(store, stream).await), meant(&[first]));
}

pub(crate) async fn an_append_that_is_there_only_in_part_is_refused(store: &dyn EventStore) {
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

pub(crate) async fn an_id_twice_in_one_append_is_refused(store: &dyn EventStore) {
    let stream = new_stream();
    let twice = event("twice");
    match refused(store, stream, Expected::NoStream, &[twice.clone(), event("between"), twice.clone()]).await
    {
        StoreError::IdTaken(id) => assert_eq!(id, twice.id),
        error => panic!("{error}"),
    }
    assert!(whole(store, stream).await.is_empty());
}

pub(crate) async fn what_is_refused_leaves_nothing_behind(store: &dyn EventStore) {
    let stream = new_stream();
    let twice = event("twice");
    let head = store.head().await.unwrap();
    refused(store, stream, exact(3), &events(4)).await;
    refused(store, stream, Expected::NoStream, &[event("a"), twice.clone(), twice]).await;
    refused(store, stream, Expected::NoStream, &[event("a"), event(vec![0; MAX_EVENT_BYTES + 1])]).await;
    assert!(after(store, head, &[stream], 100).await.is_empty());
    let end = appended(store, stream, Expected::NoStream, &events(1)).await;
    assert_eq!(end.version, Version::FIRST);
}

pub(crate) async fn of_many_who_append_at_one_version_one_wins(store: &dyn EventStore) {
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

pub(crate) async fn a_retry_beside_its_first_try_is_the_same_append(store: &dyn EventStore) {
    let stream = new_stream();
    let events = events(3);
    let tries = (0..16).map(|_| store.append(stream, Expected::NoStream, events.clone()));
    let ends: Vec<_> =
        futures_util::future::join_all(tries).await.into_iter().map(|outcome| outcome.unwrap()).collect();
    assert!(ends.iter().all(|end| *end == ends[0]));
    assert_eq!(told(&whole(store, stream).await), meant(&events));
}

pub(crate) async fn an_append_without_events_is_refused(store: &dyn EventStore) {
    let error = refused(store, new_stream(), Expected::NoStream, &[]).await;
    assert!(matches!(error, StoreError::Empty), "{error}");
}

pub(crate) async fn what_is_too_large_is_refused_for_good(store: &dyn EventStore) {
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

pub(crate) async fn the_largest_that_is_allowed_is_kept(store: &dyn EventStore) {
    let stream = new_stream();
    let many: Vec<_> =
        (0..MAX_APPEND_BYTES / MAX_EVENT_BYTES).map(|_| event(vec![0xff; MAX_EVENT_BYTES])).collect();
    appended(store, stream, Expected::NoStream, &many).await;
    assert_eq!(told(&whole(store, stream).await), meant(&many));
}
