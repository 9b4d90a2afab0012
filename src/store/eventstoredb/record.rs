//! An event here and on the server: which of the server's events are ours, and where they stand.

use bytes::Bytes;
use eventstore::{EventData, RecordedEvent, ResolvedEvent};
use serde_json::value::RawValue;
use vouchsafe_events::{EventId, Position, Stream, Version};

use crate::store::{NewEvent, StoreError, StoredEvent};

/// What stands beside each of our events: tells them from what somebody else put into a stream of ours, and
/// says which form this is.
const MARK: &[u8] = br#"{"vouchsafe":1}"#;

/// The most bytes of one append: the server's default limit, in the server's way of counting.
pub(super) const MAX_APPEND: usize = 1024 * 1024;

/// The largest number that the server counts to; it takes a larger one for something else.
pub(super) const LAST_NUMBER: u64 = i64::MAX.unsigned_abs();

/// A place in the server's log: commit first, then prepare. The client's own type has no order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    commit: u64,
    prepare: u64,
}

impl Place {
    /// Where an event of ours stands.
    pub(super) const fn of(position: Position) -> Self {
        Self { commit: position.number(), prepare: position.number() }
    }

    pub(super) const fn position(self) -> eventstore::Position {
        eventstore::Position { commit: self.commit, prepare: self.prepare }
    }

    /// Whether the server counts that far.
    pub(super) const fn is_countable(self) -> bool {
        self.commit <= LAST_NUMBER && self.prepare <= LAST_NUMBER
    }
}

impl From<eventstore::Position> for Place {
    fn from(eventstore::Position { commit, prepare }: eventstore::Position) -> Self {
        Self { commit, prepare }
    }
}

/// An event as the server takes it. Bytes that are JSON are said to be, so that the server's own pages show them.
pub(super) fn proposed(event: &NewEvent) -> EventData {
    // The client writes JSON itself, so only what it writes byte for byte as it is goes to it as such.
    let raw = serde_json::from_slice::<&RawValue>(&event.bytes).ok();
    let json = raw
        .filter(|raw| raw.get().len() == event.bytes.len())
        .and_then(|raw| EventData::json(event.kind, &raw).ok());
    let data = json.unwrap_or_else(|| EventData::binary(event.kind, event.bytes.clone()));
    data.id(event.id.uuid()).metadata(Bytes::from_static(MARK))
}

/// How many bytes an event counts for in an append: its type counts twice, as the server keeps it in UTF-16.
pub(super) fn size(event: &NewEvent) -> usize {
    event.bytes.len() + MARK.len() + 2 * event.kind.len()
}

/// What a record is to us.
#[derive(Debug)]
pub(super) struct Seen {
    /// Where it stands.
    pub(super) place: Place,
    /// The event, if it is ours.
    pub(super) ours: Option<StoredEvent>,
}

/// How many bytes a record brings.
pub(super) fn weight(resolved: &ResolvedEvent) -> usize {
    let held = [resolved.event.as_ref(), resolved.link.as_ref()];
    held.into_iter().flatten().map(|held| held.data.len() + held.custom_metadata.len()).sum()
}

/// Takes a record from a read of everything. Links are never followed, so that one whose event is gone is a
/// foreign event like any other.
pub(super) fn seen(resolved: ResolvedEvent) -> Result<Option<Seen>, StoreError> {
    let Some(recorded) = resolved.link.or(resolved.event) else { return Ok(None) };
    let place = Place::from(recorded.position);
    let ours = match recorded.stream_id.parse::<Stream>() {
        Ok(stream) if is_marked(&recorded) => Some(stored(stream, recorded)?),
        Ok(stream) => {
            tracing::warn!(%stream, revision = recorded.revision, "a foreign event in a stream of the log");
            None
        }
        Err(_) => None,
    };
    Ok(Some(Seen { place, ours }))
}

/// Takes a record from a read of one of our streams, which must hold nothing else.
pub(super) fn own(stream: Stream, resolved: ResolvedEvent) -> Result<StoredEvent, StoreError> {
    match resolved.link.or(resolved.event) {
        Some(recorded) if is_marked(&recorded) => stored(stream, recorded),
        _ => Err(StoreError::Damaged(format!(
            "the stream {stream} holds an event that this service did not write: see who else may write to it"
        ))),
    }
}

fn is_marked(recorded: &RecordedEvent) -> bool {
    recorded.custom_metadata == MARK && !recorded.event_type.starts_with('$')
}

fn stored(stream: Stream, recorded: RecordedEvent) -> Result<StoredEvent, StoreError> {
    let RecordedEvent { id, revision, data, position, .. } = recorded;
    // Only an event that was written in an explicit transaction has two, which nothing can do since version 20.10
    // but the old TCP clients; and then several events share the first.
    if position.commit != position.prepare || position.commit == 0 || position.commit > LAST_NUMBER {
        return Err(StoreError::Damaged(format!(
            "event {revision} of the stream {stream} has no position of its own (commit {}, prepare {})",
            position.commit, position.prepare
        )));
    }
    Ok(StoredEvent {
        id: EventId::from_uuid(id),
        stream,
        version: Version::new(revision),
        position: Position::new(position.commit),
        bytes: data,
    })
}
