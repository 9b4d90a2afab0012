//! The history of one stream, replayed: its lists as they stood at an instant.
//!
//! The lists come of the same folds that make today's, fed with the events up to the instant. Only the stream in
//! question is read, so the size of the log does not matter. What an organisation's lists take from other streams,
//! when each person last signed in, is therefore not in them.

use vouchsafe_events::{Event, Recorded, Stream, Timestamp, Version, decode};
use vouchsafe_projections::Lists;

use crate::app::Unavailable;
use crate::store::EventStore;

/// How many events are read from the log at once.
const PAGE: usize = 2048;

/// Every event of one stream, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replay {
    events: Vec<Recorded>,
}

impl Replay {
    /// Takes events of one stream, in order.
    pub const fn new(events: Vec<Recorded>) -> Self {
        Self { events }
    }

    /// Reads a stream. One that has no events is empty.
    pub async fn read(store: &dyn EventStore, stream: Stream) -> Result<Self, Unavailable> {
        let mut events = Vec::new();
        let mut from = Version::FIRST;
        loop {
            let page = store.read(stream, from, PAGE).await?;
            for stored in &page {
                events.push(decode(stored.position, &stored.bytes)?);
                from = stored.version.next();
            }
            if page.len() < PAGE {
                return Ok(Self { events });
            }
        }
    }

    /// Every event, in order.
    pub fn events(&self) -> &[Recorded] {
        &self.events
    }

    /// What had happened by an instant: the events that say that they happened at it or before.
    pub fn until(&self, at: Timestamp) -> impl Iterator<Item = &Recorded> {
        self.events.iter().filter(move |recorded| recorded.envelope.at <= at)
    }

    /// The lists as they stood at an instant.
    pub fn lists(&self, at: Timestamp) -> Lists {
        let mut lists = Lists::default();
        for recorded in self.until(at) {
            lists.apply(recorded);
        }
        lists
    }

    /// When the lists last changed before an instant.
    pub fn change_before(&self, at: Timestamp) -> Option<Timestamp> {
        self.changes().filter(|change| *change < at).max()
    }

    /// When the lists next changed after an instant.
    pub fn change_after(&self, at: Timestamp) -> Option<Timestamp> {
        self.changes().filter(|change| *change > at).min()
    }

    fn changes(&self) -> impl Iterator<Item = Timestamp> {
        self.events.iter().filter(|recorded| is_change(&recorded.event)).map(|recorded| recorded.envelope.at)
    }
}

/// Whether an event changes who may do what, who waits, or who is signed in: not one that only reminds or describes.
const fn is_change<T>(event: &Event<T>) -> bool {
    matches!(
        event,
        Event::OrganisationRegistered(_)
            | Event::OrganisationClosed(_)
            | Event::OrganisationReopened(_)
            | Event::ApproverEstablished(_)
            | Event::ApproverStoodDown(_)
            | Event::ApproverCarriedOver(_)
            | Event::AccessRequested(_)
            | Event::AccessRequestedOnClosure(_)
            | Event::AccessRequestWithdrawn(_)
            | Event::AccessRequestExpired(_)
            | Event::AccessGranted(_)
            | Event::AccessDeclined(_)
            | Event::AccessCarriedOver(_)
            | Event::AccessEndDateChanged(_)
            | Event::AccessEnded(_)
            | Event::AccessRevoked(_)
            | Event::UserAdded(_)
            | Event::UserRemoved(_)
            | Event::SignedIn(_)
            | Event::OrganisationChosen(_)
            | Event::SignedOut(_)
    )
}
