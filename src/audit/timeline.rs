//! An index of the history, so that a page of it can be found among millions of events.
//!
//! It is a SQLite file beside the log that anybody may delete: it is made again from the log. It knows when
//! an event happened, of what type it is, at which organisation, and whom it concerns; what it says is read
//! from the log itself. There is no personal data in it but the ids of people.

mod file;
mod follow;
mod search;
mod write;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OptionalExtension};
use tokio::sync::{Notify, watch};
use vouchsafe_events::{EventId, OrganisationId, PersonId, Position, Recorded, Timestamp, Uuid};

pub use follow::Interrupted;
pub use search::{Filter, Found, PAGE, Total};

/// How many connections that read are kept open while nobody uses them.
const IDLE_READERS: usize = 4;

/// Why the index did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum TimelineError {
    /// The file cannot be made, opened or removed.
    #[error("the index of the history cannot be kept in {path}: check who may write there")]
    NotAllowed {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file is a database of another program, or the event log itself. It was left as it is.
    #[error("{0} is not an index of the history: name another file for it")]
    Foreign(PathBuf),
    /// SQLite failed.
    #[error("the index of the history failed")]
    Sqlite(#[from] rusqlite::Error),
    /// The file was thrown away, and no new one could be made yet.
    #[error("the index of the history has still to be made anew")]
    Gone,
    /// The work was broken off, because the service stops or because of a fault in it.
    #[error("the work on the index of the history was broken off")]
    BrokenOff(#[from] tokio::task::JoinError),
}

impl TimelineError {
    /// Whether the file's content is at fault, so that only making it anew helps.
    fn is_damage(&self) -> bool {
        match self {
            Self::Gone => true,
            Self::Sqlite(error) => {
                matches!(
                    error.sqlite_error_code(),
                    Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
                )
            }
            Self::NotAllowed { .. } | Self::Foreign(_) | Self::BrokenOff(_) => false,
        }
    }
}

/// The index of the history.
#[derive(Debug)]
pub struct Timeline {
    path: PathBuf,
    /// None after the file was thrown away, until there is a new one.
    writer: Mutex<Option<Connection>>,
    readers: Mutex<Readers>,
    position: watch::Sender<Position>,
    /// Told when a reader finds the file damaged.
    damaged: Notify,
}

/// Connections that read. Those of a file that was made anew meanwhile are not taken back.
#[derive(Debug, Default)]
struct Readers {
    generation: u64,
    idle: Vec<Connection>,
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Timeline {
    /// Opens the index at `path`, which is made, readable by its owner alone, if there is none. One of
    /// another form, or damaged, is thrown away and made anew: then it is empty until it has followed the log.
    ///
    /// Blocks while another process has the file locked, at most five seconds.
    pub fn open(path: &Path) -> Result<Self, TimelineError> {
        let opened = file::open(path).and_then(|writer| Ok((write::position(&writer)?, writer)));
        let (position, writer) = match opened {
            Ok(opened) => opened,
            Err(error) if error.is_damage() => {
                tracing::warn!(file = %path.display(), "the index of the history is damaged: made anew");
                file::remove(path)?;
                let writer = file::open(path)?;
                (write::position(&writer)?, writer)
            }
            Err(error) => return Err(error),
        };
        Ok(Self {
            path: path.to_owned(),
            writer: Mutex::new(Some(writer)),
            readers: Mutex::default(),
            position: watch::Sender::new(position),
            damaged: Notify::new(),
        })
    }

    /// The position of the last event taken in.
    pub fn position(&self) -> Position {
        *self.position.borrow()
    }

    /// Takes in events that follow, in order. Those that were taken in already are passed over.
    ///
    /// Blocks for the disk.
    pub fn take(&self, events: &[Recorded]) -> Result<(), TimelineError> {
        let position = write::take(lock(&self.writer).as_mut().ok_or(TimelineError::Gone)?, events)?;
        self.position.send_replace(position);
        Ok(())
    }

    /// Waits until events up to `wanted` have been taken in, for as long as `patience`. False if they have
    /// not been by then.
    pub async fn reach(&self, wanted: Position, patience: Duration) -> bool {
        let mut position = self.position.subscribe();
        let reached = position.wait_for(|position| *position >= wanted);
        matches!(tokio::time::timeout(patience, reached).await, Ok(Ok(_)))
    }

    /// The newest events that pass the filter: those before `before`, or the newest of all.
    pub async fn search(
        self: &Arc<Self>,
        filter: Filter,
        before: Option<Position>,
    ) -> Result<Found, TimelineError> {
        self.read(move |connection| search::search(connection, &filter, before)).await
    }

    /// Where an event stands in the log, if it was taken in.
    pub async fn position_of(self: &Arc<Self>, id: EventId) -> Result<Option<Position>, TimelineError> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached("SELECT position FROM ids WHERE id = ?1")?;
            statement.query_row((id.uuid().as_bytes(),), |row| row.get(0).map(Position::new)).optional()
        })
        .await
    }

    /// When each of these people signed in for an organisation, or chose it after they had: of each the newest, at
    /// most `limit`.
    pub async fn sign_ins(
        self: &Arc<Self>,
        organisation: OrganisationId,
        people: Vec<PersonId>,
        limit: usize,
    ) -> Result<Vec<(PersonId, Timestamp)>, TimelineError> {
        self.read(move |connection| search::sign_ins(connection, organisation, &people, limit)).await
    }

    /// The organisations at which anything ever concerned a person, in the order of their ids.
    pub async fn organisations_of(
        self: &Arc<Self>,
        person: PersonId,
    ) -> Result<Vec<OrganisationId>, TimelineError> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT DISTINCT e.organisation FROM people p CROSS JOIN entries e USING (position)
                 WHERE p.person = ?1 AND e.organisation IS NOT NULL ORDER BY e.organisation",
            )?;
            let id = |row: &rusqlite::Row<'_>| {
                row.get(0).map(|id| OrganisationId::from_uuid(Uuid::from_bytes(id)))
            };
            statement.query_map((person.uuid().as_bytes(),), id)?.collect()
        })
        .await
    }

    /// Runs `work` with a connection of its own, on a thread that may block.
    async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, TimelineError> {
        let timeline = Arc::clone(self);
        let found = tokio::task::spawn_blocking(move || {
            let (generation, idle) = {
                let mut readers = lock(&timeline.readers);
                (readers.generation, readers.idle.pop())
            };
            let connection = idle.map_or_else(|| file::open_reader(&timeline.path), Ok)?;
            let found = work(&connection)?;
            let mut readers = lock(&timeline.readers);
            if readers.generation == generation && readers.idle.len() < IDLE_READERS {
                readers.idle.push(connection);
            }
            Ok(found)
        })
        .await?;
        found.inspect_err(|error: &TimelineError| {
            if error.is_damage() {
                self.damaged.notify_one();
            }
        })
    }

    /// The last event taken in: where it stands, and its id.
    fn last(&self) -> Result<(Position, Option<EventId>), TimelineError> {
        let writer = lock(&self.writer);
        let connection = writer.as_ref().ok_or(TimelineError::Gone)?;
        let last = connection.query_row("SELECT position, id FROM state", [], |row| {
            let id: Option<[u8; 16]> = row.get(1)?;
            Ok((Position::new(row.get(0)?), id.map(|id| EventId::from_uuid(Uuid::from_bytes(id)))))
        })?;
        Ok(last)
    }

    /// Forgets everything, for a log that is not the one that was followed.
    fn clear(&self) -> Result<(), TimelineError> {
        write::clear(lock(&self.writer).as_mut().ok_or(TimelineError::Gone)?)?;
        self.position.send_replace(Position::START);
        Ok(())
    }

    /// Throws the file away and makes an empty one.
    fn make_anew(&self) -> Result<(), TimelineError> {
        let mut writer = lock(&self.writer);
        let mut readers = lock(&self.readers);
        readers.generation += 1;
        readers.idle.clear();
        // SQLite lets go of the old file before it is removed.
        *writer = None;
        file::remove(&self.path)?;
        *writer = Some(file::open(&self.path)?);
        self.position.send_replace(Position::START);
        Ok(())
    }
}
