//! Pages around signing in: signed out, and recognised but not let in.

use askama::Template;
use axum::extract::Query;
use http::StatusCode;
use serde::Deserialize;
use vouchsafe_events::Refusal;

use crate::web::{Frame, Problem, Reply, Site, links};

/// "You have signed out", or "your session has ended".
#[derive(Template)]
#[template(path = "web/sign_in/signed_out.html")]
struct SignedOut {
    frame: Frame,
    ended: bool,
    sign_in: String,
}

#[derive(Deserialize)]
pub(super) struct Why {
    ended: Option<String>,
    return_to: Option<String>,
}

/// The page after signing out, or when a session has ended by itself.
pub(super) async fn signed_out(frame: Frame, Query(query): Query<Why>) -> Result<Reply, Problem> {
    let return_to = query.return_to.as_deref().and_then(links::own_path);
    let sign_in = return_to.map_or_else(|| links::SIGN_IN.to_owned(), links::sign_in_for);
    Reply::page(&SignedOut { frame, ended: query.ended.is_some(), sign_in })
}

/// A person who was recognised is told why they cannot come in, and what to do.
#[derive(Template)]
#[template(path = "web/sign_in/refused.html")]
struct Refused {
    frame: Frame,
    reason: Refusal,
    help: String,
}

/// The page for somebody who was recognised and not let in.
pub(super) fn refused(site: &Site, reason: Refusal) -> Result<Reply, Problem> {
    let help = site.settings.dfe_sign_in_help_url.to_string();
    let frame = Frame::bare(site, links::CALLBACK);
    Reply::page_with(StatusCode::FORBIDDEN, &Refused { frame, reason, help })
}
