//! Keeps the tree in step with the log.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use vouchsafe_events::Position;

use super::leaf_hash;
use super::tree::{Leaf, Tree, TreeError};
use crate::errors::Chain;
use crate::stop::{Stop, stopped};
use crate::store::{EventStore, Followed, StoreError, StoredEvent};

/// How many events are read from the log at once on the way to the head.
const READ: usize = 2048;

/// How many are taken in at once, at most, while following.
const BATCH: usize = 1024;

/// How long a log that seems too short may take to show the rest: a follower of a cluster may lag.
pub(super) const LAG: [Duration; 3] =
    [Duration::from_millis(100), Duration::from_millis(400), Duration::from_millis(1500)];

/// After how long without news what came is put on disk, where other processes find it.
const IDLE: Duration = Duration::from_secs(5);

/// How many of the last leaves are compared with the log before the others are believed.
const LAST: u64 = 64;

/// The first pause after something went wrong; each next one is twice as long, up to the longest.
const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Why the tree could not follow the log.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The tree's files.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The log.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log let go of its follower.
    #[error("the event log ended the subscription")]
    Ended,
    /// The work was broken off, because the service stops or because of a fault in it.
    #[error("the work on the tree of hashes was broken off")]
    BrokenOff(#[from] tokio::task::JoinError),
}

impl Leaf {
    /// The leaf that an event is.
    pub fn of(event: &StoredEvent) -> Self {
        Self { position: event.position, hash: leaf_hash(&event.bytes) }
    }
}

impl Tree {
    /// Runs `work` on a thread that may block.
    pub(super) async fn aside<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, TreeError> + Send + 'static,
    ) -> Result<T, FollowError> {
        let tree = Arc::clone(self);
        Ok(tokio::task::spawn_blocking(move || work(&tree)).await??)
    }

    /// Takes in all that is in the log by now. If the log is not the one that was followed so far, the tree is made
    /// anew.
    pub async fn catch_up(self: &Arc<Self>, store: &dyn EventStore) -> Result<Position, FollowError> {
        let mut at = self.fit(store).await?;
        loop {
            let page = store.read_all(at, READ).await?;
            let Some(last) = page.last().map(|event| event.position) else { break };
            let full = page.len() == READ;
            let after = at;
            self.aside(move |tree| tree.take(after, &page.iter().map(Leaf::of).collect::<Vec<_>>())).await?;
            at = last;
            if !full {
                break;
            }
        }
        self.aside(Self::settle).await?;
        Ok(at)
    }

    /// Follows the log until `stop` says so. What goes wrong is logged and tried again.
    pub async fn follow(self: Arc<Self>, store: Arc<dyn EventStore>, mut stop: Stop) {
        let mut pause = PAUSE;
        loop {
            let before = self.size();
            let interrupted = tokio::select! {
                interrupted = self.follow_on(store.as_ref()) => interrupted,
                () = stopped(&mut stop) => break,
            };
            if let Err(error) = interrupted {
                tracing::warn!(error = %Chain(&error), "the tree of hashes is interrupted");
            }
            if self.size() > before {
                pause = PAUSE;
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stopped(&mut stop) => break,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        if let Err(error) = self.aside(Self::settle).await {
            tracing::warn!(error = %Chain(&error), "some hashes are not on disk: they are made again");
        }
    }

    async fn follow_on(self: &Arc<Self>, store: &dyn EventStore) -> Result<(), FollowError> {
        let mut at = self.catch_up(store).await?;
        let mut news = store.subscribe(at).ready_chunks(BATCH);
        loop {
            let Ok(chunk) = tokio::time::timeout(IDLE, news.next()).await else {
                self.aside(Self::settle).await?;
                continue;
            };
            let Some(chunk) = chunk else { return Err(FollowError::Ended) };
            let (mut leaves, mut trouble) = (Vec::new(), None);
            for next in chunk {
                match next {
                    Ok(Followed::Event(event)) => leaves.push(Leaf::of(&event)),
                    Ok(Followed::CaughtUp(_)) => {}
                    Err(error) => {
                        trouble = Some(error);
                        break;
                    }
                }
            }
            if let Some(last) = leaves.last().map(|leaf| leaf.position) {
                let after = at;
                self.aside(move |tree| tree.take(after, &leaves)).await?;
                at = last;
            }
            if let Some(error) = trouble {
                return Err(error.into());
            }
        }
    }

    /// Where to follow from: the last leaf, if the log has the last ones where the tree does. If not, the tree was made
    /// from another log.
    async fn fit(self: &Arc<Self>, store: &dyn EventStore) -> Result<Position, FollowError> {
        let last = self.aside(|tree| {
            let size = tree.size();
            tree.leaves(size.saturating_sub(LAST), LAST)
        });
        let last = last.await?;
        let (Some(first), Some(head)) = (last.first(), last.last().map(|leaf| leaf.position)) else {
            return Ok(Position::START);
        };
        let before = Position::new(first.position.number().saturating_sub(1));
        let mut lag = LAG.iter();
        loop {
            let found: Vec<_> = store.read_all(before, last.len()).await?.iter().map(Leaf::of).collect();
            if found == last {
                return Ok(head);
            }
            match lag.next().filter(|_| last.starts_with(&found)) {
                Some(pause) => tokio::time::sleep(*pause).await,
                None => break,
            }
        }
        tracing::warn!(
            position = head.number(),
            "the tree of hashes belongs to another event log: it is set aside and made anew"
        );
        self.aside(Self::set_aside).await?;
        Ok(Position::START)
    }
}
