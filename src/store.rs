//! The event log: the trait that every engine keeps, and the engines.
//!
//! An engine stores runs of bytes that it does not look into. What they mean is the `events` crate's
//! matter; that they come back as they were sent, in order, is the engine's. What is promised is listed as
//! tests that run against each engine, in `tests/store/contract.rs`.

pub mod eventstoredb;
mod follow;
pub mod sqlite;

use std::borrow::Cow;
use std::collections::HashSet;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::Stream as FutureStream;
use vouchsafe_events::{EventId, Position, Stream, Version};

/// The most bytes that one event's stored form may have: a Merkle leaf holds 65,535.
pub const MAX_EVENT_BYTES: usize = 60 * 1024;

/// The most bytes that one append may have in all: EventStoreDB takes 1 MiB, its own overhead included.
pub const MAX_APPEND_BYTES: usize = 900 * 1024;

/// What a writer expects of the stream that it appends to.
///
/// There is no "any": an event's version is inside its hashed bytes, so a writer always knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The stream has no events yet.
    NoStream,
    /// The stream's last event has this version.
    Exact(Version),
}

impl Expected {
    /// The version that the first appended event gets.
    pub const fn next(self) -> Version {
        match self {
            Self::NoStream => Version::FIRST,
            Self::Exact(last) => last.next(),
        }
    }
}

/// An event to append: its id, and the bytes that are kept and hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// The event's own id: with the same ids and bytes at the same place, an append is the same append.
    pub id: EventId,
    /// The event's type, for engines that keep it beside the bytes. It is inside them too.
    pub kind: &'static str,
    /// The stored form.
    pub bytes: Bytes,
}

/// Checks what every engine refuses before it looks at the log: an append without events, one that is too
/// large, and one that has an id twice.
pub fn check_append(events: &[NewEvent]) -> Result<(), StoreError> {
    if events.is_empty() {
        return Err(StoreError::Empty);
    }
    let mut total = 0;
    let mut ids = HashSet::with_capacity(events.len());
    for event in events {
        let bytes = event.bytes.len();
        if bytes > MAX_EVENT_BYTES {
            return Err(StoreError::TooLarge { bytes, limit: MAX_EVENT_BYTES });
        }
        if !ids.insert(event.id) {
            return Err(StoreError::IdTaken(event.id));
        }
        total += bytes;
    }
    if total > MAX_APPEND_BYTES {
        return Err(StoreError::TooLarge { bytes: total, limit: MAX_APPEND_BYTES });
    }
    Ok(())
}

/// Checks what every engine refuses of a cell: a document that is too large.
pub fn check_cell(bytes: &Bytes) -> Result<(), StoreError> {
    if bytes.len() > MAX_CELL_BYTES {
        return Err(StoreError::TooLarge { bytes: bytes.len(), limit: MAX_CELL_BYTES });
    }
    Ok(())
}

/// An event as the log gives it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its id.
    pub id: EventId,
    /// The stream it is in.
    pub stream: Stream,
    /// Its version in the stream.
    pub version: Version,
    /// Its position in the log.
    pub position: Position,
    /// The stored form, byte for byte as it was appended. It may share a buffer with its neighbours, so
    /// copy what is to be kept for long.
    pub bytes: Bytes,
}

/// Where an append ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The version of the last event appended.
    pub version: Version,
    /// The position of the last event appended.
    pub position: Position,
}

/// The name of a [`Cell`]: lower-case words of letters and digits, parted by hyphens, at most 64 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CellName(Cow<'static, str>);

/// Why a text does not name a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a cell's name is lower-case words of letters and digits, parted by hyphens, at most 64 characters")]
pub struct NotACellName;

impl CellName {
    /// The lease of whoever runs the reactors.
    pub const LEASE: Self = Self(Cow::Borrowed("lease-reactors"));

    /// How far the publisher of messages has come.
    pub const PUBLISHER: Self = Self(Cow::Borrowed("publisher"));

    /// Every cell that this version uses.
    pub const ALL: [Self; 2] = [Self::LEASE, Self::PUBLISHER];

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for CellName {
    type Err = NotACellName;

    fn from_str(text: &str) -> Result<Self, NotACellName> {
        let word = |word: &str| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        if text.len() <= 64 && text.split('-').all(word) {
            Ok(Self(Cow::Owned(text.to_owned())))
        } else {
            Err(NotACellName)
        }
    }
}

impl std::fmt::Display for CellName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A small document beside the log, which instances replace whole, each only if nobody else did since it looked: a
/// lease, or how far a reactor has come. It is no part of the history: what it held before is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Grows each time the cell is set.
    pub version: u64,
    /// The document.
    pub bytes: Bytes,
}

/// The most bytes that a cell holds.
pub const MAX_CELL_BYTES: usize = 4 * 1024;

/// What a subscription yields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Followed {
    /// The next event.
    Event(StoredEvent),
    /// All that was in the log so far has been yielded; what follows is news. It comes again after each time the
    /// follower fell behind, and every second in which there is no news: a follower that hears nothing at all for some
    /// seconds does not know how the log stands.
    CaughtUp(Position),
}

/// The log, page by page, from a position to where it ends by then.
pub struct Pages<'a> {
    store: &'a dyn EventStore,
    at: Position,
}

impl<'a> Pages<'a> {
    /// How many events are in a page.
    const SIZE: usize = 4096;

    /// Begins after a position.
    pub fn after(store: &'a dyn EventStore, at: Position) -> Self {
        Self { store, at }
    }

    /// The position of the last event so far.
    pub const fn position(&self) -> Position {
        self.at
    }

    /// The next events; none at the end.
    pub async fn next(&mut self) -> Result<Option<Vec<StoredEvent>>, StoreError> {
        let page = self.store.read_all(self.at, Self::SIZE).await?;
        let Some(last) = page.last() else { return Ok(None) };
        self.at = last.position;
        Ok(Some(page))
    }
}

/// Why the log did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The stream is not where the writer thought. Load it again and decide again.
    #[error("the stream {stream} is at {actual:?}, not at {expected:?}")]
    WrongVersion {
        /// The stream.
        stream: Stream,
        /// What the writer expected.
        expected: Expected,
        /// The last version in the stream; none if it has no events.
        actual: Option<Version>,
    },
    /// An append must carry at least one event.
    #[error("an append without events")]
    Empty,
    /// An event, or the append as a whole, is larger than the log keeps. Trying again will not help.
    #[error("{bytes} bytes is more than the {limit} that the log keeps")]
    TooLarge {
        /// How many bytes there were.
        bytes: usize,
        /// How many are allowed.
        limit: usize,
    },
    /// One event id stands twice, in this append or in the log at another place. Trying again will not help.
    #[error("the event id {0} is already in the log at another place")]
    IdTaken(EventId),
    /// Somebody else set the cell since it was read. Read it again and decide again.
    #[error("the cell {name} is at {actual:?}, not at {expected:?}")]
    CellMoved {
        /// The cell.
        name: CellName,
        /// The version that it was thought to have; none if it was thought not to be there.
        expected: Option<u64>,
        /// The version that it has; none if it is not there.
        actual: Option<u64>,
    },
    /// The disk has no room. What was asked was not done.
    #[error("the disk that holds the event log is full: free some space, then try again")]
    DiskFull,
    /// Another process holds the log and did not let go in time. What was asked was not done.
    #[error("another process has the event log locked: stop it, or wait until it has finished")]
    Locked,
    /// A newer version of the product made the log.
    #[error(
        "the event log has form {found}, made by a newer version of vouchsafe; this one knows form {known}: upgrade it"
    )]
    NewerForm {
        /// The form found.
        found: i64,
        /// The newest form that this version knows.
        known: i64,
    },
    /// The file is not an event log, or is damaged.
    #[error("the event log cannot be read: {0}")]
    Damaged(String),
    /// The log cannot be reached, or failed in a way of its own. An append may or may not have been done:
    /// repeat it with the same ids, or read.
    #[error("the event log is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    /// Whether the same call may succeed later without anybody changing it.
    pub const fn retryable(&self) -> bool {
        match self {
            Self::DiskFull | Self::Locked | Self::Unavailable(_) => true,
            Self::WrongVersion { .. }
            | Self::CellMoved { .. }
            | Self::Empty
            | Self::TooLarge { .. }
            | Self::IdTaken(_)
            | Self::NewerForm { .. }
            | Self::Damaged(_) => false,
        }
    }
}

/// A future that a trait object can return.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What follows a position, without end.
pub type Subscription = Pin<Box<dyn FutureStream<Item = Result<Followed, StoreError>> + Send>>;

/// The event log.
pub trait EventStore: Send + Sync + 'static {
    /// Appends events to one stream, all or none. When it returns they are on disk.
    ///
    /// Repeating an append with the same ids and the same bytes at the same place succeeds, writes nothing and
    /// answers as the first did. Events beginning at another place, or only partly there, are refused.
    ///
    /// That an id stands elsewhere already, further up in the stream or in another one, is refused by an engine that
    /// notices ([`StoreError::IdTaken`]): SQLite does, EventStoreDB does not. Who makes ids must make them new.
    fn append(
        &self,
        stream: Stream,
        expected: Expected,
        events: Vec<NewEvent>,
    ) -> BoxFuture<'_, Result<Appended, StoreError>>;

    /// At most `limit` events of one stream from `from` on (inclusive), in order. A stream that has none is empty.
    fn read(
        &self,
        stream: Stream,
        from: Version,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<StoredEvent>, StoreError>>;

    /// At most `limit` events of the whole log after `after` (exclusive), in order of position.
    ///
    /// A replay is fastest with some 2,000 at a time: they stay in the processor's cache.
    fn read_all(&self, after: Position, limit: usize) -> BoxFuture<'_, Result<Vec<StoredEvent>, StoreError>>;

    /// The event that stands exactly at a position. None if none does, also where no event could.
    fn at(&self, position: Position) -> BoxFuture<'_, Result<Option<StoredEvent>, StoreError>>;

    /// The position of the last event; [`Position::START`] if there is none.
    fn head(&self) -> BoxFuture<'_, Result<Position, StoreError>>;

    /// Follows the log after `after` (exclusive): what is there, a caught-up mark, then what comes. A follower
    /// that lags loses nothing and holds nothing up. An error ends it; follow again from the last position seen.
    fn subscribe(&self, after: Position) -> Subscription;

    /// The document in a cell, as it was last set by anyone.
    fn cell(&self, name: &CellName) -> BoxFuture<'_, Result<Option<Cell>, StoreError>>;

    /// Replaces the document in a cell, of at most [`MAX_CELL_BYTES`], if the cell still has the version `expected`
    /// (none: if it is not there yet). Answers its new version. Of many who try at one version, one succeeds.
    ///
    /// Where the answer is lost the cell may or may not have been set: read it to see.
    fn set_cell(
        &self,
        name: &CellName,
        expected: Option<u64>,
        bytes: Bytes,
    ) -> BoxFuture<'_, Result<u64, StoreError>>;

    /// Finishes what waits and lets go of the log: what is asked of it afterwards fails, and followers are told.
    /// Events are kept even if it fails.
    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_has_a_name_of_its_own_that_is_one() {
        for name in CellName::ALL {
            assert_eq!(name.as_str().parse(), Ok(name.clone()));
        }
        assert_ne!(CellName::LEASE, CellName::PUBLISHER);
        let long = "a".repeat(65);
        for other in ["", "-", "a-", "a--b", "Lease", "a_b", "a b", "é", &long] {
            assert_eq!(other.parse::<CellName>(), Err(NotACellName), "{other}");
        }
    }
}
