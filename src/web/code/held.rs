//! What a browser holds between asking for a code and entering it, and the proof that a form comes from a page of
//! ours before anybody has signed in.

use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::{FromRef, FromRequest, Request};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use vouchsafe_events::{ChallengeId, Email, Timestamp};

use crate::domain::person::wait_to_resend;
use crate::web::{Problem, Site, cookies, form};

/// For how many seconds a browser keeps it: as long as an expired code is told from a wrong one.
const KEPT: i64 = 3 * 3_600;

/// The whole of it. It is made from what was typed alone, so it is the same whether the address is known or not.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Held {
    /// What the forms' token is made from: 128 random bits that no page shows.
    secret: String,
    /// What was asked for, once something was.
    pub(super) asked: Option<Asked>,
    /// The page to go on to.
    pub(super) return_to: Option<String>,
}

/// That a code was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Asked {
    /// For which address.
    pub(super) email: Email,
    /// What the code must answer.
    pub(super) challenge: ChallengeId,
    /// When.
    pub(super) at: Timestamp,
    /// How often, with this time.
    pub(super) times: u8,
}

impl Asked {
    /// From when on another code can be asked for.
    pub(super) fn again_from(&self) -> Timestamp {
        self.at.plus_seconds(wait_to_resend(usize::from(self.times)))
    }

    /// Whether another code can be asked for.
    pub(super) fn may_ask_again(&self, now: Timestamp) -> bool {
        now >= self.again_from() || now < self.at
    }
}

impl Held {
    /// What a request's browser holds; something fresh if it holds nothing that is ours.
    pub(super) fn of(site: &Site, headers: &HeaderMap) -> Result<Self, Problem> {
        if let Some(held) = cookies::open(site, headers, cookies::CODE) {
            return Ok(held);
        }
        let secret = site.app.random().bytes::<16>().map_err(|error| {
            tracing::error!(%error, "a form's secret could not be drawn");
            Problem::Internal
        })?;
        Ok(Self { secret: URL_SAFE_NO_PAD.encode(secret), asked: None, return_to: None })
    }

    /// The cookie that keeps it.
    pub(super) fn keep(&self, site: &Site) -> Option<HeaderValue> {
        cookies::keep(site, cookies::CODE, self, Some(KEPT))
    }

    /// What the forms carry. Another site can neither read the cookie nor work it out, and cannot set one of a
    /// `__Host-` name (ASVS 5.0, 3.5.1).
    pub(super) fn token(&self) -> String {
        let text = format!("vouchsafe code form\n{}", self.secret);
        URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes()))
    }
}

/// A form that came from a page of ours in the same browser, from somebody who need not have signed in.
pub(super) struct Unsigned<F>(pub(super) Held, pub(super) F);

impl<S, F> FromRequest<S> for Unsigned<F>
where
    S: Send + Sync,
    Site: FromRef<S>,
    F: DeserializeOwned + 'static,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let site = Site::from_ref(state);
        let held = cookies::open::<Held>(&site, request.headers(), cookies::CODE);
        let held = held.ok_or(Problem::FormExpired)?;
        let content = form::with_token(request, state, |given| form::agree(given, &held.token())).await?;
        Ok(Self(held, content))
    }
}
