//! How decisions are tested: given what has happened, when something is decided, then this happens or it is
//! refused.
//!
//! What has happened goes through the same sealing and folding as in the service, so a test speaks of events
//! alone. Personal data is "sealed" as it stands: what a sealed value looks like is no decision's concern.

use std::convert::Infallible;
use std::fmt::Debug;

use uuid::Uuid;
use vouchsafe_events::{
    Actor, Envelope, Event, EventId, PersonId, Plain, Position, Recorded, Sealed, Stream, Timestamp, Version,
};

use super::{Decided, State};

/// An event before it is put into a history.
pub(crate) type Happened = Event<Plain>;

/// The person whom tests know by a number.
pub(crate) const fn person(number: u128) -> PersonId {
    PersonId::from_uuid(Uuid::from_u128(number))
}

/// The instant `days` days after every test's history begins: 9 a.m. on Monday 5 January 2026.
pub(crate) const fn day(days: i64) -> Timestamp {
    Timestamp::from_micros(1_767_603_600_000_000).plus_days(days)
}

/// The last instant before `at`.
pub(crate) const fn just_before(at: Timestamp) -> Timestamp {
    Timestamp::from_micros(at.micros() - 1)
}

/// A stream with what has happened in it, folded.
pub(crate) struct History<S> {
    stream: Stream,
    version: Version,
    state: S,
}

impl<S: State> History<S> {
    /// A stream in which nothing has happened.
    pub(crate) fn of(stream: Stream) -> Self {
        Self { stream, version: Version::FIRST, state: S::default() }
    }

    /// Lets events happen at `at`, done by `actor`.
    pub(crate) fn record(&mut self, at: Timestamp, actor: Actor, events: impl IntoIterator<Item = Happened>) {
        for event in events {
            let number = self.version.number();
            let envelope = Envelope {
                id: EventId::from_uuid(Uuid::from_u128(u128::from(number))),
                stream: self.stream,
                version: self.version,
                at,
                actor,
                causation: None,
                correlation: None,
            };
            let sealed = event.seal(|_, plain| Ok::<_, Infallible>(Sealed::from_base64(plain.text)));
            let Ok(event) = sealed;
            self.state.apply(&Recorded { position: Position::new(number + 1), envelope, event });
            self.version = self.version.next();
        }
    }

    /// And later, at `at`, a person did this.
    pub(crate) fn later(
        mut self,
        at: Timestamp,
        by: PersonId,
        events: impl IntoIterator<Item = Happened>,
    ) -> Self {
        self.record(at, Actor::Person(by), events);
        self
    }

    /// How many events there are: the number that names the next one.
    pub(crate) fn version(&self) -> u128 {
        self.version.number().into()
    }

    /// What decisions see of it.
    pub(crate) fn state(&self) -> &S {
        &self.state
    }

    /// Decides something.
    pub(crate) fn when<O: Outcome>(&self, decide: impl FnOnce(&S) -> O) -> Answer<O::Refusal> {
        Answer(decide(&self.state).answer())
    }
}

/// What deciding gives: events, or events or a refusal.
pub(crate) trait Outcome {
    /// Why it can be refused.
    type Refusal;

    /// The events or the refusal.
    fn answer(self) -> Result<Decided, Self::Refusal>;
}

impl Outcome for Decided {
    type Refusal = Infallible;

    fn answer(self) -> Result<Decided, Infallible> {
        Ok(self)
    }
}

impl<R> Outcome for Result<Decided, R> {
    type Refusal = R;

    fn answer(self) -> Self {
        self
    }
}

/// What was decided, to be compared with what should be.
pub(crate) struct Answer<R>(Result<Decided, R>);

impl<R: Debug + PartialEq> Answer<R> {
    /// Exactly these events happen, in this order.
    #[track_caller]
    pub(crate) fn then<const N: usize>(self, events: [Happened; N]) {
        assert_eq!(self.0, Ok(Vec::from(events)));
    }

    /// It is allowed, and nothing happens.
    #[track_caller]
    pub(crate) fn then_nothing(self) {
        self.then([]);
    }

    /// It is refused, for this reason.
    #[track_caller]
    pub(crate) fn then_refused(self, why: R) {
        assert_eq!(self.0, Err(why));
    }
}
