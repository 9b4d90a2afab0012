//! Signing in with a one-time password: an address, then the code that was mailed to it.
//!
//! Nothing here tells whether an address is on a list. The pages and their words are the same, and so is the time
//! that an answer takes: what is to be done is done beside the request, which is answered at a fixed time after it
//! came. The browser that asked holds the challenge in a sealed cookie; without it a code is worth nothing, and a
//! link that a mail scanner opens has nothing to consume.

mod held;
mod pages;

use std::time::Duration;

use axum::extract::{Query, State};
use axum::routing::{get, post};
use axum::{Extension, Router};
use http::HeaderMap;
use serde::Deserialize;
use tokio::time::Instant;
use tracing::Instrument as _;
use vouchsafe_events::{ChallengeId, Email};

use super::cookies;
use super::form::{self, Faults};
use super::limits::CodeLimit;
use super::problem;
use super::{Frame, Network, Problem, Reply, SignedIn, Site, links, sign_in};
use crate::app::{Asker, Entered, NotLetIn, correlated, correlation};
use crate::privacy::{NotACode, TypedCode};
use crate::traces;
use held::{Asked, Held, Unsigned};

/// How long after a request came it is answered, whatever it found: longer than the work takes in ordinary running. A
/// code that was not taken is answered after a whole number of these, should the work have taken longer.
const ANSWERED_AFTER: Duration = Duration::from_millis(300);

pub(super) fn routes() -> Router<Site> {
    Router::new()
        .route(links::CODE, get(form).post(ask))
        .route(links::CODE_CHECK, get(check).post(enter))
        .route(links::CODE_AGAIN, post(again))
}

#[derive(Deserialize)]
struct Begin {
    return_to: Option<String>,
}

/// What is typed when somebody asks for a code.
#[derive(Debug, Deserialize)]
struct Address {
    #[serde(default)]
    email: String,
}

/// What is typed when somebody has a code.
#[derive(Debug, Deserialize)]
struct Code {
    #[serde(default)]
    code: String,
}

#[derive(Debug, Deserialize)]
struct Nothing {}

/// Asks for the address.
async fn form(
    State(site): State<Site>,
    headers: HeaderMap,
    signed_in: Option<SignedIn>,
    Query(query): Query<Begin>,
) -> Result<Reply, Problem> {
    offered(&site)?;
    if signed_in.is_some() {
        return Ok(Reply::to(links::HOME));
    }
    let mut held = Held::of(&site, &headers)?;
    held.return_to =
        query.return_to.as_deref().and_then(links::own_path).map(str::to_owned).or(held.return_to);
    let page = pages::ask(&site, &held, String::new(), Faults::default())?;
    Ok(page.cookie(held.keep(&site)))
}

/// One-time passwords may be switched off.
fn offered(site: &Site) -> Result<(), Problem> {
    if site.settings.one_time_passwords { Ok(()) } else { Err(Problem::NotFound) }
}

/// Takes the address, and has a code mailed to it if it is on a list.
async fn ask(
    State(site): State<Site>,
    _: CodeLimit,
    Extension(network): Extension<Network>,
    Unsigned(mut held, Address { email }): Unsigned<Address>,
) -> Result<Reply, Problem> {
    offered(&site)?;
    let email = match form::email(&email, "Enter your email address") {
        Ok(email) => email,
        Err(text) => {
            let mut faults = Faults::default();
            faults.add("email", text);
            let typed = email.chars().take(254).collect();
            return pages::ask(&site, &held, typed, faults).map(|page| page.cookie(held.keep(&site)));
        }
    };
    let now = site.app.now();
    // Who asks for the same address again a moment later has the same code still to come.
    let same = held.asked.take().filter(|asked| asked.email == email && !asked.may_ask_again(now));
    held.asked = Some(match same {
        Some(asked) => asked,
        None => request(&site, network, email, 0).await?,
    });
    Ok(Reply::to(links::CODE_CHECK).cookie(held.keep(&site)))
}

/// Has another code mailed, once enough time has passed.
async fn again(
    State(site): State<Site>,
    _: CodeLimit,
    Extension(network): Extension<Network>,
    Unsigned(mut held, Nothing {}): Unsigned<Nothing>,
) -> Result<Reply, Problem> {
    offered(&site)?;
    let Some(asked) = held.asked.take() else { return Ok(Reply::to(links::CODE)) };
    let too_soon = !asked.may_ask_again(site.app.now());
    held.asked =
        Some(if too_soon { asked } else { request(&site, network, asked.email, asked.times).await? });
    let reply = Reply::to(links::CODE_CHECK).cookie(held.keep(&site));
    Ok(if too_soon {
        reply.notes("It is too soon to send another code.")
    } else {
        reply.done("We have sent another code, if we may. An earlier code no longer works.")
    })
}

/// Asks for a code beside the request, and answers at a fixed time.
async fn request(site: &Site, network: Network, email: Email, times: u8) -> Result<Asked, Problem> {
    let now = site.app.now();
    let challenge = site.app.random().uuid(now).map(ChallengeId::from_uuid);
    let challenge = challenge.map_err(|error| {
        tracing::error!(%error, "a challenge could not be drawn");
        Problem::Internal
    })?;
    let asker = Asker { email: email.clone(), challenge, network: network.0.to_string() };
    let beside = site.clone();
    let answer = tokio::time::sleep(ANSWERED_AFTER);
    let work = correlated(correlation(), async move {
        let admit = || beside.limits.admits_stranger(network);
        beside.app.ask_for_code(&asker, admit).await.map_err(|failure| match problem::refused(failure) {
            Ok(never) => match never {},
            Err(problem) => problem,
        })
    });
    let work = tokio::spawn(work.instrument(traces::beside()).in_current_span());
    answer.await;
    if work.is_finished() {
        work.await.unwrap_or(Err(Problem::Internal))?;
    }
    Ok(Asked { email, challenge, at: now, times: times.saturating_add(1) })
}

/// When a request that began then and has failed is answered.
fn answer_to(began: Instant) -> Instant {
    let mut at = began + ANSWERED_AFTER;
    while at < Instant::now() {
        at += ANSWERED_AFTER;
    }
    at
}

/// Asks for the code.
async fn check(State(site): State<Site>, headers: HeaderMap, frame: Frame) -> Result<Reply, Problem> {
    offered(&site)?;
    let held = Held::of(&site, &headers)?;
    let Some(asked) = &held.asked else { return Ok(Reply::to(links::CODE)) };
    pages::check(&site, &held, asked, frame.notice, Faults::default())
}

/// Takes the code.
async fn enter(
    State(site): State<Site>,
    _: CodeLimit,
    Extension(network): Extension<Network>,
    headers: HeaderMap,
    now_signed_in: Option<SignedIn>,
    Unsigned(held, Code { code: text }): Unsigned<Code>,
) -> Result<Reply, Problem> {
    offered(&site)?;
    let Some(asked) = &held.asked else { return Ok(Reply::to(links::CODE)) };
    let faulty = |text: String| {
        let mut faults = Faults::default();
        faults.add("code", text);
        pages::check(&site, &held, asked, None, faults)
    };
    let typed = match TypedCode::parse(&text) {
        Ok(typed) => typed,
        Err(why) => return faulty(unreadable(why).to_owned()),
    };
    let who =
        Asker { email: asked.email.clone(), challenge: asked.challenge, network: network.0.to_string() };
    let replaces = now_signed_in.map(|known| known.session);
    let began = Instant::now();
    match site.app.try_code(&who, &typed, cookies::device(&headers), replaces).await {
        Ok(entered) => welcome(&site, &held, &entered),
        Err(failure) => {
            tokio::time::sleep_until(answer_to(began)).await;
            match problem::refused(failure)? {
                NotLetIn::NotTried(refused) => faulty(pages::not_tried(refused)),
                NotLetIn::NotTaken(verdict) => faulty(pages::not_taken(verdict)),
            }
        }
    }
}

/// Why what was typed cannot be a code (GOV.UK Design System, "Confirm a phone number").
const fn unreadable(why: NotACode) -> &'static str {
    match why {
        NotACode::Empty => "Enter the security code",
        NotACode::NotDigits => "Security code must only include numbers",
        NotACode::TooShort => "You’ve not entered enough numbers, the code must be 6 numbers",
        NotACode::TooLong => "You’ve entered too many numbers, the code must be 6 numbers",
    }
}

/// The answer to a code that was right. What was kept for it, or for a sign-in with DfE Sign-in before, is done with.
fn welcome(site: &Site, held: &Held, entered: &Entered) -> Result<Reply, Problem> {
    let reply = sign_in::welcome(site, entered, held.return_to.as_deref())?;
    Ok(reply.cookie(cookies::remove(cookies::CODE)).cookie(cookies::remove(cookies::ID_TOKEN)))
}

#[cfg(test)]
mod tests;
