//! The pages, by who uses them.
//!
//! A handler reads like its use case: extractors carry the proof of who somebody is and what they may do, a
//! form that reaches a handler has passed the cross-site check, and whatever goes wrong leaves as a
//! [`Problem`], which one place turns into words.

mod account;
mod approver;
pub mod assets;
mod audit;
mod code;
mod cookies;
pub(crate) mod dates;
mod form;
mod frame;
mod guards;
mod health;
mod history;
pub(crate) mod kinds;
mod limits;
pub(crate) mod links;
mod network;
mod pagination;
mod path;
mod problem;
mod public;
mod reply;
mod requester;
#[cfg(test)]
mod samples;
mod sheet;
mod sign_in;
mod support;
pub(crate) mod when;
mod words;
mod wrap;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use serde::Deserialize;
use tower_http::catch_panic::CatchPanicLayer;
use url::Url;

use crate::app::App;
use crate::audit::Timeline;
use crate::identity::dfe::DfeSignIn;
use crate::identity::dfe_api::DfeApi;
use crate::privacy::CookieSealer;
use crate::reactors::postman::MailHealth;
use assets::Look;

pub use frame::{Frame, Who};
pub use guards::{ApproverOf, Auditor, Colleague, SignedIn, Support};
pub use history::History;
pub use limits::Limits;
pub use network::{Network, Proxies};
pub use problem::Problem;
pub use reply::{Notice, Reply};

/// How the pages present themselves.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebSettings {
    /// The address that people reach the service at: scheme, host and, if it is not the usual one, port.
    pub base_url: Url,
    /// The service's name, on each page and in each mail.
    pub service_name: String,
    /// Where somebody who has access goes on to. Empty: they are only told that they have access.
    pub service_url: Option<Url>,
    /// Where the department tells people how to get an account or become an approver.
    pub dfe_sign_in_help_url: Url,
    /// How pages look: `plain` on any domain, `govuk` on gov.uk domains alone.
    pub look: Look,
    /// Whether people who are on a list that support keeps can sign in with an emailed one-time password.
    pub one_time_passwords: bool,
    /// Whether a support agent needs a second one to be put on a user list themselves.
    pub two_person_rule: bool,
    /// The email that the accessibility page tells people to write to.
    pub contact_email: Option<String>,
    /// Addresses, or ranges of them, of the proxies in front, whose `X-Forwarded-For` is believed. From others it
    /// is passed over.
    pub trusted_proxies: Proxies,
}

impl Default for WebSettings {
    fn default() -> Self {
        #[expect(clippy::expect_used, reason = "the texts are constants")]
        let url = |text: &str| Url::parse(text).expect("a constant is a URL");
        Self {
            base_url: url("http://localhost:8080"),
            service_name: "Vouchsafe".to_owned(),
            service_url: None,
            dfe_sign_in_help_url: url("https://help.signin.education.gov.uk/"),
            look: Look::default(),
            one_time_passwords: true,
            two_person_rule: true,
            contact_email: None,
            trusted_proxies: Proxies::default(),
        }
    }
}

/// What all handlers share. Cheap to clone.
#[derive(Clone)]
pub struct Site(Arc<Parts>);

/// See [`Site`].
pub struct Parts {
    /// The use cases.
    pub app: Arc<App>,
    /// The index of the history.
    pub timeline: Arc<Timeline>,
    /// What is served of the proof of the history; nothing if none.
    pub history: Option<History>,
    /// DfE Sign-in.
    pub dfe: Arc<DfeSignIn>,
    /// DfE Sign-in's public API, if its use is configured.
    pub api: Option<Arc<DfeApi>>,
    /// DfE Sign-in's origin, which signing out leads to.
    pub dfe_origin: String,
    /// Seals cookies.
    pub cookies: CookieSealer,
    /// Whether mail goes out.
    pub mail: Arc<MailHealth>,
    /// How often one network may do what costs most.
    pub limits: Limits,
    /// How the pages present themselves.
    pub settings: WebSettings,
}

impl Site {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl std::ops::Deref for Site {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// The largest form that is taken, in bytes.
const MOST_BODY_BYTES: usize = 64 * 1024;

/// All the pages.
pub fn router(site: &Site) -> Router {
    Router::new()
        .merge(approver::routes())
        .merge(audit::routes())
        .merge(sign_in::routes())
        .merge(code::routes())
        .merge(requester::routes())
        .merge(account::routes())
        .merge(public::routes())
        .merge(history::routes(site.history.as_ref()))
        .merge(support::routes())
        .fallback(problem::not_found)
        .layer(DefaultBodyLimit::max(MOST_BODY_BYTES))
        // Should a handler panic all the same, the person gets a page and everybody else notices nothing.
        .layer(CatchPanicLayer::custom(|_| Problem::Internal.into_response()))
        .layer(from_fn_with_state(site.clone(), wrap::wrap))
        .merge(health::routes())
        .with_state(site.clone())
        .merge(assets::routes(site.settings.look))
}
