//! The writer: one thread that commits the appends that wait, together.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};
use vouchsafe_events::{Position, Stream, Version};

use super::reader;
use super::trouble::{sqlite, told};
use crate::store::{Appended, CellName, Expected, NewEvent, StoreError};

/// The most appends that one commit takes.
const BATCH: usize = 512;

/// The most bytes of events that one commit takes, but for the append that passes it.
const BATCH_BYTES: usize = 8 * 1024 * 1024;

/// How often to look for what another process appended.
const LOOK: Duration = Duration::from_millis(200);

/// What waits for the writer.
pub(super) enum Job {
    /// An append.
    Append(Append),
    /// A cell to set.
    Cell(SetCell),
}

/// A cell to set.
pub(super) struct SetCell {
    /// Which.
    pub(super) name: CellName,
    /// The version that the caller expects it to have.
    pub(super) expected: Option<u64>,
    /// What is to be in it.
    pub(super) bytes: Bytes,
    /// Who waits.
    pub(super) answer: oneshot::Sender<Result<u64, StoreError>>,
}

/// An append that waits for the writer.
pub(super) struct Append {
    /// The stream's name.
    pub(super) stream: String,
    /// The stream.
    pub(super) of: Stream,
    /// What the caller expects of it.
    pub(super) expected: Expected,
    /// What to append; not empty.
    pub(super) events: Vec<NewEvent>,
    /// Who waits. They may have gone; the append is done all the same.
    pub(super) answer: oneshot::Sender<Result<Appended, StoreError>>,
    /// The append's share of the queue, given back with the job.
    pub(super) _room: OwnedSemaphorePermit,
}

impl Job {
    fn bytes(&self) -> usize {
        match self {
            Self::Append(append) => append.events.iter().map(|event| event.bytes.len()).sum(),
            Self::Cell(set) => set.bytes.len(),
        }
    }

    /// Answers whoever waits. If they have stopped waiting, they find in the log what was done.
    fn answer(self, answer: Answer) {
        match (self, answer) {
            (Self::Append(append), Answer::Append(answer)) => drop(append.answer.send(answer)),
            (Self::Cell(set), Answer::Cell(answer)) => drop(set.answer.send(answer)),
            (Self::Append(_), Answer::Cell(_)) | (Self::Cell(_), Answer::Append(_)) => {}
        }
    }

    /// Answers that it failed.
    fn fail(self, error: StoreError) {
        match self {
            Self::Append(append) => drop(append.answer.send(Err(error))),
            Self::Cell(set) => drop(set.answer.send(Err(error))),
        }
    }
}

/// The answer to a job.
enum Answer {
    Append(Result<Appended, StoreError>),
    Cell(Result<u64, StoreError>),
}

/// The one that writes.
pub(super) struct Writer {
    connection: Connection,
    announce: watch::Sender<Position>,
    /// SQLite's number of the file's state, which only other connections' commits change.
    seen: i64,
    /// Whether the last look for other processes' events failed: said once, not five times a second.
    blind: bool,
}

impl Writer {
    /// A writer over a connection that [`super::file::open`] made, which announces how far the log reaches.
    pub(super) fn new(connection: Connection, announce: watch::Sender<Position>) -> Self {
        Self { connection, announce, seen: 0, blind: false }
    }

    /// Writes until nobody can ask any more, then moves the write-ahead log into the file.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) -> Result<(), StoreError> {
        loop {
            match jobs.recv_timeout(LOOK) {
                Ok(first) => self.commit(gather(first, jobs)),
                Err(RecvTimeoutError::Timeout) => self.look(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        // Another process that reads or writes may keep this from finishing: then the next one does it.
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(sqlite)
    }

    /// Does a batch in one transaction, and answers only when it is on disk. An answer that an append got on
    /// the way does not count if the commit fails: it may rest on events that are not there after all.
    fn commit(&mut self, batch: Vec<Job>) {
        match self.transact(&batch) {
            Ok((answers, head)) => {
                self.announce(head);
                for (job, answer) in batch.into_iter().zip(answers) {
                    job.answer(answer);
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                for job in batch {
                    job.fail(told(&error));
                }
            }
        }
    }

    /// The answers of a batch, and how far the log reaches after it. When it fails, nothing was done.
    fn transact(&mut self, batch: &[Job]) -> rusqlite::Result<(Vec<Answer>, Position)> {
        if !self.connection.is_autocommit() {
            // An earlier failure could not even be rolled back: try again before anything else.
            self.connection.execute_batch("ROLLBACK")?;
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut head = reader::last_position(&transaction)?;
        let mut answers = Vec::with_capacity(batch.len());
        for job in batch {
            answers.push(match job {
                Job::Append(job) => Answer::Append(append(&transaction, job, &mut head)?),
                Job::Cell(job) => Answer::Cell(set_cell(&transaction, job)?),
            });
        }
        transaction.commit()?;
        Ok((answers, Position::new(head)))
    }

    /// Announces what another process appended.
    fn look(&mut self) {
        match self.changed() {
            Ok(head) => {
                self.blind = false;
                if let Some(head) = head {
                    self.announce(head);
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut self.blind, true) {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "cannot see whether another process appends to the event log"
                    );
                }
            }
        }
    }

    /// How far the log reaches, if another process has changed the file since the last look.
    fn changed(&mut self) -> rusqlite::Result<Option<Position>> {
        let now = self
            .connection
            .prepare_cached("PRAGMA data_version")?
            .query_row([], |row| row.get::<_, i64>(0))?;
        if now == self.seen {
            return Ok(None);
        }
        let head = reader::last_position(&self.connection)?;
        self.seen = now;
        Ok(Some(Position::new(head)))
    }

    fn announce(&self, head: Position) {
        self.announce.send_if_modified(|known| {
            let news = *known < head;
            *known = head.max(*known);
            news
        });
    }
}

/// The first append and those that wait behind it, as many as one commit takes.
fn gather(first: Job, jobs: &Receiver<Job>) -> Vec<Job> {
    let mut bytes = first.bytes();
    let mut batch = vec![first];
    while batch.len() < BATCH && bytes < BATCH_BYTES {
        let Ok(job) = jobs.try_recv() else { break };
        bytes += job.bytes();
        batch.push(job);
    }
    batch
}

/// One append within the batch's transaction: the answer, or the failure that ends the whole batch.
///
/// Everything that can be refused is looked up before the first row is written, so that a refusal needs no
/// undoing.
fn append(
    transaction: &Transaction<'_>,
    job: &Append,
    head: &mut u64,
) -> rusqlite::Result<Result<Appended, StoreError>> {
    let actual = transaction
        .prepare_cached("SELECT max(version) FROM events WHERE stream = ?1")?
        .query_row([&job.stream], |row| row.get::<_, Option<u64>>(0))?
        .map(Version::new);
    let wanted = match job.expected {
        Expected::NoStream => None,
        Expected::Exact(version) => Some(version),
    };
    if actual != wanted {
        let refused = StoreError::WrongVersion { stream: job.of, expected: job.expected, actual };
        return Ok(repeated(transaction, job)?.ok_or(refused));
    }
    let mut taken = transaction.prepare_cached("SELECT 1 FROM events WHERE id = ?1")?;
    for event in &job.events {
        if taken.query_row([event.id.uuid().as_bytes()], |_| Ok(())).optional()?.is_some() {
            return Ok(Err(StoreError::IdTaken(event.id)));
        }
    }
    let mut insert = transaction.prepare_cached(
        "INSERT INTO events (position, stream, version, id, bytes) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let mut version = job.expected.next();
    let mut appended = Appended { version, position: Position::new(*head) };
    for event in &job.events {
        *head += 1;
        insert.execute(params![
            *head,
            job.stream,
            version.number(),
            event.id.uuid().as_bytes(),
            event.bytes.as_ref()
        ])?;
        appended = Appended { version, position: Position::new(*head) };
        version = version.next();
    }
    Ok(Ok(appended))
}

/// Sets a cell, if it is as the caller thinks.
fn set_cell(transaction: &Transaction<'_>, job: &SetCell) -> rusqlite::Result<Result<u64, StoreError>> {
    let actual = transaction
        .prepare_cached("SELECT version FROM cells WHERE name = ?1")?
        .query_row([job.name.as_str()], |row| row.get::<_, u64>(0))
        .optional()?;
    if actual != job.expected {
        let (name, expected) = (job.name.clone(), job.expected);
        return Ok(Err(StoreError::CellMoved { name, expected, actual }));
    }
    let version = actual.map_or(0, |version| version + 1);
    transaction
        .prepare_cached("INSERT OR REPLACE INTO cells (name, version, bytes) VALUES (?1, ?2, ?3)")?
        .execute(params![job.name.as_str(), version, job.bytes.as_ref()])?;
    Ok(Ok(version))
}

/// Where an append ended when it was done before, if it is there whole: same place, same ids, same bytes.
fn repeated(transaction: &Transaction<'_>, job: &Append) -> rusqlite::Result<Option<Appended>> {
    let first = match job.expected {
        Expected::NoStream => 0,
        Expected::Exact(version) if version.number() < i64::MAX.unsigned_abs() => version.next().number(),
        // SQLite does not count as far: no event can stand there.
        Expected::Exact(_) => return Ok(None),
    };
    let mut select = transaction.prepare_cached(
        "SELECT id, bytes, version, position FROM events WHERE stream = ?1 AND version >= ?2 ORDER BY version",
    )?;
    let mut rows = select.query(params![job.stream, first])?;
    let mut last = None;
    for event in &job.events {
        let Some(row) = rows.next()? else { return Ok(None) };
        let same = row.get_ref(0)?.as_blob()? == event.id.uuid().as_bytes()
            && row.get_ref(1)?.as_blob()? == event.bytes.as_ref();
        if !same {
            return Ok(None);
        }
        last = Some(Appended { version: Version::new(row.get(2)?), position: Position::new(row.get(3)?) });
    }
    Ok(last)
}
