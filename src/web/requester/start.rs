//! The start page.

use askama::Template;
use axum::extract::State;

use crate::web::{Frame, Problem, Reply, SignedIn, Site, links};

/// What the service is for, and the way in.
#[derive(Template)]
#[template(path = "web/requester/start.html")]
struct Page {
    frame: Frame,
    /// Whether emailed codes are offered.
    codes: bool,
}

/// The start page; whoever has signed in is past it.
pub(super) async fn start(
    State(site): State<Site>,
    signed_in: Option<SignedIn>,
    frame: Frame,
) -> Result<Reply, Problem> {
    if signed_in.is_some() {
        return Ok(Reply::to(links::HOME));
    }
    Reply::page(&Page { frame, codes: site.settings.one_time_passwords })
}

#[cfg(test)]
pub(super) fn samples() -> Vec<String> {
    use crate::web::assets::Look;
    use crate::web::samples::frame;

    let plain = Frame { who: None, ..frame() };
    let govuk = Frame { look: Look::Govuk, ..plain.clone() };
    [plain, govuk].into_iter().map(|frame| Page { frame, codes: true }.render().unwrap()).collect()
}
