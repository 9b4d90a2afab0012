//! Keeps the index in step with the log.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use vouchsafe_events::{DecodeError, Position, Recorded, decode};

use super::{Timeline, TimelineError};
use crate::errors::Chain;
use crate::metrics;
use crate::stop::{Stop, stopped};
use crate::store::{EventStore, Followed, StoreError};

/// How many events are taken in at once, at most, while following.
const BATCH: usize = 1024;

/// How many are on the way to the head: the more, the fewer pages of the file are written twice.
const CATCH_UP: usize = 50_000;

/// How many events are read from the log at once on the way to the head.
const READ: usize = 4096;

/// The first pause after something went wrong; each next one is twice as long, up to the longest.
const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Why following was interrupted.
#[derive(Debug, thiserror::Error)]
pub enum Interrupted {
    /// The index.
    #[error(transparent)]
    Index(#[from] TimelineError),
    /// The log.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An event that cannot be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The log has no more to say.
    #[error("the event log ended the subscription")]
    Ended,
    /// The file's content is at fault.
    #[error("a reader found the index damaged")]
    Damaged,
}

impl From<tokio::task::JoinError> for Interrupted {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::Index(error.into())
    }
}

impl Timeline {
    /// Follows the log until `stop` says so. What goes wrong is logged and tried again; the pages go on
    /// with what the index holds by then.
    pub async fn follow(self: Arc<Self>, store: Arc<dyn EventStore>, mut stop: Stop) {
        let mut pause = PAUSE;
        loop {
            let before = self.position();
            let interrupted = tokio::select! {
                interrupted = self.follow_on(store.as_ref()) => interrupted,
                () = self.damaged.notified() => Interrupted::Damaged,
                () = stopped(&mut stop) => return,
            };
            metrics::timeline_interrupted();
            tracing::warn!(error = %Chain(&interrupted), "the index of the history is interrupted");
            let damage = match &interrupted {
                Interrupted::Index(error) => error.is_damage(),
                Interrupted::Damaged => true,
                Interrupted::Store(_) | Interrupted::Decode(_) | Interrupted::Ended => false,
            };
            if damage {
                self.start_over().await;
            }
            if self.position() > before {
                pause = PAUSE;
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stopped(&mut stop) => return,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Takes in all that is in the log already, for a command that is no service. One may run beside it.
    pub async fn catch_up_with(self: &Arc<Self>, store: &dyn EventStore) -> Result<(), Interrupted> {
        let from = self.fit(store).await?;
        self.catch_up(store, from).await?;
        Ok(())
    }

    async fn start_over(self: &Arc<Self>) {
        let timeline = Arc::clone(self);
        let made = tokio::task::spawn_blocking(move || timeline.make_anew()).await;
        match made.map_err(TimelineError::from).flatten() {
            Ok(()) => tracing::warn!("the index of the history was damaged: made anew"),
            Err(error) => tracing::error!(error = %Chain(&error), "the index cannot be made anew"),
        }
    }

    /// Follows the log until something goes wrong.
    async fn follow_on(self: &Arc<Self>, store: &dyn EventStore) -> Interrupted {
        match self.try_follow_on(store).await {
            Ok(()) => Interrupted::Ended,
            Err(interrupted) => interrupted,
        }
    }

    async fn try_follow_on(self: &Arc<Self>, store: &dyn EventStore) -> Result<(), Interrupted> {
        let after = self.catch_up(store, self.fit(store).await?).await?;
        let mut news = store.subscribe(after).ready_chunks(BATCH);
        while let Some(chunk) = news.next().await {
            let mut batch = Vec::new();
            let mut trouble = None;
            for next in chunk {
                match next.map_err(Interrupted::from).and_then(event) {
                    Ok(event) => batch.extend(event),
                    Err(error) => {
                        trouble = Some(error);
                        break;
                    }
                }
            }
            self.take_all(batch).await?;
            if let Some(error) = trouble {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Takes in what is there already, in large batches. Answers how far that is.
    async fn catch_up(
        self: &Arc<Self>,
        store: &dyn EventStore,
        from: Position,
    ) -> Result<Position, Interrupted> {
        let mut at = from;
        loop {
            let mut batch = Vec::new();
            let mut full = true;
            let mut trouble = None;
            while full && trouble.is_none() && batch.len() < CATCH_UP {
                let page = store.read_all(at, READ).await?;
                full = page.len() == READ;
                for stored in &page {
                    match decode(stored.position, &stored.bytes) {
                        Ok(recorded) => batch.push(recorded),
                        Err(error) => {
                            trouble = Some(error);
                            break;
                        }
                    }
                    at = stored.position;
                }
            }
            self.take_all(batch).await?;
            match trouble {
                Some(error) => return Err(error.into()),
                None if full => {}
                None => return Ok(at),
            }
        }
    }

    async fn take_all(self: &Arc<Self>, batch: Vec<Recorded>) -> Result<(), Interrupted> {
        if !batch.is_empty() {
            let timeline = Arc::clone(self);
            tokio::task::spawn_blocking(move || timeline.take(&batch)).await??;
        }
        Ok(())
    }

    /// Where to follow from. If the log is not the one that was followed so far, as after a backup of it was
    /// restored, that is the start.
    async fn fit(self: &Arc<Self>, store: &dyn EventStore) -> Result<Position, Interrupted> {
        let timeline = Arc::clone(self);
        let (position, id) = tokio::task::spawn_blocking(move || timeline.last()).await??;
        if position == Position::START {
            return Ok(position);
        }
        let before = Position::new(position.number() - 1);
        let there = store.read_all(before, 1).await?;
        if there.first().is_some_and(|found| found.position == position && Some(found.id) == id) {
            return Ok(position);
        }
        tracing::warn!(
            position = position.number(),
            "the index of the history belongs to another event log: made anew"
        );
        let timeline = Arc::clone(self);
        tokio::task::spawn_blocking(move || timeline.clear()).await??;
        Ok(Position::START)
    }
}

/// The event that a subscription yields, if it yields one.
fn event(next: Followed) -> Result<Option<Recorded>, Interrupted> {
    match next {
        Followed::Event(stored) => Ok(Some(decode(stored.position, &stored.bytes)?)),
        Followed::CaughtUp(_) => Ok(None),
    }
}
