//! Reading: the connections that read, and what they are asked.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension as _, Rows, params};
use tokio::sync::Semaphore;
use uuid::Uuid;
use vouchsafe_events::{EventId, Position, Stream, Version};

use super::SqliteOptions;
use super::file::open_reader;
use super::trouble::{closed, sqlite};
use crate::store::{Cell, CellName, StoreError, StoredEvent};

/// How many bytes of events share a buffer when one stream is read: such events are few, and may be kept.
const SMALL_BLOCK: usize = 4 * 1024;

/// The same when the whole log is read: such events are many, and soon gone.
const LARGE_BLOCK: usize = 64 * 1024;

/// How many events of a page of the whole log to make room for before it is known how many there are.
const FIRST_EVENTS: usize = 2000;

/// A few connections that read, each in use by one reader at a time.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    patience: Duration,
    idle: Mutex<Vec<Connection>>,
    room: Arc<Semaphore>,
}

impl Readers {
    /// Readers of the log at `path`; each connection is made when it is first needed.
    pub(super) fn new(path: &Path, options: SqliteOptions) -> Self {
        let room = Arc::new(Semaphore::new(options.readers.max(1) as usize));
        Self { path: path.to_owned(), patience: options.patience, idle: Mutex::default(), room }
    }

    /// Runs `work` with a connection of its own, on a thread that may block.
    pub(super) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let turn = Arc::clone(&self.room).acquire_owned().await.map_err(|_| closed())?;
        let readers = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || {
            // Held to the end even when the caller has stopped waiting.
            let _turn = turn;
            let idle = readers.idle().pop();
            let connection = idle.map_or_else(|| open_reader(&readers.path, readers.patience), Ok)?;
            let result = work(&connection);
            // After a failure a fresh connection is the surer one.
            if result.is_ok() && !readers.room.is_closed() {
                readers.idle().push(connection);
            }
            result
        });
        done.await.map_err(|error| StoreError::Unavailable(Box::new(error)))?
    }

    /// Lets go of the file; later reads fail.
    pub(super) fn close(&self) {
        self.room.close();
        self.idle().clear();
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The last event's position as a number; 0 if there is none.
pub(super) fn last_position(connection: &Connection) -> rusqlite::Result<u64> {
    connection
        .prepare_cached("SELECT max(position) FROM events")?
        .query_row([], |row| row.get::<_, Option<u64>>(0))
        .map(Option::unwrap_or_default)
}

/// The position of the last event.
pub(super) fn head(connection: &Connection) -> Result<Position, StoreError> {
    last_position(connection).map(Position::new).map_err(sqlite)
}

/// At most `limit` events of the whole log after `after`.
pub(super) fn all(
    connection: &Connection,
    after: Position,
    limit: usize,
) -> Result<Vec<StoredEvent>, StoreError> {
    // SQLite counts to `i64::MAX`: nothing stands beyond.
    let Ok(after) = i64::try_from(after.number()) else { return Ok(Vec::new()) };
    let mut select = connection
        .prepare_cached(
            "SELECT position, stream, version, id, bytes FROM events
             WHERE position > ?1 ORDER BY position LIMIT ?2",
        )
        .map_err(sqlite)?;
    let rows = select.query(params![after, count(limit)]).map_err(sqlite)?;
    collect(rows, limit, LARGE_BLOCK)
}

/// The event at a position.
pub(super) fn at(connection: &Connection, position: Position) -> Result<Option<StoredEvent>, StoreError> {
    let Ok(position) = i64::try_from(position.number()) else { return Ok(None) };
    let mut select = connection
        .prepare_cached("SELECT position, stream, version, id, bytes FROM events WHERE position = ?1")
        .map_err(sqlite)?;
    let rows = select.query([position]).map_err(sqlite)?;
    Ok(collect(rows, 0, SMALL_BLOCK)?.pop())
}

/// The document in a cell.
pub(super) fn cell(connection: &Connection, name: &CellName) -> Result<Option<Cell>, StoreError> {
    let found = |row: &rusqlite::Row<'_>| {
        Ok(Cell { version: row.get(0)?, bytes: Bytes::from(row.get::<_, Vec<u8>>(1)?) })
    };
    connection
        .prepare_cached("SELECT version, bytes FROM cells WHERE name = ?1")
        .and_then(|mut select| select.query_row([name.as_str()], found).optional())
        .map_err(sqlite)
}

/// At most `limit` events of one stream from `from` on.
pub(super) fn stream(
    connection: &Connection,
    stream: Stream,
    from: Version,
    limit: usize,
) -> Result<Vec<StoredEvent>, StoreError> {
    let Ok(from) = i64::try_from(from.number()) else { return Ok(Vec::new()) };
    let mut select = connection
        .prepare_cached(
            "SELECT position, stream, version, id, bytes FROM events
             WHERE stream = ?1 AND version >= ?2 ORDER BY version LIMIT ?3",
        )
        .map_err(sqlite)?;
    let rows = select.query(params![stream.to_string(), from, count(limit)]).map_err(sqlite)?;
    collect(rows, 0, SMALL_BLOCK)
}

/// A limit as SQLite takes it.
fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// What a row holds beside the event's bytes, and where those begin and end in their block.
struct Placed {
    id: EventId,
    stream: Stream,
    version: Version,
    position: Position,
    bytes: Range<usize>,
}

/// Turns rows into events. Their bytes are gathered in blocks that the events share: with an allocation for
/// each, a replay of a million events would spend most of its time in the allocator.
fn collect(mut rows: Rows<'_>, limit: usize, block: usize) -> Result<Vec<StoredEvent>, StoreError> {
    let mut events = Vec::with_capacity(limit.min(FIRST_EVENTS));
    let mut placed = Vec::new();
    let mut filled: Vec<u8> = Vec::new();
    while let Some(row) = rows.next().map_err(sqlite)? {
        let position: u64 = row.get(0).map_err(sqlite)?;
        let damaged =
            |what: &str| StoreError::Damaged(format!("the {what} at position {position} is not one"));
        let stream = row.get_ref(1).map_err(sqlite)?.as_str().map_err(|_| damaged("stream"))?;
        let id = row.get_ref(3).map_err(sqlite)?.as_blob().map_err(|_| damaged("event id"))?;
        let bytes = row.get_ref(4).map_err(sqlite)?.as_blob().map_err(|_| damaged("event"))?;
        if filled.capacity() - filled.len() < bytes.len() {
            hand_out(std::mem::take(&mut filled), &mut placed, &mut events);
            filled = Vec::with_capacity(block.max(bytes.len()));
        }
        let start = filled.len();
        filled.extend_from_slice(bytes);
        placed.push(Placed {
            id: EventId::from_uuid(Uuid::from_slice(id).map_err(|_| damaged("event id"))?),
            stream: stream.parse().map_err(|_| damaged("stream"))?,
            version: Version::new(row.get(2).map_err(sqlite)?),
            position: Position::new(position),
            bytes: start..filled.len(),
        });
    }
    hand_out(filled, &mut placed, &mut events);
    Ok(events)
}

/// Gives each event of a full block its share.
fn hand_out(block: Vec<u8>, placed: &mut Vec<Placed>, events: &mut Vec<StoredEvent>) {
    let block = Bytes::from(block);
    events.extend(placed.drain(..).map(|Placed { id, stream, version, position, bytes }| StoredEvent {
        id,
        stream,
        version,
        position,
        bytes: block.slice(bytes),
    }));
}
