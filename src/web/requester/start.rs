//! The start page.

use askama::Template;

use crate::web::{Frame, Problem, Reply, SignedIn, links};

/// What the service is for, and the way in.
#[derive(Template)]
#[template(path = "web/requester/start.html")]
struct Page {
    frame: Frame,
}

/// The start page; whoever has signed in is past it.
pub(super) async fn start(signed_in: Option<SignedIn>, frame: Frame) -> Result<Reply, Problem> {
    if signed_in.is_some() {
        return Ok(Reply::to(links::HOME));
    }
    Reply::page(&Page { frame })
}

#[cfg(test)]
pub(super) fn samples() -> Vec<String> {
    use crate::web::assets::Look;
    use crate::web::samples::frame;

    let plain = Frame { who: None, ..frame() };
    let govuk = Frame { look: Look::Govuk, ..plain.clone() };
    [plain, govuk].into_iter().map(|frame| Page { frame }.render().unwrap()).collect()
}
