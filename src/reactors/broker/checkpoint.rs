//! How far publishing has come, kept beside the log.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use vouchsafe_events::Position;

use crate::store::{CellName, EventStore, StoreError};

/// The document in the cell.
#[derive(Debug, Serialize, Deserialize)]
struct Document {
    /// Everything up to here is published and confirmed.
    position: Position,
}

/// The checkpoint, as this process knows it. Of two processes that publish at once, one learns here that it is not
/// alone.
pub(super) struct Checkpoint {
    store: Arc<dyn EventStore>,
    version: Option<u64>,
    kept: Option<Position>,
    /// What was written since it was last known what is kept, and the answer was lost: one of them may be kept.
    unanswered: Vec<Position>,
}

/// Why the checkpoint is of no use.
#[derive(Debug, thiserror::Error)]
pub(super) enum CheckpointError {
    /// It holds something else.
    #[error("the checkpoint of the publisher cannot be read")]
    Unreadable(#[from] serde_json::Error),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Checkpoint {
    /// Reads it.
    pub(super) async fn read(store: &Arc<dyn EventStore>) -> Result<Self, CheckpointError> {
        let (version, kept) = match store.cell(&CellName::PUBLISHER).await? {
            Some(cell) => {
                let document: Document = serde_json::from_slice(&cell.bytes)?;
                (Some(cell.version), Some(document.position))
            }
            None => (None, None),
        };
        Ok(Self { store: Arc::clone(store), version, kept, unanswered: Vec::new() })
    }

    /// The position; none if there never was one.
    pub(super) const fn position(&self) -> Option<Position> {
        self.kept
    }

    /// Moves it, if it is elsewhere.
    pub(super) async fn write(&mut self, position: Position) -> Result<(), CheckpointError> {
        if self.kept == Some(position) {
            return Ok(());
        }
        match self.set(position).await {
            Err(CheckpointError::Store(StoreError::CellMoved { .. })) if self.adopt().await? => {
                if self.kept == Some(position) { Ok(()) } else { self.set(position).await }
            }
            outcome => outcome,
        }
    }

    async fn set(&mut self, position: Position) -> Result<(), CheckpointError> {
        let bytes = Bytes::from(serde_json::to_vec(&Document { position })?);
        match self.store.set_cell(&CellName::PUBLISHER, self.version, bytes).await {
            Ok(version) => {
                self.version = Some(version);
                self.kept = Some(position);
                self.unanswered.clear();
                Ok(())
            }
            Err(error) => {
                if matches!(error, StoreError::Unavailable(_)) && !self.unanswered.contains(&position) {
                    self.unanswered.push(position);
                }
                Err(error.into())
            }
        }
    }

    /// Looks whether what is kept is a write of our own whose answer was lost. If it is, we go on from there; if not,
    /// it is somebody else's.
    async fn adopt(&mut self) -> Result<bool, CheckpointError> {
        if self.unanswered.is_empty() {
            return Ok(false);
        }
        let found = Self::read(&self.store).await?;
        let own = found.kept.is_some_and(|position| self.unanswered.contains(&position));
        if own {
            *self = found;
        }
        Ok(own)
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::atomic::{AtomicBool, Ordering};

    use vouchsafe_events::{Stream, Version};

    use super::*;
    use crate::store::sqlite::{SqliteOptions, SqliteStore};
    use crate::store::{Appended, BoxFuture, Cell, Expected, NewEvent, StoredEvent, Subscription};

    /// A log whose answer to a cell that is set is lost, as often as it is told to.
    struct Deaf(SqliteStore, AtomicBool);

    impl EventStore for Deaf {
        fn append(
            &self,
            stream: Stream,
            expected: Expected,
            events: Vec<NewEvent>,
        ) -> BoxFuture<'_, Result<Appended, StoreError>> {
            self.0.append(stream, expected, events)
        }

        fn read(
            &self,
            stream: Stream,
            from: Version,
            limit: usize,
        ) -> BoxFuture<'_, Result<Vec<StoredEvent>, StoreError>> {
            self.0.read(stream, from, limit)
        }

        fn read_all(
            &self,
            after: Position,
            limit: usize,
        ) -> BoxFuture<'_, Result<Vec<StoredEvent>, StoreError>> {
            self.0.read_all(after, limit)
        }

        fn at(&self, position: Position) -> BoxFuture<'_, Result<Option<StoredEvent>, StoreError>> {
            self.0.at(position)
        }

        fn head(&self) -> BoxFuture<'_, Result<Position, StoreError>> {
            self.0.head()
        }

        fn subscribe(&self, after: Position) -> Subscription {
            self.0.subscribe(after)
        }

        fn cell(&self, name: &CellName) -> BoxFuture<'_, Result<Option<Cell>, StoreError>> {
            self.0.cell(name)
        }

        fn set_cell(
            &self,
            name: &CellName,
            expected: Option<u64>,
            bytes: Bytes,
        ) -> BoxFuture<'_, Result<u64, StoreError>> {
            let set = self.0.set_cell(name, expected, bytes);
            Box::pin(async move {
                let answer = set.await;
                if self.1.swap(false, Ordering::SeqCst) {
                    return Err(StoreError::Unavailable(Box::new(io::Error::other("lost"))));
                }
                answer
            })
        }

        fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
            self.0.close()
        }
    }

    fn at(number: u64) -> Position {
        Position::new(number)
    }

    #[tokio::test]
    async fn a_write_whose_answer_was_lost_is_its_own_and_any_other_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("events.db"), SqliteOptions::default()).unwrap();
        let deaf = Arc::new(Deaf(store, AtomicBool::new(false)));
        let store: Arc<dyn EventStore> = Arc::clone(&deaf) as _;
        let moved = |outcome| matches!(outcome, Err(CheckpointError::Store(StoreError::CellMoved { .. })));

        let mut checkpoint = Checkpoint::read(&store).await.unwrap();
        for (lost, next) in [(at(1), at(2)), (at(3), at(3))] {
            deaf.1.store(true, Ordering::SeqCst);
            checkpoint.write(lost).await.unwrap_err();
            checkpoint.write(next).await.unwrap();
            assert_eq!(checkpoint.position(), Some(next));
            assert_eq!(Checkpoint::read(&store).await.unwrap().position(), Some(next));
        }

        // Somebody else moves it after the write whose answer was lost.
        deaf.1.store(true, Ordering::SeqCst);
        checkpoint.write(at(4)).await.unwrap_err();
        let mut other = Checkpoint::read(&store).await.unwrap();
        other.write(at(9)).await.unwrap();
        assert!(moved(checkpoint.write(at(5)).await));
        // Somebody else moves it, and no answer of ours was lost.
        let mut again = Checkpoint::read(&store).await.unwrap();
        other.write(at(10)).await.unwrap();
        assert!(moved(again.write(at(10)).await));
        assert_eq!(Checkpoint::read(&store).await.unwrap().position(), Some(at(10)));
    }
}
