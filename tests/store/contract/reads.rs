//! What every engine promises who reads.

use vouchsafe::store::{EventStore, Expected};
use vouchsafe_events::{KeyedHash, OrganisationId, Position, Reactor, Stream, Version};

use super::{after, appended, conflicts, exact};
use crate::support::{event, events, meant, new_stream, new_uuid, told, whole};

pub(crate) async fn events_come_back_byte_for_byte(store: &dyn EventStore) {
    let stream = new_stream();
    let every: Vec<u8> = (0..=u8::MAX).collect();
    let sent = [event(""), event("\0"), event("{\"a\": 1}  "), event("Siân Ó Néill 学校"), event(every)];
    appended(store, stream, Expected::NoStream, &sent).await;
    assert_eq!(told(&whole(store, stream).await), meant(&sent));
    assert_eq!(told(&after(store, Position::START, &[stream], 3).await), meant(&sent));
}

pub(crate) async fn every_kind_of_stream_keeps_its_events_apart(store: &dyn EventStore) {
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

pub(crate) async fn a_stream_without_events_is_empty(store: &dyn EventStore) {
    assert!(whole(store, new_stream()).await.is_empty());
}

pub(crate) async fn a_read_starts_and_ends_where_it_is_told(store: &dyn EventStore) {
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

pub(crate) async fn the_whole_log_comes_in_order_across_streams(store: &dyn EventStore) {
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

pub(crate) async fn resuming_neither_skips_nor_repeats(store: &dyn EventStore) {
    let start = store.head().await.unwrap();
    let stream = new_stream();
    let sent = events(23);
    appended(store, stream, Expected::NoStream, &sent).await;
    for page in [1, 2, 7, 22, 23, 24] {
        assert_eq!(told(&after(store, start, &[stream], page).await), meant(&sent), "{page} at a time");
    }
}

pub(crate) async fn the_head_is_where_the_last_event_stands(store: &dyn EventStore) {
    let before = store.head().await.unwrap();
    let end = appended(store, new_stream(), Expected::NoStream, &events(3)).await;
    let head = store.head().await.unwrap();
    assert!(before < end.position && end.position <= head);
    assert!(store.read_all(head, 10).await.unwrap().is_empty());
}

pub(crate) async fn positions_and_versions_beyond_any_number_are_no_trouble(store: &dyn EventStore) {
    let stream = new_stream();
    appended(store, stream, Expected::NoStream, &events(1)).await;
    assert!(store.read(stream, Version::new(u64::MAX), 1).await.unwrap().is_empty());
    assert!(store.read_all(Position::new(u64::MAX), 1).await.unwrap().is_empty());
    let now = Some(Version::FIRST);
    conflicts(store, stream, exact(u64::MAX), &events(1), now).await;
    conflicts(store, stream, exact(i64::MAX.unsigned_abs()), &events(1), now).await;
}

pub(crate) async fn an_event_is_found_at_its_position_and_nowhere_else(store: &dyn EventStore) {
    let stream = new_stream();
    let end = appended(store, stream, Expected::NoStream, &events(3)).await;
    let stored = whole(store, stream).await;
    for event in &stored {
        assert_eq!(store.at(event.position).await.unwrap().as_ref(), Some(event));
    }
    let places: Vec<_> = stored.iter().map(|event| event.position).collect();
    for near in [end.position.number() + 1, end.position.number() + 7, u64::MAX] {
        let found = store.at(Position::new(near)).await.unwrap();
        assert!(
            found.is_none_or(|event| event.position.number() == near && !places.contains(&event.position))
        );
    }
    assert_eq!(store.at(Position::START).await.unwrap(), None);
}
