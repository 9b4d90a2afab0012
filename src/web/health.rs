//! Whether the process is alive, and whether it can do its work.

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use http::{StatusCode, header};

use super::{Site, links};

pub(super) fn routes() -> Router<Site> {
    Router::new().route(links::LIVE, get(live)).route(links::READY, get(ready))
}

/// The process answers.
async fn live() -> impl IntoResponse {
    ([(header::CACHE_CONTROL, "no-store")], "alive\n")
}

/// The log answers and the lists are in step with it. Says no more than that: it is open to all.
async fn ready(State(site): State<Site>) -> impl IntoResponse {
    let log = site.app.store().head().await;
    let (status, text) = match log {
        Err(error) => {
            tracing::warn!(%error, "not ready: the log does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "the event log does not answer\n")
        }
        Ok(_) if !site.app.following().is_in_step() => {
            (StatusCode::SERVICE_UNAVAILABLE, "the lists are not in step with the event log\n")
        }
        Ok(_) => (StatusCode::OK, "ready\n"),
    };
    (status, [(header::CACHE_CONTROL, "no-store")], text)
}
