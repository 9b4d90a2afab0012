//! The sessions that may still be used.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use vouchsafe_events::{
    Event, Held, Method, OrganisationId, PersonId, Recorded, SessionHash, Slot, Timestamp,
};

use crate::hash::{Map, sorted};

/// A session that was neither ended nor, as far as events' time has passed, run out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Whose.
    pub person: PersonId,
    /// SHA-256 of its token.
    pub hash: SessionHash,
    /// When it began.
    pub began: Timestamp,
    /// From when on it is no longer good.
    pub expires: Timestamp,
    /// How its person showed who they are.
    pub method: Method,
    /// The organisation that they act for now, if they have chosen.
    pub organisation: Option<OrganisationId>,
    /// All organisations that they may act for in it, as the provider said.
    pub organisations: Vec<OrganisationId>,
    /// The network address that they came from, sealed.
    pub network: Held,
    /// The browser that they came with, sealed.
    pub device: Held,
}

/// All sessions, found by hash, by person and by when they run out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Kept")]
pub(crate) struct Sessions {
    #[serde(serialize_with = "sorted")]
    live: Map<SessionHash, Session>,
    #[serde(skip_serializing)]
    by_expiry: BTreeSet<(Timestamp, SessionHash)>,
    #[serde(skip_serializing)]
    by_person: BTreeSet<(PersonId, Timestamp, SessionHash)>,
}

/// What a snapshot holds of [`Sessions`].
#[derive(Deserialize)]
struct Kept {
    live: Map<SessionHash, Session>,
}

impl From<Kept> for Sessions {
    fn from(kept: Kept) -> Self {
        let mut all = Self::default();
        for session in kept.live.into_values() {
            all.insert(session);
        }
        all
    }
}

impl Sessions {
    pub(crate) fn get(&self, hash: SessionHash, now: Timestamp) -> Option<&Session> {
        self.live.get(&hash).filter(|session| now < session.expires)
    }

    /// A person's sessions, in the order in which they began.
    pub(crate) fn of(&self, person: PersonId, now: Timestamp) -> impl Iterator<Item = &Session> {
        let (first, last) = (Timestamp::from_micros(i64::MIN), Timestamp::from_micros(i64::MAX));
        let hashes = (SessionHash::from_bytes([0; 32]), SessionHash::from_bytes([u8::MAX; 32]));
        self.by_person
            .range((person, first, hashes.0)..=(person, last, hashes.1))
            .filter_map(move |(_, _, hash)| self.get(*hash, now))
    }

    /// Drops what has run out by `now`: each session is dropped once, so this costs nothing beside its making.
    pub(crate) fn pass(&mut self, now: Timestamp) {
        while let Some((expires, hash)) = self.by_expiry.first().copied()
            && expires <= now
        {
            self.remove(hash);
        }
    }

    /// Takes in an event of the person's own stream.
    pub(crate) fn apply(&mut self, person: PersonId, recorded: &Recorded) {
        match &recorded.event {
            Event::SignedIn(data) => self.insert(Session {
                person,
                hash: data.session,
                began: recorded.envelope.at,
                expires: data.expires,
                method: data.method,
                organisation: data.organisation,
                organisations: data.organisations.clone(),
                network: recorded.hold(person, Slot::SignedInNetwork, &data.network),
                device: recorded.hold(person, Slot::SignedInDevice, &data.device),
            }),
            Event::OrganisationChosen(data) => {
                if let Some(session) = self.live.get_mut(&data.session)
                    && session.person == person
                {
                    session.organisation = Some(data.organisation);
                }
            }
            Event::SignedOut(data) => self.remove_of(person, data.session),
            _ => {}
        }
    }

    fn insert(&mut self, session: Session) {
        self.remove(session.hash);
        self.by_expiry.insert((session.expires, session.hash));
        self.by_person.insert((session.person, session.began, session.hash));
        self.live.insert(session.hash, session);
    }

    fn remove_of(&mut self, person: PersonId, hash: SessionHash) {
        if self.live.get(&hash).is_some_and(|session| session.person == person) {
            self.remove(hash);
        }
    }

    fn remove(&mut self, hash: SessionHash) {
        if let Some(session) = self.live.remove(&hash) {
            self.by_expiry.remove(&(session.expires, hash));
            self.by_person.remove(&(session.person, session.began, hash));
        }
    }
}
