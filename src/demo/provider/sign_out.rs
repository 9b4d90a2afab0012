//! Signing out (OpenID Connect RP-Initiated Logout 1.0).

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;

use super::flow::back;
use super::{BANNER, StandInProvider, fault};
use crate::demo::pages;

/// The parameters that are looked at.
#[derive(Deserialize)]
pub(super) struct End {
    id_token_hint: Option<String>,
    post_logout_redirect_uri: Option<String>,
    state: Option<String>,
}

/// `GET /session/end`. There is no session to end here: it only decides where the browser goes.
pub(super) async fn end(
    State(provider): State<StandInProvider>,
    query: Result<Query<End>, QueryRejection>,
) -> Response {
    let Ok(Query(end)) = query else {
        return fault(StatusCode::BAD_REQUEST, "The service sent a parameter twice.");
    };
    let clients = &provider.0.clients;
    let Some(uri) = end.post_logout_redirect_uri else {
        return pages::page(StatusCode::OK, BANNER, "You have signed out", "<p>You can close this page.</p>");
    };
    // An id token that has expired is still a good hint (section 2).
    let claims = end.id_token_hint.as_deref().and_then(|hint| provider.0.key.read(hint));
    let ours = claims.is_some_and(|claims| {
        claims.get("aud").and_then(|aud| aud.as_str()) == Some(clients.client_id.as_str())
            && claims.get("iss").and_then(|iss| iss.as_str()) == Some(provider.0.issuer.as_str())
    });
    if !ours {
        return fault(
            StatusCode::BAD_REQUEST,
            "id_token_hint is missing or is not a token of this provider.",
        );
    }
    if !clients.post_logout_redirect_uris.contains(&uri) {
        return fault(StatusCode::BAD_REQUEST, "The address to go to after signing out is not registered.");
    }
    let state = end.state.as_deref().map(|state| ("state", state));
    back(&uri, state.as_slice())
}
