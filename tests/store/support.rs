//! What the tests of the log share.

use std::collections::HashMap;
use std::error::Error;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use uuid::Uuid;
use vouchsafe::store::sqlite::{SqliteOptions, SqliteStore, Trouble};
use vouchsafe::store::{EventStore, Followed, NewEvent, StoreError, StoredEvent, Subscription};
use vouchsafe_events::{EventId, PersonId, Position, Stream, Version};

/// How long a test waits for what must come before it calls it lost.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// An id that no log has seen: a server's log may outlive the test.
pub(crate) fn new_uuid() -> Uuid {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests of the log want ids that are new, whatever they are"
    )]
    Uuid::now_v7()
}

/// A stream that has no events.
pub(crate) fn new_stream() -> Stream {
    Stream::Person(PersonId::from_uuid(new_uuid()))
}

/// An event with a new id.
pub(crate) fn event(bytes: impl Into<Vec<u8>>) -> NewEvent {
    NewEvent { id: EventId::from_uuid(new_uuid()), kind: "tested", bytes: Bytes::from(bytes.into()) }
}

/// Some events with new ids, each different.
pub(crate) fn events(count: usize) -> Vec<NewEvent> {
    (0..count).map(|number| event(format!("event {number} of {count}"))).collect()
}

/// The whole of a stream.
pub(crate) async fn whole(store: &dyn EventStore, stream: Stream) -> Vec<StoredEvent> {
    store.read(stream, Version::FIRST, usize::MAX).await.unwrap()
}

/// The ids and bytes of stored events.
pub(crate) fn told(stored: &[StoredEvent]) -> Vec<(EventId, Bytes)> {
    stored.iter().map(|event| (event.id, event.bytes.clone())).collect()
}

/// The ids and bytes of new events.
pub(crate) fn meant(events: &[NewEvent]) -> Vec<(EventId, Bytes)> {
    events.iter().map(|event| (event.id, event.bytes.clone())).collect()
}

/// The next thing that a subscription yields.
pub(crate) async fn next(subscription: &mut Subscription) -> Result<Followed, StoreError> {
    let waited = tokio::time::timeout(LONG, subscription.next()).await;
    waited.expect("the subscription yields something").expect("a subscription has no end")
}

/// The next event of a subscription.
pub(crate) async fn next_event(subscription: &mut Subscription) -> StoredEvent {
    loop {
        if let Followed::Event(event) = next(subscription).await.unwrap() {
            return event;
        }
    }
}

/// The next event of a stream that a subscription yields: on a server, others may write too.
pub(crate) async fn next_event_of(subscription: &mut Subscription, stream: Stream) -> StoredEvent {
    loop {
        let event = next_event(subscription).await;
        if event.stream == stream {
            return event;
        }
    }
}

/// Waits for the caught-up mark; the events before it.
pub(crate) async fn until_caught_up(subscription: &mut Subscription) -> (Vec<StoredEvent>, Position) {
    let mut events = Vec::new();
    loop {
        match next(subscription).await.unwrap() {
            Followed::Event(event) => events.push(event),
            Followed::CaughtUp(at) => return (events, at),
        }
    }
}

/// Opens a SQLite log as the product does.
pub(crate) fn open(path: &Path) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(path, SqliteOptions::default())
}

/// Opens a SQLite log, but waits for locks no longer than a test likes to.
pub(crate) fn open_impatient(path: &Path) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(
        path,
        SqliteOptions { patience: Duration::from_millis(300), ..SqliteOptions::default() },
    )
}

/// Every event of a log, after checking that positions count from 1 and versions from 0 without a gap.
pub(crate) async fn gapless(store: &dyn EventStore) -> Vec<StoredEvent> {
    let mut all: Vec<StoredEvent> = Vec::new();
    let mut versions: HashMap<Stream, u64> = HashMap::new();
    loop {
        let at = all.last().map_or(Position::START, |event| event.position);
        let page = store.read_all(at, 5000).await.unwrap();
        if page.is_empty() {
            assert_eq!(store.head().await.unwrap(), at);
            return all;
        }
        for event in page {
            assert_eq!(event.position.number(), all.len() as u64 + 1, "positions have no gap");
            let next = versions.entry(event.stream).or_default();
            assert_eq!(event.version.number(), *next, "the versions of {} have no gap", event.stream);
            *next += 1;
            all.push(event);
        }
    }
}

/// Whether this process may mount file systems.
pub(crate) fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// The trouble under an error.
pub(crate) fn trouble(error: &StoreError) -> &Trouble {
    error.source().and_then(|source| source.downcast_ref()).unwrap_or_else(|| panic!("no trouble: {error}"))
}
