//! Following the log: what is there, then what comes.

use std::sync::Arc;

use futures_util::stream::unfold;
use tokio::sync::watch;
use vouchsafe_events::Position;

use super::reader::{self, Readers};
use super::trouble::closed;
use crate::store::{Followed, StoreError, StoredEvent, Subscription};

/// How many events a follower takes at a time: what it holds in memory, however far behind it is.
const PAGE: usize = 2000;

/// A follower. It holds nothing of the store's but its own place, so it can take as long as it likes.
struct Follower {
    readers: Arc<Readers>,
    head: watch::Receiver<Position>,
    /// The position of the last event that was yielded.
    at: Position,
    page: std::vec::IntoIter<StoredEvent>,
    /// Whether the caught-up mark is still owed.
    behind: bool,
    /// Whether there may be more than was announced: at first, and after a full page.
    look: bool,
}

/// Follows the log after `after`.
pub(super) fn follow(
    readers: Arc<Readers>,
    head: watch::Receiver<Position>,
    after: Position,
) -> Subscription {
    let page = Vec::new().into_iter();
    let follower = Follower { readers, head, at: after, page, behind: true, look: true };
    // After an error there is no follower left, which ends the subscription.
    Box::pin(unfold(Some(follower), async |follower| {
        let mut follower = follower?;
        match follower.next().await {
            Ok(news) => Some((Ok(news), Some(follower))),
            Err(error) => Some((Err(error), None)),
        }
    }))
}

impl Follower {
    async fn next(&mut self) -> Result<Followed, StoreError> {
        loop {
            if let Some(event) = self.page.next() {
                self.at = event.position;
                return Ok(Followed::Event(event));
            }
            // Taking note of the announcement before reading: one that comes between is not missed.
            if *self.head.borrow_and_update() > self.at || self.look {
                let after = self.at;
                let page = self.readers.run(move |connection| reader::all(connection, after, PAGE)).await?;
                self.look = page.len() == PAGE;
                self.behind |= self.look;
                self.page = page.into_iter();
            } else if self.behind {
                self.behind = false;
                return Ok(Followed::CaughtUp(self.at));
            } else {
                self.head.changed().await.map_err(|_| closed())?;
            }
        }
    }
}
