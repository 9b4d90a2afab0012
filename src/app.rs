//! The use cases: load, decide, append, wait until the lists show it.
//!
//! A caller that gets an answer reads what it wrote: each use case waits until the lists have reached its
//! position. What decides is always the stream itself, loaded at the time; lists only show.

mod access;
mod approvers;
pub(crate) mod claims;
mod correlation;
mod execute;
mod follow;
mod lag;
mod one_time_password;
mod people;
mod register;
mod sign_in;
mod staff;
mod succession;
mod users;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use vouchsafe_events::{
    Actor, CorrelationId, EventId, Held, OrganisationId, PersonId, Position, Reactor, Timestamp,
};
use vouchsafe_projections::Lists;

pub use access::{Added, Colleague};
pub use correlation::{correlated, correlation};
pub use execute::Done;
pub use follow::{Following, NotFollowing};
pub use one_time_password::{Asker, NotLetIn};
pub use people::IntroduceFailed;
pub use sign_in::{Arrival, CameFor, Entered, NotEntered, Place, SessionToken, TokenRefused};
pub use staff::StaffFailed;
pub use succession::Way;
pub use users::{EmailRefused, Entry, Listing};

use crate::clock::Clock;
use crate::domain::Terms;
use crate::privacy::{KeyRing, SealError};
use crate::random::{NoRandomness, Random};
use crate::store::{EventStore, Expected, StoreError};

/// How long sessions last, at most and unused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    /// A session ends this many seconds after sign-in, whatever happens in it.
    pub absolute_seconds: i64,
    /// A session ends when nothing happened in it for this many seconds.
    pub idle_seconds: i64,
}

/// All that the use cases need.
pub struct App {
    store: Arc<dyn EventStore>,
    following: Following,
    ring: Arc<KeyRing>,
    clock: Arc<dyn Clock>,
    random: Random,
    terms: Terms,
    limits: SessionLimits,
    /// Tries on one person's codes, one after another.
    turns: one_time_password::Turns,
    /// Tries for addresses that nothing is recorded of.
    strangers: one_time_password::Strangers,
    /// Where the reactors' streams end, as far as this process knows.
    reactor_ends: Mutex<BTreeMap<Reactor, Expected>>,
}

/// Why a use case did not do what it was asked.
#[derive(Debug)]
pub enum Failure<R> {
    /// The rules say no.
    Refused(R),
    /// Others wrote to the same stream again and again. Nothing was done: try again.
    Contended,
    /// The log or the key ring could not do its part. What was asked may or may not have happened if the
    /// log's answer was lost; the page that follows shows which.
    Unavailable(Unavailable),
}

/// What could not do its part.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    /// The log.
    #[error("the event log did not do its part")]
    Store(#[from] StoreError),
    /// The key ring.
    #[error("personal data could not be sealed")]
    Seal(#[from] SealError),
    /// A stream holds what cannot be read.
    #[error("an event could not be read")]
    Decode(#[from] vouchsafe_events::DecodeError),
    /// An event could not be written in its stored form.
    #[error("an event could not be written")]
    Encode(#[from] serde_json::Error),
    /// No randomness.
    #[error(transparent)]
    Random(#[from] NoRandomness),
    /// The lists did not reach the position in time.
    #[error(transparent)]
    Following(#[from] NotFollowing),
    /// Others wrote to the same streams again and again.
    #[error("others kept writing to the same streams: try again")]
    Contended,
}

impl<R, E: Into<Unavailable>> From<E> for Failure<R> {
    fn from(cause: E) -> Self {
        Self::Unavailable(cause.into())
    }
}

impl<R> Failure<R> {
    /// The same failure with its refusal turned into another.
    pub fn map<S>(self, refusal: impl FnOnce(R) -> S) -> Failure<S> {
        match self {
            Self::Refused(refused) => Failure::Refused(refusal(refused)),
            Self::Contended => Failure::Contended,
            Self::Unavailable(cause) => Failure::Unavailable(cause),
        }
    }
}

impl Failure<std::convert::Infallible> {
    /// The failure of a decision that refuses nothing, where others may.
    pub fn widen<R>(self) -> Failure<R> {
        self.map(|never| match never {})
    }
}

/// Who does something, and from what it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Who.
    pub actor: Actor,
    /// The event that it is a consequence of.
    pub causation: Option<EventId>,
    /// What it has in common with all that comes of the same request. None: the request that is being answered, if
    /// one is (see [`correlated`]).
    pub correlation: Option<CorrelationId>,
}

impl Cause {
    /// Something that an actor does of their own accord.
    pub const fn by(actor: Actor) -> Self {
        Self { actor, causation: None, correlation: None }
    }

    /// The same, as a consequence of an event.
    #[must_use]
    pub const fn since(self, causation: Option<EventId>) -> Self {
        Self { causation, ..self }
    }

    /// Something that a person does of their own accord.
    pub const fn person(person: PersonId) -> Self {
        Self::by(Actor::Person(person))
    }
}

impl App {
    /// Puts the parts together. `following` must follow `store`.
    pub fn new(
        store: Arc<dyn EventStore>,
        following: Following,
        ring: Arc<KeyRing>,
        clock: Arc<dyn Clock>,
        terms: Terms,
        limits: SessionLimits,
    ) -> Self {
        Self {
            store,
            following,
            ring,
            clock,
            random: Random::default(),
            terms,
            limits,
            turns: one_time_password::Turns::default(),
            strangers: one_time_password::Strangers::default(),
            reactor_ends: Mutex::default(),
        }
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Time limits.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// How long sessions last.
    pub fn limits(&self) -> SessionLimits {
        self.limits
    }

    /// The event log.
    pub fn store(&self) -> &Arc<dyn EventStore> {
        &self.store
    }

    /// The key ring.
    pub fn ring(&self) -> &KeyRing {
        &self.ring
    }

    /// Where chance comes from.
    pub fn random(&self) -> &Random {
        &self.random
    }

    /// Reads the lists. They do not change while `read` runs, so it should be short.
    pub fn lists<T>(&self, read: impl FnOnce(&Lists) -> T) -> T {
        self.following.read(read)
    }

    /// Follows the log: for whoever waits for the lists to change.
    pub fn following(&self) -> &Following {
        &self.following
    }

    /// Waits until the lists have reached a position, so that they show what was written there.
    pub async fn reach(&self, position: Position) -> Result<(), NotFollowing> {
        self.following.reach(position).await
    }

    /// A sealed text as it is shown: the text, or `[erased]`.
    pub fn show(&self, held: &Held) -> String {
        self.ring.open(held).to_string()
    }

    /// A person's name as it is shown: their name, their email if no name is known, or `[erased]`.
    pub fn name_of(&self, person: PersonId) -> String {
        let held = self.lists(|lists| {
            lists.person(person).map(|person| person.name.clone().unwrap_or_else(|| person.email.clone()))
        });
        held.map_or_else(|| "someone unknown".to_owned(), |held| self.show(&held))
    }

    /// A person's email as it is shown.
    pub fn email_of(&self, person: PersonId) -> String {
        let held = self.lists(|lists| lists.person(person).map(|person| person.email.clone()));
        held.map_or_else(String::new, |held| self.show(&held))
    }

    /// An organisation's name.
    pub fn organisation_name(&self, id: OrganisationId) -> String {
        self.lists(|lists| lists.organisation(id).map(|found| found.name.to_string())).unwrap_or_default()
    }
}
