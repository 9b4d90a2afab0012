//! Signing in with DfE Sign-in, and signing out.

mod pages;

use axum::extract::{Query, RawQuery, State};
use axum::routing::{get, post};
use axum::{Extension, Router};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use url::Url;
use vouchsafe_events::{PersonId, Refusal, SignOut};

use super::cookies::{self, SessionCookie};
use super::form::{Empty, Personal};
use super::limits::SignInLimit;
use super::problem::{self, SignInFailed};
use super::{Network, Problem, Reply, SignedIn, Site, links};
use crate::app::{Arrival, Entered, claims};
use crate::errors::Chain;
use crate::identity::dfe::{
    Authenticated, CallbackParams, ClaimedOrganisation, NotFinished, OrganisationClaim, Pending,
    SignInRefused, TokenError,
};
use crate::identity::dfe_api::{Membership, OrganisationRole};
use crate::metrics::{self, Way};
use crate::secret::Secret;

/// How many sign-ins one browser may have begun at once: a tab each.
const MOST_ATTEMPTS: usize = 4;

/// How often in a row somebody is sent to DfE Sign-in again without being told.
const MOST_QUIET_RESTARTS: u8 = 3;

pub(super) fn routes() -> Router<Site> {
    Router::new()
        .route(links::SIGN_IN, get(begin))
        .route(links::CALLBACK, get(callback))
        .route(links::SIGN_OUT, post(sign_out).get(sign_out_page))
        .route(links::SIGNED_OUT, get(pages::signed_out))
}

/// What stands between redirect and callback. It travels in the browser, sealed, so that any instance can
/// finish what another began.
#[derive(Serialize, Deserialize)]
struct Attempt {
    pending: Pending,
    return_to: Option<String>,
}

/// The cookie of the attempt that has this state.
fn attempt_cookie(state: &str) -> Option<String> {
    let name: String = state.chars().take(16).collect();
    let fit = name.len() == 16
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    fit.then(|| format!("{}{name}", cookies::ATTEMPT))
}

#[derive(Deserialize)]
struct Begin {
    return_to: Option<String>,
}

/// Sends a person to DfE Sign-in.
async fn begin(
    State(site): State<Site>,
    _: SignInLimit,
    headers: HeaderMap,
    Query(query): Query<Begin>,
) -> Result<Reply, Problem> {
    let begun = site.dfe.begin().await.map_err(|error| {
        tracing::warn!(error = %Chain(&error), "a sign-in could not begin");
        metrics::sign_in(Way::DfeSignIn, metrics::SignIn::Unavailable);
        Problem::SignInFailed(SignInFailed::DfeSignInDown)
    })?;
    let state = begun
        .authorize_url
        .query_pairs()
        .find_map(|(name, value)| (name == "state").then(|| value.into_owned()));
    let cookie = state.as_deref().and_then(attempt_cookie).ok_or(Problem::Internal)?;
    let return_to = query.return_to.as_deref().and_then(links::own_path).map(str::to_owned);
    let attempt = Attempt { pending: begun.pending, return_to };
    let mut reply = Reply::away(begun.authorize_url.as_str());
    let old: Vec<&str> = cookies::all(&headers)
        .map(|(name, _)| name)
        .filter(|name| name.starts_with(cookies::ATTEMPT))
        .collect();
    if old.len() >= MOST_ATTEMPTS {
        for name in old {
            reply = reply.cookie(cookies::remove(name));
        }
    }
    Ok(reply.cookie(cookies::keep(&site, &cookie, &attempt, Some(cookies::ATTEMPT_KEPT))))
}

/// What DfE Sign-in sends people back with.
async fn callback(
    State(site): State<Site>,
    _: SignInLimit,
    Extension(network): Extension<Network>,
    headers: HeaderMap,
    now_signed_in: Option<SignedIn>,
    RawQuery(query): RawQuery,
) -> Result<Reply, Problem> {
    let params = CallbackParams::parse(query.as_deref().unwrap_or_default());
    let cookie = params.state.as_ref().and_then(|state| attempt_cookie(state.expose()));
    let attempt: Option<Attempt> = cookie.as_deref().and_then(|name| cookies::open(&site, &headers, name));
    let (pending, return_to) = match attempt {
        Some(Attempt { pending, return_to }) => (Some(pending), return_to),
        None => (None, None),
    };
    let used = cookie.as_deref().and_then(cookies::remove);
    let authenticated = match site.dfe.finish(pending, &params).await {
        Ok(authenticated) => authenticated,
        Err(NotFinished { why: SignInRefused::StartAgainQuietly, .. }) => {
            return Ok(again_quietly(&site, &headers, return_to.as_deref()));
        }
        Err(refused) => {
            tracing::warn!(error = %Chain(&refused.why), "a sign-in was refused");
            let why = failed(&refused.why);
            metrics::sign_in(Way::DfeSignIn, became(why));
            note_refusal(&site, why, whose(&site, &refused, now_signed_in.as_ref()), network).await;
            return Ok(Reply::problem(Problem::SignInFailed(why)).cookie(used));
        }
    };
    let id_token = authenticated.id_token.clone();
    let arrival =
        arrive(&site, authenticated, network, cookies::device(&headers), now_signed_in.as_ref()).await?;
    let email = arrival.email.clone();
    match site.app.sign_in(arrival).await {
        Ok(entered) => {
            let reply = welcome(&site, &entered, return_to.as_deref())?;
            Ok(reply.cookie(keep_id_token(&site, &id_token)).cookie(used))
        }
        Err(failure) => {
            let refused = problem::refused(failure)?;
            pages::refused(&site, refused.reason, &email).map(|reply| {
                let kept = keep_id_token(&site, &id_token);
                reply.cookie(used).cookie(kept)
            })
        }
    }
}

/// DfE Sign-in timed out, or sent somebody back with nothing: they start again and need not know. Not more
/// than a few times in a row, so that a provider that always does so is no endless round.
fn again_quietly(site: &Site, headers: &HeaderMap, return_to: Option<&str>) -> Reply {
    let times: u8 = cookies::open(site, headers, cookies::AGAIN).unwrap_or_default();
    if times >= MOST_QUIET_RESTARTS {
        let gone = cookies::remove(cookies::AGAIN);
        return Reply::problem(Problem::SignInFailed(SignInFailed::TookTooLong)).cookie(gone);
    }
    let again = return_to.map_or_else(|| links::SIGN_IN.to_owned(), links::sign_in_for);
    Reply::to(&again).cookie(cookies::keep(site, cookies::AGAIN, &(times + 1), Some(cookies::AGAIN_KEPT)))
}

/// The answer to a sign-in: the session's cookie, and on to where the person wanted to go.
pub(super) fn welcome(site: &Site, entered: &Entered, return_to: Option<&str>) -> Result<Reply, Problem> {
    let kept =
        SessionCookie { token: entered.token.to_text(), seen: site.app.now(), position: entered.position };
    let to = return_to.and_then(links::own_path).unwrap_or(links::HOME);
    let session = cookies::begin_session(site, &kept)?;
    Ok(Reply::to(to).begins_session(session))
}

/// The id token's cookie. One that no browser would keep is left out: then signing out ends the session
/// here, and DfE Sign-in asks before it ends its own.
fn keep_id_token(site: &Site, id_token: &Secret) -> Option<http::HeaderValue> {
    cookies::keep(site, cookies::ID_TOKEN, &id_token.expose(), None)
        .filter(|cookie| cookie.len() <= cookies::MOST_BYTES)
}

/// Whom a refusal concerns: who has the account that is certain, or whoever is signed in in the browser if none
/// is. Of anybody else nothing is known, so nothing is recorded.
fn whose(site: &Site, refused: &NotFinished, now_signed_in: Option<&SignedIn>) -> Option<PersonId> {
    match &refused.account {
        Some(subject) => {
            let hash = site.app.ring().hash_subject(site.dfe.issuer(), subject.as_str());
            site.app.lists(|lists| lists.person_by_subject(hash))
        }
        None => now_signed_in.map(|known| known.person),
    }
}

/// What metrics say of a failure before anybody was recognised.
const fn became(why: SignInFailed) -> metrics::SignIn {
    match why {
        SignInFailed::Denied | SignInFailed::NoEmail => metrics::SignIn::Refused,
        SignInFailed::NotBegunHere | SignInFailed::TookTooLong | SignInFailed::NotTrusted => {
            metrics::SignIn::NotTrusted
        }
        SignInFailed::DfeSignInDown => metrics::SignIn::Unavailable,
    }
}

/// What the history says of a failure. That DfE Sign-in is down, or that somebody said no, is no refusal of ours.
const fn refusal(why: SignInFailed) -> Option<Refusal> {
    match why {
        SignInFailed::NotBegunHere => Some(Refusal::CallbackReplayed),
        SignInFailed::TookTooLong => Some(Refusal::TookTooLong),
        SignInFailed::NotTrusted => Some(Refusal::NotTrusted),
        SignInFailed::NoEmail => Some(Refusal::NoEmail),
        SignInFailed::Denied | SignInFailed::DfeSignInDown => None,
    }
}

async fn note_refusal(site: &Site, why: SignInFailed, whose: Option<PersonId>, Network(network): Network) {
    let (Some(person), Some(reason)) = (whose, refusal(why)) else { return };
    let noted = site.app.refuse_sign_in(person, reason, &network.to_string()).await;
    if let Err(failure) = noted {
        match problem::refused(failure) {
            Ok(never) => match never {},
            Err(problem) => tracing::error!(?problem, "a refused sign-in could not be recorded"),
        }
    }
}

/// What the person is told of a refusal. The log has the particulars.
fn failed(refused: &SignInRefused) -> SignInFailed {
    match refused {
        SignInRefused::StartAgainQuietly
        | SignInRefused::CallbackMalformed
        | SignInRefused::CodeMissing
        | SignInRefused::NotBegunHere
        | SignInRefused::StateMissing
        | SignInRefused::StateOther
        // The code has been used, or is not this browser's.
        | SignInRefused::TokenRefused(TokenError::InvalidGrant) => SignInFailed::NotBegunHere,
        SignInRefused::TookTooLong => SignInFailed::TookTooLong,
        SignInRefused::ConsentDenied | SignInRefused::AccessDenied => SignInFailed::Denied,
        SignInRefused::EmailMissing | SignInRefused::EmailUnusable | SignInRefused::EmailUnverified => {
            SignInFailed::NoEmail
        }
        SignInRefused::Unavailable(_) | SignInRefused::ProviderSaid(_) => SignInFailed::DfeSignInDown,
        SignInRefused::IssuerMissing
        | SignInRefused::IssuerOther
        | SignInRefused::TokenRefused(_)
        | SignInRefused::TokenUnreadable
        | SignInRefused::IdTokenMissing
        | SignInRefused::IdToken(_)
        | SignInRefused::UserInfoRefused(_)
        | SignInRefused::UserInfoUnreadable
        | SignInRefused::SubjectsDiffer
        | SignInRefused::OrganisationUnreadable => SignInFailed::NotTrusted,
    }
}

/// Adds to what the token says what DfE Sign-in's API says: the person's other organisations, and where
/// they approve. When the API does not answer, the token alone serves and nobody's standing changes.
async fn arrive(
    site: &Site,
    who: Authenticated,
    Network(network): Network,
    device: String,
    now_signed_in: Option<&SignedIn>,
) -> Result<Arrival, Problem> {
    let memberships = match &site.api {
        None => None,
        Some(api) => match api.memberships_of(&who.subject).await {
            Ok(memberships) => Some(memberships),
            Err(error) => {
                tracing::warn!(error = %Chain(&error), "DfE Sign-in's API did not say where a person belongs");
                None
            }
        },
    };
    let approves =
        |membership: &Membership| membership.role.as_ref().map(|role| *role == OrganisationRole::Approver);
    let approves_at = |claimed: &ClaimedOrganisation| {
        let found = memberships.as_ref()?.iter().find(|found| found.organisation.id == claimed.id);
        found.and_then(approves)
    };
    let claimed_approver = match &who.organisation {
        OrganisationClaim::Known(claimed) => approves_at(claimed),
        OrganisationClaim::None => None,
    };
    let others = memberships.iter().flatten().filter_map(|found| {
        let place = claims::place(&found.organisation, approves(found)).ok()?;
        place.seen.open.then_some(place)
    });
    let others = others.collect();
    Ok(Arrival {
        name: claims::name(who.given_name.as_deref(), who.family_name.as_deref()),
        came_for: claims::came_for(&who.organisation, claimed_approver),
        others,
        issuer: who.issuer,
        subject: who.subject.as_str().to_owned(),
        email: who.email,
        network: network.to_string(),
        device,
        replaces: now_signed_in.map(|known| known.session),
    })
}

/// For whoever follows an old link: signing out is a form.
async fn sign_out_page() -> Reply {
    Reply::to(links::HOME)
}

/// Ends the session here, then at DfE Sign-in.
async fn sign_out(
    State(site): State<Site>,
    headers: HeaderMap,
    signed_in: SignedIn,
    _: Personal<Empty>,
) -> Result<Reply, Problem> {
    leave(&site, &headers, &signed_in).await
}

/// Ends a request's own session here, then at DfE Sign-in.
pub(super) async fn leave(site: &Site, headers: &HeaderMap, signed_in: &SignedIn) -> Result<Reply, Problem> {
    if let Err(failure) = site.app.sign_out(signed_in.person, signed_in.session, SignOut::Here).await {
        // A session that has ended already is what was wanted.
        problem::refused(failure)?;
    }
    let id_token: Option<Secret> =
        cookies::open::<String>(site, headers, cookies::ID_TOKEN).map(Secret::from);
    let away = match id_token {
        Some(id_token) => site.dfe.sign_out_url(&id_token, &after_sign_out(site)).await,
        None => None,
    };
    let reply = away.map_or_else(|| Reply::to(links::SIGNED_OUT), |url| Reply::away(url.as_str()));
    Ok(reply.ends_session())
}

/// Where DfE Sign-in sends people after signing out: registered there, letter for letter.
pub(crate) fn after_sign_out(site: &Site) -> Url {
    let mut url = site.settings.base_url.clone();
    url.set_path(links::SIGNED_OUT);
    url
}
