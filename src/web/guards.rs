//! Extractors that carry proof: who a request comes from, and what they may do. A handler that needs one
//! cannot be reached without it. What they let through the use case decides again on the log.

use std::ops::Deref;

use axum::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use http::Method;
use http::request::Parts;
use vouchsafe_events::{Method as By, OrganisationId, PersonId, Position, SessionHash, StaffRole};
use vouchsafe_projections::Session;

use super::cookies::{self, SessionCookie};
use super::problem::Forbidden;
use super::{Problem, Site, links};
use crate::app::SessionToken;
use crate::errors::Chain;

/// Somebody who has signed in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Who.
    pub person: PersonId,
    /// Their session.
    pub session: SessionHash,
    /// The organisation that they act for, if they have chosen one that they may act for.
    pub organisation: Option<OrganisationId>,
    /// All that they may act for.
    pub organisations: Vec<OrganisationId>,
    /// How they showed who they are.
    pub method: By,
    token: SessionToken,
}

/// What a request's session cookie comes to.
enum Found {
    /// No cookie, or one that is not ours.
    Nobody,
    /// A session that has ended.
    Ended,
    /// Somebody.
    Somebody(Box<SignedIn>),
}

impl SignedIn {
    /// The token that forms of this session carry.
    pub(super) fn form_token(&self) -> String {
        super::form::token(&self.token, self.organisation)
    }

    /// A one-time password opens only what support's lists give: whatever else there is to do needs DfE Sign-in
    /// (ASVS 5.0, 6.3.3).
    fn with_dfe_sign_in(self) -> Result<Self, Problem> {
        match self.method {
            By::DfeSignIn => Ok(self),
            By::OneTimePassword => Err(Problem::Forbidden(Forbidden::NeedsDfeSignIn)),
        }
    }

    /// Waits until the lists show what this session has written. False if the log does not reach so far, as
    /// after the restore of an older one: then there was no such session.
    async fn reached(site: &Site, position: Position) -> Result<bool, Problem> {
        if site.app.following().position() >= position {
            return Ok(true);
        }
        let head = site.app.store().head().await.map_err(|error| {
            tracing::error!(error = %Chain(&error), "the log does not say how far it reaches");
            Problem::Unavailable
        })?;
        if head < position {
            return Ok(false);
        }
        let reached = site.app.reach(position).await;
        reached.map(|()| true).map_err(|error| {
            tracing::error!(%error, "the lists lag behind a session");
            Problem::Unavailable
        })
    }

    /// Looks a request's session up. A session that has not been used for too long has ended.
    async fn find(site: &Site, parts: &Parts) -> Result<Found, Problem> {
        let Some(kept) = cookies::open::<SessionCookie>(site, &parts.headers, cookies::SESSION) else {
            return Ok(Found::Nobody);
        };
        let Ok(token) = SessionToken::from_text(&kept.token) else { return Ok(Found::Nobody) };
        let now = site.app.now();
        if now.seconds_since(kept.seen) > site.app.limits().idle_seconds {
            return Ok(Found::Ended);
        }
        if !Self::reached(site, kept.position).await? {
            return Ok(Found::Ended);
        }
        // Access that was ended meanwhile would still be given (ASVS 5.0, 16.5.3).
        if site.app.following().is_out_of_touch() {
            tracing::warn!("nobody is let in: the lists are out of touch with the log");
            return Err(Problem::Unavailable);
        }
        let hash = token.hash();
        let found = site.app.lists(|lists| {
            let session: &Session = lists.session(hash, now)?;
            Some((session.person, session.organisation, session.organisations.clone(), session.method))
        });
        let Some((person, organisation, organisations, method)) = found else { return Ok(Found::Ended) };
        let session = hash;
        Ok(Found::Somebody(Box::new(Self { person, session, organisation, organisations, method, token })))
    }
}

/// Where to go on to after signing in: the page itself if it was only to be looked at.
fn return_to(parts: &Parts) -> Option<String> {
    let path = parts.uri.path_and_query()?.as_str();
    (parts.method == Method::GET).then(|| links::own_path(path).map(str::to_owned))?
}

impl<S: Send + Sync> FromRequestParts<S> for SignedIn
where
    Site: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        if let Some(found) = parts.extensions.get::<SignedIn>() {
            return Ok(found.clone());
        }
        match Self::find(&Site::from_ref(state), parts).await? {
            Found::Somebody(found) => {
                parts.extensions.insert((*found).clone());
                Ok(*found)
            }
            Found::Nobody => Err(Problem::SignIn { return_to: return_to(parts), ended: false }),
            Found::Ended => Err(Problem::SignIn { return_to: return_to(parts), ended: true }),
        }
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for SignedIn
where
    Site: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Problem> {
        match <Self as FromRequestParts<S>>::from_request_parts(parts, state).await {
            Ok(found) => Ok(Some(found)),
            Err(Problem::SignIn { .. }) => Ok(None),
            Err(problem) => Err(problem),
        }
    }
}

/// Somebody who has signed in with DfE Sign-in and acts for an organisation that is open.
#[derive(Clone, Debug)]
pub struct Colleague {
    signed_in: SignedIn,
    organisation: OrganisationId,
}

impl Colleague {
    /// The organisation that they act for.
    pub fn organisation(&self) -> OrganisationId {
        self.organisation
    }
}

impl Deref for Colleague {
    type Target = SignedIn;

    fn deref(&self) -> &SignedIn {
        &self.signed_in
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Colleague
where
    Site: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let signed_in = <SignedIn as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        let signed_in = signed_in.with_dfe_sign_in()?;
        let organisation = signed_in.organisation.ok_or(Problem::Choose)?;
        let site = Site::from_ref(state);
        let closed =
            site.app.lists(|lists| lists.organisation(organisation).is_none_or(|found| found.closed));
        if closed {
            return Err(Problem::Forbidden(Forbidden::OrganisationClosed));
        }
        Ok(Self { signed_in, organisation })
    }
}

/// Somebody who is an approver of the organisation that they act for.
#[derive(Clone, Debug)]
pub struct ApproverOf(Colleague);

impl Deref for ApproverOf {
    type Target = Colleague;

    fn deref(&self) -> &Colleague {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ApproverOf
where
    Site: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let colleague = Colleague::from_request_parts(parts, state).await?;
        let site = Site::from_ref(state);
        let approver = site.app.lists(|lists| {
            lists
                .organisation(colleague.organisation)
                .is_some_and(|found| found.is_approver(colleague.person))
        });
        if approver { Ok(Self(colleague)) } else { Err(Problem::Forbidden(Forbidden::NotAnApprover)) }
    }
}

/// Somebody who has signed in with DfE Sign-in and has been appointed to a role; `otherwise` is the problem of
/// whoever has not.
async fn staff<S: Send + Sync>(
    parts: &mut Parts,
    state: &S,
    role: StaffRole,
    otherwise: Forbidden,
) -> Result<SignedIn, Problem>
where
    Site: FromRef<S>,
{
    let signed_in = <SignedIn as FromRequestParts<S>>::from_request_parts(parts, state).await?;
    let signed_in = signed_in.with_dfe_sign_in()?;
    let site = Site::from_ref(state);
    if site.app.lists(|lists| lists.is_staff(signed_in.person, role)) {
        Ok(signed_in)
    } else {
        Err(Problem::Forbidden(otherwise))
    }
}

/// Somebody who has been appointed as an auditor.
#[derive(Clone, Debug)]
pub struct Auditor(SignedIn);

impl Deref for Auditor {
    type Target = SignedIn;

    fn deref(&self) -> &SignedIn {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Auditor
where
    Site: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        staff(parts, state, StaffRole::Auditor, Forbidden::NotAnAuditor).await.map(Self)
    }
}

/// Somebody who has been appointed as a support agent.
#[derive(Clone, Debug)]
pub struct Support(SignedIn);

impl Deref for Support {
    type Target = SignedIn;

    fn deref(&self) -> &SignedIn {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Support
where
    Site: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        staff(parts, state, StaffRole::Support, Forbidden::NotSupport).await.map(Self)
    }
}
