//! Following the log: one task looks for news on behalf of all who follow.
//!
//! The client's own subscription is not used. When the server ends one without an error, the client asks the
//! ended answer for more at once and for ever, without once giving way to other tasks: a thread is lost, and
//! nothing outside can stop it. It also resumes only from events, never from checkpoints, and says that a
//! follower has caught up only where the server is new enough to tell. Reading on from one's own place has none
//! of these troubles, whatever the server's version; it costs a small request every [`pace`], for the whole
//! process, and events that this process appended are announced without waiting for it.
//!
//! [`pace`]: super::EventStoreDbOptions::pace

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use vouchsafe_events::Position;

use super::connection::Connection;
use super::read::{MOST_BYTES, Page};
use super::record::Place;
use super::trouble::{Trouble, closed};
use crate::store::follow::{IN_TOUCH, PAGE, Source};
use crate::store::{StoreError, StoredEvent, Subscription};

/// How many records the one that looks for news takes at a time.
const LOOK: usize = 512;

/// How long the server may be out of reach before followers are told.
const OUTAGE: Duration = Duration::from_secs(2);

/// How long the one that looks for news waits after a failure.
const AFTER_FAILURE: Duration = Duration::from_millis(250);

/// What is known of the log's end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// Where the last event of ours stands.
    head: Position,
    /// A record with no event of ours between the head and it.
    upto: Option<Place>,
    /// How often the server was lost for longer than a moment.
    outages: u64,
    closed: bool,
}

/// The log's end, as far as it is known, and the connection that knows.
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) connection: Connection,
    /// The one for cells.
    pub(super) cells: Connection,
    /// The one that looks for news.
    looks: Connection,
    known: watch::Sender<Known>,
    /// When a look that found the end of the log was begun.
    seen: Mutex<Instant>,
}

impl Tail {
    /// Knows nothing of the log but its ends.
    pub(super) fn new(
        connection: Connection,
        cells: Connection,
        looks: Connection,
        head: Position,
        upto: Option<Place>,
    ) -> Self {
        let (known, _) = watch::channel(Known { head, upto, outages: 0, closed: false });
        Self { connection, cells, looks, known, seen: Mutex::new(Instant::now()) }
    }

    /// Takes note of an event that was appended here.
    pub(super) fn appended(&self, position: Position) {
        self.known.send_if_modified(|known| {
            let news = position > known.head;
            known.head = known.head.max(position);
            known.upto = known.upto.max(Some(Place::of(position)));
            news
        });
    }

    /// Takes note of what was read after a place.
    fn learn(&self, after: Option<Place>, page: &Page) {
        self.known.send_if_modified(|known| {
            if after > known.upto {
                // There may be events of ours in between.
                return false;
            }
            known.upto = known.upto.max(page.upto);
            let head = page.events.last().map_or(known.head, |event| event.position);
            let news = head > known.head;
            known.head = known.head.max(head);
            news
        });
    }

    /// Where reading on after a position may begin: further on, where it is known that nothing is missed.
    pub(super) fn place(&self, after: Position) -> Option<Place> {
        let place = (after != Position::START).then(|| Place::of(after));
        let known = *self.known.borrow();
        if after >= known.head { place.max(known.upto) } else { place }
    }

    /// Reads to the end of the log, and where its last event stands.
    pub(super) async fn head(&self) -> Result<Position, StoreError> {
        self.head_by(&self.connection, self.connection.patience()).await
    }

    /// Looks for news, once.
    async fn look(&self) -> Result<(), StoreError> {
        let begun = Instant::now();
        self.head_by(&self.looks, Duration::ZERO).await?;
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = begun;
        Ok(())
    }

    async fn head_by(&self, connection: &Connection, patience: Duration) -> Result<Position, StoreError> {
        loop {
            let after = self.known.borrow().upto;
            let page = connection.page_within(patience, after, LOOK).await?;
            self.learn(after, &page);
            if page.ended {
                return Ok(self.known.borrow().head);
            }
        }
    }

    /// Takes nothing new, and tells those who follow.
    pub(super) fn refuse(&self) {
        self.known.send_modify(|known| known.closed = true);
    }

    /// Lets go of the server too.
    pub(super) fn close(&self) {
        self.refuse();
        self.connection.close();
        self.cells.close();
        self.looks.close();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.known.borrow().closed
    }
}

/// Looks for news until nobody wants any.
pub(super) async fn watch(tail: Weak<Tail>, pace: Duration) {
    let mut lost: Option<Instant> = None;
    let mut told = false;
    loop {
        sleep(pace).await;
        let Some(tail) = tail.upgrade() else { return };
        if tail.is_closed() {
            return;
        }
        let begun = Instant::now();
        match tail.look().await {
            Ok(()) => {
                if told {
                    tracing::info!("the event log is there again");
                }
                (lost, told) = (None, false);
            }
            Err(error) => {
                let since = *lost.get_or_insert(begun);
                if !told && since.elapsed() >= OUTAGE {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the event log cannot be reached"
                    );
                    told = true;
                    tail.known.send_modify(|known| known.outages += 1);
                }
                drop(tail);
                sleep(AFTER_FAILURE).await;
            }
        }
    }
}

/// One follower's way through the log.
struct Way {
    tail: Arc<Tail>,
    known: watch::Receiver<Known>,
    /// The last record that was read, ours or not.
    upto: Option<Place>,
    outages: u64,
}

/// Follows the log after `after`.
pub(super) fn follow(tail: Arc<Tail>, after: Position) -> Subscription {
    let known = tail.known.subscribe();
    let outages = known.borrow().outages;
    let upto = tail.place(after);
    crate::store::follow::follow(Way { tail, known, upto, outages }, after)
}

impl Source for Way {
    fn has_more(&mut self, than: Position) -> Result<bool, StoreError> {
        let known = *self.known.borrow_and_update();
        if known.closed { Err(closed()) } else { Ok(known.head > than) }
    }

    async fn page(&mut self, _: Position) -> Result<(Vec<StoredEvent>, bool), StoreError> {
        let page = self.tail.connection.gather_events(self.upto, PAGE, Some(MOST_BYTES)).await?;
        self.tail.learn(self.upto, &page);
        self.upto = page.upto;
        Ok((page.events, !page.ended))
    }

    async fn news(&mut self) -> Result<(), StoreError> {
        if self.known.borrow().outages != self.outages {
            return Err(Trouble::Silent.into());
        }
        self.known.changed().await.map_err(|_| closed())
    }

    fn is_in_touch(&self) -> bool {
        self.tail.seen.lock().unwrap_or_else(PoisonError::into_inner).elapsed() < IN_TOUCH
    }
}
