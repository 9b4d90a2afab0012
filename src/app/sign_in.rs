//! Signing in, choosing an organisation, signing out.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tracing::Instrument as _;
use vouchsafe_events::{
    Actor, Email, Introduction, Method, OrganisationId, PersonId, Position, Refusal, SessionHash, SignOut,
    Stream, Timestamp,
};
use zeroize::Zeroizing;

use super::people::{Account, IntroduceFailed};
use super::{App, Cause, Done, Failure, Unavailable};
use crate::domain::organisation::Observed;
use crate::domain::person::{ChooseRefused, SignIn, SignOutRefused};
use crate::domain::{Person, PersonName};
use crate::metrics::{self, Way};
use crate::random::{NoRandomness, Random};
use crate::traces;

/// The secret that a browser holds for a session: 256 random bits (ASVS 5.0, 7.2.3). The log keeps its hash.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionToken(Zeroizing<[u8; 32]>);

/// Why a text is not a session's token. It says no more, so that nothing can be learnt from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a session token")]
pub struct TokenRefused;

impl SessionToken {
    pub(super) fn fresh(random: &Random) -> Result<Self, NoRandomness> {
        random.bytes().map(|bytes| Self(Zeroizing::new(bytes)))
    }

    /// The session's name in events.
    pub fn hash(&self) -> SessionHash {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, self.0.as_ref()).as_ref());
        SessionHash::from_bytes(hash)
    }

    /// The token as a cookie carries it.
    pub fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.as_ref())
    }

    /// Reads the token that a cookie carried.
    pub fn from_text(text: &str) -> Result<Self, TokenRefused> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenRefused)?;
        bytes.try_into().map(|bytes| Self(Zeroizing::new(bytes))).map_err(|_| TokenRefused)
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[session token]")
    }
}

/// A school that a provider says a person belongs to.
#[derive(Clone, Debug)]
pub struct Place {
    /// Which.
    pub id: OrganisationId,
    /// What the provider says of it.
    pub seen: Observed,
    /// Whether the provider names the person as an approver there; none if it did not say.
    pub approver: Option<bool>,
}

/// The organisation that a person came for.
#[derive(Clone, Debug)]
pub enum CameFor {
    /// A school that is open.
    School(Place),
    /// None that they can come in for, and why. A school that is closed is noted as such.
    Nowhere(Refusal, Option<Place>),
}

/// Somebody whom a provider has recognised.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The provider's issuer.
    pub issuer: String,
    /// The provider's subject, in its normal form.
    pub subject: String,
    /// Their email, which the provider vouches for.
    pub email: Email,
    /// Their name.
    pub name: Option<PersonName>,
    /// The organisation that they came for.
    pub came_for: CameFor,
    /// The other open schools that they may act for.
    pub others: Vec<Place>,
    /// The network address that they came from.
    pub network: String,
    /// The browser that they came with.
    pub device: String,
    /// The session that the browser had until now.
    pub replaces: Option<SessionHash>,
}

/// Somebody who has signed in.
#[derive(Clone, Debug)]
pub struct Entered {
    /// Who.
    pub person: PersonId,
    /// The session's token.
    pub token: SessionToken,
    /// When the session ends at the latest.
    pub expires: Timestamp,
    /// Where the sign-in stands in the log.
    pub position: Position,
}

/// Somebody who was recognised and not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotEntered {
    /// Who.
    pub person: PersonId,
    /// Why.
    pub reason: Refusal,
}

impl<R> From<IntroduceFailed> for Failure<R> {
    fn from(IntroduceFailed(cause): IntroduceFailed) -> Self {
        match cause {
            Unavailable::Contended => Self::Contended,
            cause => Self::Unavailable(cause),
        }
    }
}

/// What became of a sign-in, for metrics.
pub(super) const fn became<T, R>(entered: &Result<T, Failure<R>>) -> metrics::SignIn {
    match entered {
        Ok(_) => metrics::SignIn::Entered,
        Err(Failure::Refused(_)) => metrics::SignIn::Refused,
        Err(Failure::Contended | Failure::Unavailable(_)) => metrics::SignIn::Unavailable,
    }
}

impl App {
    /// Somebody whom DfE Sign-in has recognised signs in. What it says of them, of their schools and of who
    /// approves there is taken note of first. Staff come in without a school.
    pub async fn sign_in(&self, arrival: Arrival) -> Result<Entered, Failure<NotEntered>> {
        let entered = self.enter(arrival).instrument(traces::sign_in()).await;
        metrics::sign_in(Way::DfeSignIn, became(&entered));
        entered
    }

    async fn enter(&self, arrival: Arrival) -> Result<Entered, Failure<NotEntered>> {
        let cause = Cause::by(Actor::System);
        let account = Account {
            issuer: &arrival.issuer,
            subject: &arrival.subject,
            email: &arrival.email,
            name: arrival.name.as_ref(),
        };
        let person = self.identify(&account, Introduction::DfeSignIn, cause).await?;
        let (known, _) = self.load::<Person>(Stream::Person(person)).await?;

        let (first, refusal) = match arrival.came_for {
            CameFor::School(place) => (Some(place), None),
            CameFor::Nowhere(reason, place) => {
                if let Some(place) = &place {
                    self.observe(place.id, &place.seen, cause).await.map_err(Failure::widen)?;
                }
                (None, Some((reason, place.map(|place| place.id))))
            }
        };
        let listed = self.listed_at(person);
        let may_enter =
            first.is_some() || !arrival.others.is_empty() || !listed.is_empty() || known.is_staff();
        if let Some((reason, organisation)) = refusal.filter(|_| !may_enter) {
            let network = &arrival.network;
            self.decide(Stream::Person(person), cause, |state: &Person, _| {
                Ok(state.refuse_sign_in(person, reason, organisation, network))
            })
            .await
            .map_err(Failure::widen)?;
            return Err(Failure::Refused(NotEntered { person, reason }));
        }

        let came_for = first.as_ref().map(|place| place.id);
        let mut organisations = Vec::new();
        for place in first.iter().chain(&arrival.others) {
            if organisations.contains(&place.id) {
                continue;
            }
            organisations.push(place.id);
            self.observe(place.id, &place.seen, cause).await.map_err(Failure::widen)?;
            if let Some(named) = place.approver {
                self.heard_from_dfe_sign_in(place.id, person, named, cause).await.map_err(Failure::widen)?;
            }
        }

        // DfE Sign-in has asked which school they come for, but knows nothing of our lists: whoever is on one as
        // well is asked here.
        for id in &listed {
            if !organisations.contains(id) {
                organisations.push(*id);
            }
        }
        let organisation = match organisations.as_slice() {
            [only] if !listed.is_empty() => Some(*only),
            _ if listed.is_empty() => came_for,
            _ => None,
        };

        let token = SessionToken::fresh(&self.random)?;
        let expires = self.now().plus_seconds(self.limits.absolute_seconds);
        let begins = SignIn {
            session: token.hash(),
            expires,
            method: Method::DfeSignIn,
            organisation,
            organisations,
            network: arrival.network,
            device: arrival.device,
        };
        let done = self
            .decide(Stream::Person(person), Cause::person(person), |state: &Person, _| {
                Ok(state.sign_in(person, begins.clone(), arrival.replaces))
            })
            .await
            .map_err(Failure::widen)?;
        Ok(Entered { person, token, expires, position: done.position })
    }

    /// Takes note that a sign-in was refused before the provider had vouched for anybody. `person` is known by an
    /// account that is certain, or by the session of the browser.
    pub async fn refuse_sign_in(
        &self,
        person: PersonId,
        reason: Refusal,
        network: &str,
    ) -> Result<Done, Failure<std::convert::Infallible>> {
        self.decide(Stream::Person(person), Cause::by(Actor::System), |state: &Person, _| {
            Ok(state.refuse_sign_in(person, reason, None, network))
        })
        .await
    }

    /// A person chooses which of their organisations to act for in a session.
    pub async fn choose(
        &self,
        person: PersonId,
        session: SessionHash,
        organisation: OrganisationId,
    ) -> Result<Done, Failure<ChooseRefused>> {
        self.decide(Stream::Person(person), Cause::person(person), |state: &Person, now| {
            state.choose(session, organisation, now)
        })
        .await
    }

    /// A person ends one of their sessions.
    pub async fn sign_out(
        &self,
        person: PersonId,
        session: SessionHash,
        how: SignOut,
    ) -> Result<Done, Failure<SignOutRefused>> {
        self.decide(Stream::Person(person), Cause::person(person), |state: &Person, _| {
            state.sign_out(session, how)
        })
        .await
    }

    /// The person whom DfE Sign-in names as an approver, introduced if they have never come.
    pub async fn introduce_approver(
        &self,
        issuer: &str,
        subject: &str,
        email: &Email,
        name: Option<&PersonName>,
        cause: Cause,
    ) -> Result<PersonId, IntroduceFailed> {
        let account = Account { issuer, subject, email, name };
        self.identify(&account, Introduction::DfeSignInApprovers, cause).await
    }
}
