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
    name: CellName,
    version: Option<u64>,
    kept: Option<Position>,
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
    pub(super) async fn read(store: &Arc<dyn EventStore>, name: &CellName) -> Result<Self, CheckpointError> {
        let (version, kept) = match store.cell(name).await? {
            Some(cell) => {
                let document: Document = serde_json::from_slice(&cell.bytes)?;
                (Some(cell.version), Some(document.position))
            }
            None => (None, None),
        };
        Ok(Self { store: Arc::clone(store), name: name.clone(), version, kept })
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
        let bytes = Bytes::from(serde_json::to_vec(&Document { position })?);
        self.version = Some(self.store.set_cell(&self.name, self.version, bytes).await?);
        self.kept = Some(position);
        Ok(())
    }
}
