//! Following a log, whichever engine keeps it: what is there, the mark, then what comes.

use std::time::Duration;

use futures_util::stream::unfold;
use tokio::time::timeout;
use vouchsafe_events::Position;

use super::{Followed, StoreError, StoredEvent, Subscription};

/// How many events a follower takes at a time: what it holds in memory, however far behind it is.
pub(super) const PAGE: usize = 2000;

/// How often a follower that has nothing to tell says that it is in touch with the log, as long as it is.
pub(super) const IN_TOUCH: Duration = Duration::from_secs(1);

/// Where a follower's events come from, and who tells of more.
pub(super) trait Source: Send + 'static {
    /// Whether more was announced than stands at a position. Takes note of the announcement.
    fn has_more(&mut self, than: Position) -> Result<bool, StoreError>;

    /// At most [`PAGE`] events after a position, and whether there may be more.
    fn page(
        &mut self,
        after: Position,
    ) -> impl Future<Output = Result<(Vec<StoredEvent>, bool), StoreError>> + Send;

    /// Waits for the next announcement.
    fn news(&mut self) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Whether the end of the log was seen within the last [`IN_TOUCH`], so that no news is good news.
    fn is_in_touch(&self) -> bool;
}

/// A follower. It holds nothing of the store's but its own place, so it can take as long as it likes.
struct Follower<S> {
    source: S,
    /// The position of the last event that was yielded.
    at: Position,
    page: std::vec::IntoIter<StoredEvent>,
    /// Whether the caught-up mark is still owed.
    behind: bool,
    /// Whether there may be more than was announced: at first, and after a full page.
    look: bool,
}

/// Follows the log after `after`.
pub(super) fn follow(source: impl Source, after: Position) -> Subscription {
    let page = Vec::new().into_iter();
    let follower = Follower { source, at: after, page, behind: true, look: true };
    // After an error there is no follower left, which ends the subscription.
    Box::pin(unfold(Some(follower), async |follower| {
        let mut follower = follower?;
        match follower.next().await {
            Ok(news) => Some((Ok(news), Some(follower))),
            Err(error) => Some((Err(error), None)),
        }
    }))
}

impl<S: Source> Follower<S> {
    async fn next(&mut self) -> Result<Followed, StoreError> {
        loop {
            if let Some(event) = self.page.next() {
                self.at = event.position;
                return Ok(Followed::Event(event));
            }
            // Taking note of the announcement before reading: one that comes between is not missed.
            if self.source.has_more(self.at)? || self.look {
                let (page, more) = self.source.page(self.at).await?;
                self.look = more;
                self.behind |= more;
                self.page = page.into_iter();
            } else if self.behind {
                self.behind = false;
                return Ok(Followed::CaughtUp(self.at));
            } else if let Ok(news) = timeout(IN_TOUCH, self.source.news()).await {
                news?;
            } else if self.source.is_in_touch() {
                return Ok(Followed::CaughtUp(self.at));
            }
        }
    }
}
