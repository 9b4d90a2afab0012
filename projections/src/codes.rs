//! One-time passwords: which challenge of a person can still be answered, and who must wait.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use vouchsafe_events::{ChallengeId, Event, Nonce, PersonId, Recorded, Timestamp, Withheld};

use crate::hash::{Map, sorted};
use crate::measures::Measures;

/// For how long nobody is mailed again how to get in, in seconds.
pub const TOLD_HOW_EVERY: i64 = 24 * 3600;

/// The newest challenge of a person, while it can be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// Which.
    pub id: ChallengeId,
    /// What its code is made from.
    pub nonce: Nonce,
    /// When it was issued.
    pub issued: Timestamp,
    /// From when on it is no longer good.
    pub expires: Timestamp,
}

/// That one-time passwords are off for a person for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delay {
    /// Until when.
    pub until: Timestamp,
    /// How many wrong codes there were since the last right one.
    pub failures: u16,
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Kept")]
pub(crate) struct Codes {
    #[serde(serialize_with = "sorted")]
    live: Map<PersonId, Challenge>,
    #[serde(serialize_with = "sorted")]
    delays: Map<PersonId, Delay>,
    /// When each person was last mailed how to get in, if that was of late.
    #[serde(serialize_with = "sorted")]
    told: Map<PersonId, Timestamp>,
    #[serde(skip_serializing)]
    by_expiry: BTreeSet<(Timestamp, PersonId)>,
    #[serde(skip_serializing)]
    by_told: BTreeSet<(Timestamp, PersonId)>,
}

/// What a snapshot holds of [`Codes`].
#[derive(Deserialize)]
struct Kept {
    live: Map<PersonId, Challenge>,
    delays: Map<PersonId, Delay>,
    told: Map<PersonId, Timestamp>,
}

impl From<Kept> for Codes {
    fn from(Kept { live, delays, told }: Kept) -> Self {
        let by_expiry = live.iter().map(|(person, challenge)| (challenge.expires, *person)).collect();
        let by_told = told.iter().map(|(person, at)| (*at, *person)).collect();
        Self { live, delays, told, by_expiry, by_told }
    }
}

impl Codes {
    /// A person's challenge that can still be answered at `now`.
    pub(crate) fn challenge(&self, person: PersonId, now: Timestamp) -> Option<&Challenge> {
        self.live.get(&person).filter(|challenge| now < challenge.expires)
    }

    /// The wait that a person has at `now`.
    pub(crate) fn delay(&self, person: PersonId, now: Timestamp) -> Option<&Delay> {
        self.delays.get(&person).filter(|delay| now < delay.until)
    }

    /// Drops what is over by `now`.
    pub(crate) fn pass(&mut self, now: Timestamp, measures: &mut Measures) {
        while let Some((expires, person)) = self.by_expiry.first().copied()
            && expires <= now
        {
            self.end(person, measures);
        }
        while let Some((at, person)) = self.by_told.first().copied()
            && at.plus_seconds(TOLD_HOW_EVERY) <= now
        {
            self.by_told.remove(&(at, person));
            self.told.remove(&person);
        }
    }

    /// A challenge is over and nobody used it.
    fn end(&mut self, person: PersonId, measures: &mut Measures) {
        if let Some(challenge) = self.take(person) {
            measures.never_used(challenge.issued);
        }
    }

    fn take(&mut self, person: PersonId) -> Option<Challenge> {
        let challenge = self.live.remove(&person)?;
        self.by_expiry.remove(&(challenge.expires, person));
        Some(challenge)
    }

    /// Takes in an event of the person's own stream. Whether a mail about it is to go out.
    pub(crate) fn apply(&mut self, person: PersonId, recorded: &Recorded, measures: &mut Measures) -> bool {
        let at = recorded.envelope.at;
        match &recorded.event {
            Event::OneTimePasswordIssued(data) => {
                self.end(person, measures);
                let (id, nonce, expires) = (data.challenge, data.nonce, data.expires);
                self.live.insert(person, Challenge { id, nonce, issued: at, expires });
                self.by_expiry.insert((expires, person));
                true
            }
            Event::OneTimePasswordWithheld(data) if data.reason == Withheld::NotListed => {
                let first = !self.told.contains_key(&person);
                if first {
                    self.told.insert(person, at);
                    self.by_told.insert((at, person));
                }
                first
            }
            Event::OneTimePasswordUsed(data) => {
                if self.live.get(&person).is_some_and(|challenge| challenge.id == data.challenge)
                    && let Some(challenge) = self.take(person)
                {
                    measures.used(challenge.issued);
                }
                self.delays.remove(&person);
                false
            }
            Event::OneTimePasswordDelayed(data) => {
                self.delays.insert(person, Delay { until: data.until, failures: data.failures });
                false
            }
            Event::OneTimePasswordDelayLifted(_) => {
                self.delays.remove(&person);
                false
            }
            _ => false,
        }
    }
}
