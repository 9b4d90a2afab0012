//! What handlers answer with.

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use vouchsafe_events::Position;

use super::Problem;

/// What the next page has to say about what was just done. It travels in a sealed cookie, so that nobody
/// else can put words on our pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The sentence.
    pub text: String,
    /// Whether it tells of something done, rather than of something to know.
    pub success: bool,
}

/// An answer: a page or a redirect, with what goes along.
pub struct Reply {
    response: Response,
}

/// Goes along with an answer to the wrapper around all handlers.
#[derive(Clone, Debug, Default)]
pub(super) struct Along {
    pub(super) position: Option<Position>,
    pub(super) notice: Option<Notice>,
    pub(super) cookies: Vec<HeaderValue>,
    /// The session ended: its cookies go.
    pub(super) signed_out: bool,
    /// A new session: its cookie is not the request's.
    pub(super) new_session: bool,
}

impl Reply {
    /// A page.
    pub fn page(template: &impl Template) -> Result<Self, Problem> {
        Self::page_with(StatusCode::OK, template)
    }

    /// A page with a status: 422 for a form that has to be mended.
    pub fn page_with(status: StatusCode, template: &impl Template) -> Result<Self, Problem> {
        let html = template.render().map_err(Problem::template)?;
        let headers = [(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"))];
        Ok(Self { response: (status, headers, html).into_response() })
    }

    /// Goes on to a page of ours (303, so that a reload does not post again).
    pub fn to(path: &str) -> Self {
        Self::away(path)
    }

    /// Goes on to another site's page.
    pub(super) fn away(url: &str) -> Self {
        let mut response = StatusCode::SEE_OTHER.into_response();
        let location = HeaderValue::from_str(url).unwrap_or(HeaderValue::from_static("/"));
        response.headers_mut().insert(header::LOCATION, location);
        Self { response }
    }

    /// Something else than a page.
    pub fn other(response: impl IntoResponse) -> Self {
        Self { response: response.into_response() }
    }

    /// The page for a problem, where something has to go along with it.
    pub(super) fn problem(problem: Problem) -> Self {
        Self { response: problem.into_response() }
    }

    fn along(mut self, change: impl FnOnce(&mut Along)) -> Self {
        change(self.response.extensions_mut().get_or_insert_default::<Along>());
        self
    }

    /// The next page must show what was written up to this position.
    #[must_use]
    pub fn wrote(self, position: Position) -> Self {
        self.along(|along| along.position = Some(position))
    }

    /// The next page tells of something done.
    #[must_use]
    pub fn done(self, text: impl Into<String>) -> Self {
        let notice = Notice { text: text.into(), success: true };
        self.along(|along| along.notice = Some(notice))
    }

    /// The next page tells of something to know.
    #[must_use]
    pub fn notes(self, text: impl Into<String>) -> Self {
        let notice = Notice { text: text.into(), success: false };
        self.along(|along| along.notice = Some(notice))
    }

    /// Sets a cookie.
    #[must_use]
    pub(super) fn cookie(self, cookie: Option<HeaderValue>) -> Self {
        self.along(|along| along.cookies.extend(cookie))
    }

    /// Sets the cookie of a new session.
    #[must_use]
    pub(super) fn begins_session(self, cookie: HeaderValue) -> Self {
        self.cookie(Some(cookie)).along(|along| along.new_session = true)
    }

    /// Takes the session's cookies away.
    #[must_use]
    pub(super) fn ends_session(self) -> Self {
        self.along(|along| along.signed_out = true)
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        self.response
    }
}
