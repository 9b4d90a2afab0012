//! The event log in one SQLite file: the engine for one machine.
//!
//! One thread writes. It takes every append that waits, up to a cap, into one transaction, so that they share
//! the wait for the disk; an append that is refused leaves the others be. Reads go to a few connections of
//! their own, which the writer does not hold up (SQLite's write-ahead log keeps them apart).
//!
//! Another process may use the same file at the same time: its events are noticed within a quarter of a second.

mod file;
mod follow;
mod reader;
mod trouble;
mod writer;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Semaphore, oneshot, watch};
use vouchsafe_events::{Position, Stream, Version};

use self::follow::Announced;
use self::reader::Readers;
pub use self::trouble::Trouble;
use self::trouble::closed;
use self::writer::{Append, Job, SetCell, Writer};
use crate::store::follow::follow;
use crate::store::{
    Appended, BoxFuture, Cell, CellName, EventStore, Expected, NewEvent, StoreError, StoredEvent,
    Subscription, check_append, check_cell,
};

/// How much may wait for the writer at once, in KiB of events; whoever comes after waits for room.
const QUEUE_KIB: u32 = 64 * 1024;

/// How the file is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SqliteOptions {
    /// How long to wait for another process that has the file locked.
    pub patience: Duration,
    /// How many reads may run at once; at least one.
    pub readers: u32,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self { patience: Duration::from_secs(5), readers: 4 }
    }
}

/// The event log in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    readers: Arc<Readers>,
    /// None once the store is closed.
    writer: Mutex<Option<Running>>,
    room: Arc<Semaphore>,
    head: watch::Receiver<Position>,
}

/// The writer's thread, and the queue that keeps it running.
#[derive(Debug)]
struct Running {
    queue: mpsc::Sender<Job>,
    thread: JoinHandle<Result<(), StoreError>>,
}

impl SqliteStore {
    /// Opens the log at `path`, which is made, readable by its owner alone, if there is none.
    ///
    /// Blocks for as long as another process has the file locked, at most `options.patience`.
    pub fn open(path: &Path, options: SqliteOptions) -> Result<Self, StoreError> {
        let connection = file::open(path, options.patience)?;
        let (announce, head) = watch::channel(reader::head(&connection)?);
        let (queue, jobs) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("event-log".to_owned())
            .spawn(move || Writer::new(connection, announce).run(&jobs))
            .map_err(|error| StoreError::Unavailable(Box::new(error)))?;
        Ok(Self {
            readers: Arc::new(Readers::new(path, options)),
            writer: Mutex::new(Some(Running { queue, thread })),
            room: Arc::new(Semaphore::new(QUEUE_KIB as usize)),
            head,
        })
    }

    /// The same as [`EventStore::close`], and blocks until it is done: it finishes the appends that wait, moves the
    /// write-ahead log into the file and lets go of it. Dropping the store does the same.
    pub fn close_now(&self) -> Result<(), StoreError> {
        self.let_go().map_or(Ok(()), |thread| thread.join().unwrap_or_else(|_| Err(closed())))
    }

    /// Takes no more work. Answers the writer's thread, which ends when it has finished what waits.
    fn let_go(&self) -> Option<JoinHandle<Result<(), StoreError>>> {
        let Running { queue, thread } = self.writer().take()?;
        self.readers.close();
        drop(queue);
        Some(thread)
    }

    fn writer(&self) -> MutexGuard<'_, Option<Running>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands an append to the writer and waits for its answer.
    async fn hand_over(
        &self,
        stream: Stream,
        expected: Expected,
        events: Vec<NewEvent>,
    ) -> Result<Appended, StoreError> {
        check_append(&events)?;
        let bytes: usize = events.iter().map(|event| event.bytes.len()).sum();
        let kib = u32::try_from(bytes / 1024 + 1).unwrap_or(QUEUE_KIB).min(QUEUE_KIB);
        let room = Arc::clone(&self.room).acquire_many_owned(kib).await.map_err(|_| closed())?;
        let (answer, answered) = oneshot::channel();
        let job = Append { stream: stream.to_string(), of: stream, expected, events, answer, _room: room };
        self.queue(Job::Append(job))?;
        answered.await.map_err(|_| closed())?
    }

    fn queue(&self, job: Job) -> Result<(), StoreError> {
        match &*self.writer() {
            Some(running) => running.queue.send(job).map_err(|_| closed()),
            None => Err(closed()),
        }
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        if let Err(error) = self.close_now() {
            tracing::warn!(error = &error as &dyn std::error::Error, "the event log was not closed cleanly");
        }
    }
}

impl EventStore for SqliteStore {
    fn append(
        &self,
        stream: Stream,
        expected: Expected,
        events: Vec<NewEvent>,
    ) -> BoxFuture<'_, Result<Appended, StoreError>> {
        Box::pin(self.hand_over(stream, expected, events))
    }

    fn read(
        &self,
        stream: Stream,
        from: Version,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<StoredEvent>, StoreError>> {
        Box::pin(self.readers.run(move |connection| reader::stream(connection, stream, from, limit)))
    }

    fn read_all(&self, after: Position, limit: usize) -> BoxFuture<'_, Result<Vec<StoredEvent>, StoreError>> {
        Box::pin(self.readers.run(move |connection| reader::all(connection, after, limit)))
    }

    fn at(&self, position: Position) -> BoxFuture<'_, Result<Option<StoredEvent>, StoreError>> {
        Box::pin(self.readers.run(move |connection| reader::at(connection, position)))
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, StoreError>> {
        Box::pin(self.readers.run(reader::head))
    }

    fn subscribe(&self, after: Position) -> Subscription {
        follow(Announced { readers: Arc::clone(&self.readers), head: self.head.clone() }, after)
    }

    fn cell(&self, name: &CellName) -> BoxFuture<'_, Result<Option<Cell>, StoreError>> {
        let name = name.clone();
        Box::pin(self.readers.run(move |connection| reader::cell(connection, &name)))
    }

    fn set_cell(
        &self,
        name: &CellName,
        expected: Option<u64>,
        bytes: Bytes,
    ) -> BoxFuture<'_, Result<u64, StoreError>> {
        let name = name.clone();
        Box::pin(async move {
            check_cell(&bytes)?;
            let (answer, answered) = oneshot::channel();
            self.queue(Job::Cell(SetCell { name, expected, bytes, answer }))?;
            answered.await.map_err(|_| closed())?
        })
    }

    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        let thread = self.let_go();
        Box::pin(async move {
            let Some(thread) = thread else { return Ok(()) };
            let joined = tokio::task::spawn_blocking(move || thread.join());
            joined.await.map_or_else(|_| Err(closed()), |ended| ended.unwrap_or_else(|_| Err(closed())))
        })
    }
}
