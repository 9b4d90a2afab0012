//! The event log on an EventStoreDB server or cluster: the engine for more than one machine.
//!
//! # What the server promises, and what is built on it
//!
//! Read in the server's source, versions 22.10, 23.10 and 24.10; `docs/eventstoredb.md` says what was and was not
//! run against a server.
//!
//! * **Positions.** Each event is one record of the server's log (a prepare that says of itself that it is
//!   committed, `StorageWriterService`), and its commit and prepare position are both where that record begins, in
//!   bytes: in reads of everything (`AllReader`) and in reads of a stream (`ResolvedEvent`). So an event's position
//!   here is that number, and no two events share it. Only an explicit transaction, which the old TCP clients alone
//!   could make, gives several events one commit position: an event of ours that has two different positions is
//!   refused as damage. An append's answer carries a position too, which the server itself calls not quite right
//!   (`RequestManager`), and sometimes none: it is not used.
//! * **Where no record begins**, a read of everything is refused: `InvalidPosition`, from 24.10 on; before, an
//!   error that says no more. In a chunk that was scavenged the server goes on with the next record instead.
//! * **Repeated appends.** With an exact expectation the server compares the ids of what stands there, and answers
//!   an append that stands there already as done (`IndexWriter.CheckCommit`); it does not compare content. While
//!   the first try is not yet on the other nodes it drops the second without an answer. So what stands there is
//!   read after each append, and compared in full.
//! * **An id in another stream**, or further up in the same one, is not noticed.
//! * **Reads of everything** hold the server's own events, other applications' and the cells': they are passed
//!   over. An event is ours if its stream's name is one of ours and our mark stands in its metadata. An event
//!   without the mark in one of our streams is passed over in reads of everything, with a warning; in a read of
//!   its stream it is damage, as no version can be trusted after it.

mod append;
mod cells;
mod connection;
mod follow;
mod options;
mod prepare;
mod read;
mod record;
mod trouble;

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::RwLock;
use tokio::task::AbortHandle;
use vouchsafe_events::{Position, Stream, Version};

use self::connection::Connection;
use self::follow::{Tail, follow, watch};
pub use self::options::{EventStoreDbOptions, WrongOptions};
pub use self::prepare::{Prepared, prepare};
pub use self::trouble::Trouble;
use self::trouble::closed;
use crate::random::Random;
use crate::store::{
    Appended, BoxFuture, Cell, CellName, EventStore, Expected, NewEvent, StoreError, StoredEvent,
    Subscription,
};

/// The oldest version of the server that gives positions in reads of a stream.
const OLDEST: (usize, usize) = (22, 10);

/// The event log on an EventStoreDB server.
#[derive(Debug)]
pub struct EventStoreDbStore {
    tail: Arc<Tail>,
    watch: AbortHandle,
    random: Random,
    /// Held by what changes the server, so that closing waits for it.
    changing: RwLock<()>,
}

impl EventStoreDbStore {
    /// Connects, and finds the end of the log.
    pub async fn open(options: &EventStoreDbOptions) -> Result<Self, StoreError> {
        let connection = Connection::new(options)?;
        let version = connection
            .persist(|client| async {
                let client = client;
                connection.answer(client.server_info()).await
            })
            .await?
            .map_err(|failure| failure.told(None))?
            .version();
        if (version.major(), version.minor()) < OLDEST {
            return Err(Trouble::TooOld(version.to_string()).into());
        }
        let (head, upto) = connection.ends().await?;
        let tail = Arc::new(Tail::new(
            connection,
            Connection::for_cells(options)?,
            Connection::for_looks(options)?,
            head,
            upto,
        ));
        let watch = tokio::spawn(watch(Arc::downgrade(&tail), options.pace)).abort_handle();
        Ok(Self { tail, watch, random: Random::default(), changing: RwLock::new(()) })
    }

    fn shut(&self) {
        self.watch.abort();
        self.tail.close();
    }
}

impl Drop for EventStoreDbStore {
    fn drop(&mut self) {
        self.shut();
    }
}

impl EventStore for EventStoreDbStore {
    fn append(
        &self,
        stream: Stream,
        expected: Expected,
        events: Vec<NewEvent>,
    ) -> BoxFuture<'_, Result<Appended, StoreError>> {
        Box::pin(async move {
            let _changing = self.changing.read().await;
            if self.tail.is_closed() {
                return Err(closed());
            }
            let appended = self.tail.connection.append(stream, expected, &events).await?;
            self.tail.appended(appended.position);
            Ok(appended)
        })
    }

    fn read(
        &self,
        stream: Stream,
        from: Version,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<StoredEvent>, StoreError>> {
        Box::pin(self.tail.connection.events(stream, from, limit))
    }

    fn read_all(&self, after: Position, limit: usize) -> BoxFuture<'_, Result<Vec<StoredEvent>, StoreError>> {
        Box::pin(async move {
            let from = self.tail.place(after);
            Ok(self.tail.connection.gather_events(from, limit, None).await?.events)
        })
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, StoreError>> {
        Box::pin(self.tail.head())
    }

    fn subscribe(&self, after: Position) -> Subscription {
        follow(Arc::clone(&self.tail), after)
    }

    fn at(&self, position: Position) -> BoxFuture<'_, Result<Option<StoredEvent>, StoreError>> {
        Box::pin(self.tail.connection.event_at(position))
    }

    fn cell(&self, name: &CellName) -> BoxFuture<'_, Result<Option<Cell>, StoreError>> {
        let name = name.clone();
        Box::pin(async move { self.tail.cells.cell(&name).await })
    }

    fn set_cell(
        &self,
        name: &CellName,
        expected: Option<u64>,
        bytes: Bytes,
    ) -> BoxFuture<'_, Result<u64, StoreError>> {
        let name = name.clone();
        Box::pin(async move {
            let _changing = self.changing.read().await;
            if self.tail.is_closed() {
                return Err(closed());
            }
            self.tail.cells.set_cell(&self.random, &name, expected, bytes).await
        })
    }

    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.tail.refuse();
        Box::pin(async move {
            let _all_done = self.changing.write().await;
            self.shut();
            Ok(())
        })
    }
}
