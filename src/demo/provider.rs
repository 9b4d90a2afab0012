//! Stand-in for DfE Sign-in's OpenID provider (OpenID Connect Core 1.0, Discovery 1.0, RP-Initiated Logout
//! 1.0, PKCE in RFC 7636, the `iss` answer of RFC 9207).
//!
//! In place of a password there is a page with everybody to choose from. Authorization code flow only; S256
//! is required, so that a client that forgets it is found out here.

mod choose;
mod control;
mod flow;
mod grants;
mod key;
mod sign_out;
mod tokens;

use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;
use serde_json::{Value, json};

use super::directory::StandInDirectory;
use super::pages::{self, PageHeaders};
use super::{Clients, StandInError};
use crate::clock::Clock;
use grants::Grants;
use key::SigningKey;

pub use key::KeyError;
pub(super) use tokens::bearer;

/// What every page of it says at its top.
const BANNER: &str = "Stand-in for DfE Sign-in — demonstration only";

/// Stand-in for DfE Sign-in's OpenID provider.
#[derive(Clone)]
pub struct StandInProvider(Arc<Inner>);

struct Inner {
    issuer: String,
    clients: Arc<Clients>,
    directory: Arc<StandInDirectory>,
    clock: Arc<dyn Clock>,
    key: SigningKey,
    grants: Mutex<Grants>,
    inbox_url: std::sync::OnceLock<String>,
}

impl StandInProvider {
    /// A provider that keeps its signing key in the folder: the one that is there, or a new one.
    pub async fn open(
        folder: &Path,
        issuer: String,
        clients: Arc<Clients>,
        directory: Arc<StandInDirectory>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StandInError> {
        let key = SigningKey::open(folder).await?;
        let inner = Inner {
            issuer,
            clients,
            directory,
            clock,
            key,
            grants: Mutex::default(),
            inbox_url: std::sync::OnceLock::new(),
        };
        Ok(Self(Arc::new(inner)))
    }

    /// Its pages and endpoints. The control page links to the inbox.
    pub fn router(self, inbox_url: &str) -> Router {
        let _ = self.0.inbox_url.set(inbox_url.to_owned());
        let clients = &self.0.clients;
        let mut targets: Vec<_> = clients
            .redirect_uris
            .iter()
            .filter_map(|uri| url::Url::parse(uri).ok())
            .map(|uri| uri.origin().ascii_serialization())
            .collect();
        targets.dedup();
        let headers = PageHeaders::new(&targets.join(" "));
        Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/certs", get(certs))
            .route("/auth", get(flow::authorize))
            .route("/interaction/{id}", get(flow::chooser))
            .route("/interaction/{id}/person", post(flow::person))
            .route("/interaction/{id}/organisation", get(flow::organisations).post(flow::organisation))
            .route("/interaction/{id}/leave", post(flow::leave))
            .route("/token", post(tokens::token))
            .route("/me", get(tokens::userinfo).post(tokens::userinfo))
            .route("/session/end", get(sign_out::end))
            .route("/", get(control::show))
            .route("/approver", post(control::approver))
            .route("/approvers-list", post(control::approvers_list))
            .route(pages::STYLE_PATH, get(pages::style))
            .layer(axum::middleware::from_fn(move |request, next| headers.clone().apply(request, next)))
            .with_state(self)
    }

    /// The address of one of its endpoints.
    fn endpoint(&self, path: &str) -> String {
        format!("{}{path}", self.0.issuer.trim_end_matches('/'))
    }

    fn grants<T>(&self, act: impl FnOnce(&mut Grants) -> T) -> T {
        act(&mut self.0.grants.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

impl std::fmt::Debug for StandInProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StandInProvider").field("issuer", &self.0.issuer).finish_non_exhaustive()
    }
}

/// A page that tells the person at the browser what is wrong; nobody is sent anywhere.
fn fault(status: StatusCode, what: &str) -> Response {
    #[derive(askama::Template)]
    #[template(
        ext = "html",
        source = "<p>{{ what }}</p><p><a href=\"/\">Controls of the demonstration</a></p>"
    )]
    struct Fault<'a> {
        what: &'a str,
    }
    pages::page(status, BANNER, "This did not work", Fault { what })
}

async fn discovery(State(provider): State<StandInProvider>) -> Json<Value> {
    Json(json!({
        "issuer": provider.0.issuer,
        "authorization_endpoint": provider.endpoint("/auth"),
        "token_endpoint": provider.endpoint("/token"),
        "userinfo_endpoint": provider.endpoint("/me"),
        "jwks_uri": provider.endpoint("/certs"),
        "end_session_endpoint": provider.endpoint("/session/end"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["openid", "profile", "email", "organisation"],
        "claims_supported": ["sub", "given_name", "family_name", "email", "organisation"],
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "authorization_response_iss_parameter_supported": true,
    }))
}

async fn certs(State(provider): State<StandInProvider>) -> Json<Value> {
    Json(json!({ "keys": [provider.0.key.jwk()] }))
}
