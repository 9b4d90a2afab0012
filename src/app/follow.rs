//! Keeps the lists in step with the log.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use tokio::sync::watch;
use vouchsafe_events::{DecodeError, Position, decode};
use vouchsafe_projections::Lists;

use tracing::Instrument as _;

use super::Unavailable;
use crate::metrics::{self, Outcome};
use crate::store::{EventStore, Followed};
use crate::{snapshot, traces};

/// How long a caller waits for the lists to reach a position. They lag by milliseconds; more means that
/// something is wrong.
const PATIENCE: Duration = Duration::from_secs(10);

/// For how long nothing may be heard of the log until the lists count as out of touch with it. A log that is in touch says
/// so every second, and may have fallen silent a second before it was heard last: so it shows after five seconds.
const SILENCE: Duration = Duration::from_secs(4);

/// How many events are read at once on the way to the head.
const PAGE: usize = 4096;

/// After how many events a snapshot is taken while following.
const SNAPSHOT_EVERY: u64 = 20_000;

/// The lists did not reach a position in time, or the log holds an event that they cannot take in.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the lists have not reached position {wanted}; they are at {reached}")]
pub struct NotFollowing {
    /// The position wanted.
    pub wanted: Position,
    /// Where they are.
    pub reached: Position,
}

/// How following stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Standing {
    position: Position,
    /// Whether the last word from the log was that there is nothing more.
    caught_up: bool,
    /// When something was heard of it last.
    heard: Instant,
    /// Whether the log holds an event that cannot be read: the lists stay before it.
    stuck: bool,
}

/// The lists, and where they are. Cheap to clone: clones share them.
#[derive(Clone)]
pub struct Following {
    lists: Arc<RwLock<Lists>>,
    standing: Arc<watch::Sender<Standing>>,
    snapshots: Option<PathBuf>,
}

/// Whether lists were folded from this log: it has their last event where they say.
async fn is_of(store: &dyn EventStore, lists: &Lists) -> Result<bool, Unavailable> {
    let Some(last) = lists.last() else { return Ok(true) };
    Ok(store.at(lists.position()).await?.is_some_and(|stored| stored.id == last))
}

impl Following {
    /// Brings the lists to the head of the log: from the newest snapshot in the folder `snapshots` if there
    /// is one that fits, else from the first event. A snapshot that does not fit is passed over.
    pub async fn begin(store: &dyn EventStore, snapshots: Option<PathBuf>) -> Result<Self, Unavailable> {
        let head = store.head().await?;
        let found = snapshots
            .clone()
            .map(|folder| tokio::task::spawn_blocking(move || snapshot::newest(&folder, head)));
        let mut lists = match found {
            Some(found) => found.await.ok().flatten().unwrap_or_default(),
            None => Lists::default(),
        };
        if !is_of(store, &lists).await? {
            tracing::warn!("the snapshot is of another log, as after a restore: the lists are folded anew");
            lists = Lists::default();
        }
        let from = lists.events();
        loop {
            let page = store.read_all(lists.position(), PAGE).await?;
            for stored in &page {
                lists.apply(&decode(stored.position, &stored.bytes)?);
            }
            if page.len() < PAGE {
                break;
            }
            tokio::task::yield_now().await;
        }
        let standing =
            Standing { position: lists.position(), caught_up: true, heard: Instant::now(), stuck: false };
        tracing::info!(
            position = lists.position().number(),
            events = lists.events(),
            from_snapshot = from,
            "the lists are folded"
        );
        let folded = lists.events() - from;
        let following = Self {
            lists: Arc::new(RwLock::new(lists)),
            standing: Arc::new(watch::Sender::new(standing)),
            snapshots,
        };
        if folded >= SNAPSHOT_EVERY {
            following.snapshot().await;
        }
        Ok(following)
    }

    /// Follows the log until the future is dropped.
    pub async fn follow(self, store: Arc<dyn EventStore>) {
        let mut pause = Duration::from_millis(50);
        let mut since_snapshot = 0;
        loop {
            let mut subscription = store.subscribe(self.position());
            while let Some(next) = subscription.next().await {
                match next {
                    Ok(Followed::Event(stored)) => match decode(stored.position, &stored.bytes) {
                        Ok(recorded) => {
                            self.write(|lists| lists.apply(&recorded));
                            self.standing.send_modify(|standing| {
                                standing.position = stored.position;
                                standing.heard = Instant::now();
                                standing.stuck = false;
                            });
                            since_snapshot += 1;
                            pause = Duration::from_millis(50);
                        }
                        Err(error) => {
                            self.stuck_at(&error);
                            break;
                        }
                    },
                    Ok(Followed::CaughtUp(_)) => {
                        self.standing.send_modify(|standing| {
                            standing.caught_up = true;
                            standing.heard = Instant::now();
                        });
                        if since_snapshot >= SNAPSHOT_EVERY {
                            since_snapshot = 0;
                            self.snapshot().await;
                        }
                    }
                    Err(error) => {
                        tracing::warn!(%error, "following the log was interrupted");
                        break;
                    }
                }
            }
            metrics::lists_interrupted();
            self.standing.send_modify(|standing| standing.caught_up = false);
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(5));
        }
    }

    fn stuck_at(&self, error: &DecodeError) {
        tracing::error!(%error, "the lists cannot go on: an event cannot be read");
        self.standing.send_modify(|standing| standing.stuck = true);
    }

    fn write<T>(&self, change: impl FnOnce(&mut Lists) -> T) -> T {
        change(&mut self.lists.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the lists. They do not change while `read` runs.
    pub fn read<T>(&self, read: impl FnOnce(&Lists) -> T) -> T {
        read(&self.lists.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The position that the lists have reached.
    pub fn position(&self) -> Position {
        self.standing.borrow().position
    }

    /// Whether the lists are in step with the log: the last word from it was that there is nothing more.
    pub fn is_in_step(&self) -> bool {
        let standing = *self.standing.borrow();
        standing.caught_up && !standing.stuck
    }

    /// Whether what the lists say may no longer be so: somebody's access may have been ended meanwhile. Silence of a few
    /// seconds is none.
    pub fn is_out_of_touch(&self) -> bool {
        let standing = *self.standing.borrow();
        standing.stuck || standing.heard.elapsed() > SILENCE
    }

    /// Whether the log holds an event that cannot be read: the lists stay before it.
    pub fn is_stuck(&self) -> bool {
        self.standing.borrow().stuck
    }

    /// Waits until the lists have moved beyond a position.
    pub async fn moved(&self, beyond: Position) {
        let mut standing = self.standing.subscribe();
        // The sender lives in `self`, so waiting does not fail.
        let _ = standing.wait_for(|standing| standing.position > beyond).await;
    }

    /// Waits until the lists have reached a position.
    pub async fn reach(&self, wanted: Position) -> Result<(), NotFollowing> {
        let begun = Instant::now();
        let span = traces::wait_for_lists();
        let reached = self.await_position(wanted).instrument(span.clone()).await;
        metrics::waited_for_lists(begun.elapsed(), reached.is_ok());
        if reached.is_err() {
            traces::failed(&span);
        }
        reached
    }

    async fn await_position(&self, wanted: Position) -> Result<(), NotFollowing> {
        let mut standing = self.standing.subscribe();
        // Copied out at once: who holds on to what `wait_for` gives keeps the follower from going on.
        let reached = async {
            let found = standing.wait_for(|standing| standing.position >= wanted || standing.stuck).await;
            found.map(|standing| *standing)
        };
        match tokio::time::timeout(PATIENCE, reached).await {
            Ok(Ok(standing)) if standing.position >= wanted => Ok(()),
            _ => Err(NotFollowing { wanted, reached: self.position() }),
        }
    }

    /// Writes a snapshot of the lists as they are. That it fails is logged and no more: without one a start
    /// takes longer.
    pub async fn snapshot(&self) {
        let Some(folder) = self.snapshots.clone() else { return };
        let lists = Arc::clone(&self.lists);
        let written = tokio::task::spawn_blocking(move || {
            let copy = lists.read().unwrap_or_else(PoisonError::into_inner).clone();
            snapshot::write(&folder, &copy)
        });
        match written.await {
            Ok(Ok(())) => return metrics::snapshot(Outcome::Done),
            Ok(Err(error)) => tracing::warn!(%error, "no snapshot could be written"),
            Err(error) => tracing::warn!(%error, "no snapshot could be written"),
        }
        metrics::snapshot(Outcome::Failed);
    }
}
