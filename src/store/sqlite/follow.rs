//! Following the file: the writer announces how far it reaches.

use std::sync::Arc;

use tokio::sync::watch;
use vouchsafe_events::Position;

use super::reader::{self, Readers};
use super::trouble::closed;
use crate::store::follow::{PAGE, Source};
use crate::store::{StoreError, StoredEvent};

/// The file, and how far it reaches.
pub(super) struct Announced {
    pub(super) readers: Arc<Readers>,
    pub(super) head: watch::Receiver<Position>,
}

impl Source for Announced {
    fn has_more(&mut self, than: Position) -> Result<bool, StoreError> {
        Ok(*self.head.borrow_and_update() > than)
    }

    async fn page(&mut self, after: Position) -> Result<(Vec<StoredEvent>, bool), StoreError> {
        let page = self.readers.run(move |connection| reader::all(connection, after, PAGE)).await?;
        let full = page.len() == PAGE;
        Ok((page, full))
    }

    async fn news(&mut self) -> Result<(), StoreError> {
        self.head.changed().await.map_err(|_| closed())
    }

    fn is_in_touch(&self) -> bool {
        // There is nothing between this and the file.
        true
    }
}
