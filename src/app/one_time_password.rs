//! One-time passwords: asking for one, trying one, and support's lifting of a wait.

mod strangers;
#[cfg(test)]
mod tests;

use std::hash::{DefaultHasher, Hash, Hasher};

use tracing::Instrument as _;
use vouchsafe_events::{
    Actor, ChallengeId, Email, Introduction, Method, Nonce, OrganisationId, PersonId, SessionHash, Stream,
};

use super::execute::caused;
use super::sign_in::became;
use super::{App, Cause, Done, Entered, Failure, SessionToken};
use crate::domain::Person;
use crate::domain::person::{LiftRefused, SignIn, Try, TryRefused, Verdict};
use crate::metrics::{self, Code, Way};
use crate::privacy::TypedCode;
use crate::traces;

pub(super) use strangers::Strangers;

/// How many people can be tried at once. More wait for each other, which costs only time.
const STRIPES: usize = 64;

/// Lets tries on one person's codes through one after another. The log would let only one of many at once through
/// anyway; the others would decide anew and anew, and some give up.
pub(super) struct Turns(Vec<tokio::sync::Mutex<()>>);

impl Default for Turns {
    fn default() -> Self {
        Self((0..STRIPES).map(|_| tokio::sync::Mutex::default()).collect())
    }
}

impl Turns {
    async fn of(&self, person: PersonId) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        let mut hasher = DefaultHasher::new();
        person.hash(&mut hasher);
        let stripe = usize::try_from(hasher.finish() % STRIPES as u64).unwrap_or_default();
        match self.0.get(stripe) {
            Some(turn) => Some(turn.lock().await),
            None => None,
        }
    }
}

/// Somebody who asks for a code, or types one.
#[derive(Clone, Debug)]
pub struct Asker {
    /// The address that they gave.
    pub email: Email,
    /// What their browser holds.
    pub challenge: ChallengeId,
    /// The network address that they come from.
    pub network: String,
}

/// Why a code did not let anybody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotLetIn {
    /// It was not looked at.
    NotTried(TryRefused),
    /// It was looked at and not taken: [`Verdict::Refused`].
    NotTaken(Verdict),
}

impl App {
    /// The organisations that are open and on whose user list a person is: all that a one-time password opens.
    pub fn listed_at(&self, person: PersonId) -> Vec<OrganisationId> {
        self.lists(|lists| {
            let theirs = lists.organisations_of(person).filter_map(|id| lists.organisation(id));
            theirs.filter(|organisation| organisation.is_listed(person)).map(|found| found.id).collect()
        })
    }

    /// Somebody asks for a one-time password. Whoever is on a list is issued one; others are mailed how to get in,
    /// within limits. The caller learns nothing of which it was. An address that nobody has is taken note of only
    /// if `admit` lets it.
    pub async fn ask_for_code(
        &self,
        asker: &Asker,
        admit: impl FnOnce() -> bool + Send,
    ) -> Result<(), Failure<std::convert::Infallible>> {
        metrics::one_time_password(Code::Asked);
        self.have_code_sent(asker, admit).instrument(traces::code("ask for a one-time password")).await
    }

    async fn have_code_sent(
        &self,
        asker: &Asker,
        admit: impl FnOnce() -> bool + Send,
    ) -> Result<(), Failure<std::convert::Infallible>> {
        let cause = Cause::by(Actor::System);
        let hash = self.ring.hash_email(&asker.email);
        let person = match self.lists(|lists| lists.person_by_email(hash)) {
            Some(person) => person,
            None if admit() => {
                self.introduce(&asker.email, None, Introduction::OneTimePassword, cause).await?
            }
            None => {
                // Where nothing can be recorded, whoever asks is told so, whether anything was to be recorded or not.
                self.store.head().await?;
                return Ok(());
            }
        };
        let listed = !self.listed_at(person).is_empty();
        let nonce = self.random.bytes().map(u64::from_be_bytes).map(Nonce::new)?;
        self.decide(Stream::Person(person), cause, |state: &Person, now| {
            Ok(state.ask_for_code(person, listed, asker.challenge, nonce, &asker.network, now))
        })
        .await
        .map(drop)
    }

    /// Somebody types a code, in the browser that holds `asker.challenge`. `replaces`: the session that the browser
    /// had until now.
    pub async fn try_code(
        &self,
        asker: &Asker,
        typed: &TypedCode,
        device: String,
        replaces: Option<SessionHash>,
    ) -> Result<Entered, Failure<NotLetIn>> {
        let tried = self.enter_by_code(asker, typed, device, replaces);
        let tried = tried.instrument(traces::code("try a one-time password")).await;
        match &tried {
            Ok(_) => metrics::one_time_password(Code::Used),
            Err(Failure::Refused(NotLetIn::NotTried(_))) => metrics::one_time_password(Code::NotTried),
            Err(Failure::Refused(NotLetIn::NotTaken(_))) => metrics::one_time_password(Code::Refused),
            Err(Failure::Contended | Failure::Unavailable(_)) => {}
        }
        metrics::sign_in(Way::OneTimePassword, became(&tried));
        tried
    }

    async fn enter_by_code(
        &self,
        asker: &Asker,
        typed: &TypedCode,
        device: String,
        replaces: Option<SessionHash>,
    ) -> Result<Entered, Failure<NotLetIn>> {
        let hash = self.ring.hash_email(&asker.email);
        let Some(person) = self.lists(|lists| lists.person_by_email(hash)) else {
            // Nobody was sent a code here. What is said of it is what is said to somebody who was.
            return Err(Failure::Refused(match self.strangers.try_code(hash, asker.challenge, self.now()) {
                Ok(verdict) => NotLetIn::NotTaken(verdict),
                Err(refused) => NotLetIn::NotTried(refused),
            }));
        };
        let _turn = self.turns.of(person).await;
        let organisations = self.listed_at(person);
        let token = SessionToken::fresh(&self.random)?;
        let expires = self.now().plus_seconds(self.limits.absolute_seconds);
        let organisation = match organisations.as_slice() {
            [only] => Some(*only),
            _ => None,
        };
        let begins = SignIn {
            session: token.hash(),
            expires,
            method: Method::OneTimePassword,
            organisation,
            organisations,
            network: asker.network.clone(),
            device,
        };
        let tried = Try {
            challenge: asker.challenge,
            is_code_of: &|challenge, nonce| self.ring.one_time_password(person, challenge, nonce).is(typed),
            listed: !begins.organisations.is_empty(),
            begins: begins.clone(),
            replaces,
        };
        let (done, verdict) = self
            .decide_with(Stream::Person(person), |state: &Person, now| {
                let (decided, verdict) = state.try_code(person, &tried, now)?;
                // Who typed a wrong code need not have been the person.
                let right = verdict == Verdict::Right;
                let actor = if right { Actor::Person(person) } else { Actor::System };
                Ok((caused(Cause::by(actor), decided), verdict))
            })
            .await
            .map_err(|failure| failure.map(NotLetIn::NotTried))?;
        match verdict {
            Verdict::Right => Ok(Entered { person, token, expires, position: done.position }),
            Verdict::Refused { .. } => Err(Failure::Refused(NotLetIn::NotTaken(verdict))),
        }
    }

    /// Support ends a person's wait.
    pub async fn lift_delay(&self, person: PersonId, by: PersonId) -> Result<Done, Failure<LiftRefused>> {
        self.decide(Stream::Person(person), Cause::person(by), |state: &Person, now| state.lift_delay(now))
            .await
    }
}
