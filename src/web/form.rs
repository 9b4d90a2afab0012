//! Forms: the cross-site check, and what is said beside a field.
//!
//! A form posted to us carries a token that belongs to its session (ASVS 5.0, 3.5.1), beside the session
//! cookie's `SameSite=Lax` and the browser's own word in `Sec-Fetch-Site`. [`Checked`] is the only way to
//! a form's content, so a handler cannot forget the check.

use std::borrow::Cow;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::rejection::{FormRejection, RawFormRejection};
use axum::extract::{Form, FromRef, FromRequest, FromRequestParts, RawForm, Request};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use vouchsafe_events::{Email, OrganisationId};

use super::{Problem, SignedIn, Site};
use crate::app::SessionToken;

/// The token of a session's forms: what says that a form comes from a page of this session, a full stop, and
/// what says which organisation the page was for. Both are made from the session's secret token, which no page
/// shows, so that only pages of that session have them.
pub(super) fn token(session: &SessionToken, organisation: Option<OrganisationId>) -> String {
    let part = |what: &str| {
        let text = format!("vouchsafe form token\n{what}\n{}", session.to_text());
        URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes()))
    };
    let organisation = organisation.map_or_else(|| "none".to_owned(), |id| id.to_string());
    format!("{}.{}", part("session"), part(&organisation))
}

/// A form that came from a page of the same session, and of the organisation that the person acts for now. Who
/// has changed to another in a second tab does nothing there by a form that was made for the first.
#[derive(Clone, Debug)]
pub(crate) struct Checked<F>(pub F);

/// A form that came from a page of the same session and concerns no organisation.
#[derive(Clone, Debug)]
pub(crate) struct Personal<F>(pub F);

/// A form with nothing in it but its token.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Empty {}

#[derive(Deserialize)]
struct TokenOnly {
    #[serde(default)]
    form_token: String,
}

/// Whether the browser says that a request comes from another site.
fn comes_from_elsewhere(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none")
}

impl<S, F> FromRequest<S> for Checked<F>
where
    S: Send + Sync,
    Site: FromRef<S>,
    F: DeserializeOwned + 'static,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        check(request, state, |token| token).await.map(Self)
    }
}

impl<S, F> FromRequest<S> for Personal<F>
where
    S: Send + Sync,
    Site: FromRef<S>,
    F: DeserializeOwned + 'static,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        check(request, state, session_part).await.map(Self)
    }
}

/// Reads a form whose token agrees with the session's in the part that counts.
async fn check<S, F>(request: Request, state: &S, counts: fn(&str) -> &str) -> Result<F, Problem>
where
    S: Send + Sync,
    Site: FromRef<S>,
    F: DeserializeOwned + 'static,
{
    let (mut parts, body) = request.into_parts();
    let signed_in = <SignedIn as FromRequestParts<S>>::from_request_parts(&mut parts, state).await?;
    let expected = signed_in.form_token();
    with_token(Request::from_parts(parts, body), state, |given| agree(counts(given), counts(&expected))).await
}

/// Reads a form that comes from a page of ours: the browser does not say otherwise, and the form's token is right.
pub(super) async fn with_token<S, F>(
    request: Request,
    state: &S,
    is_right: impl FnOnce(&str) -> bool,
) -> Result<F, Problem>
where
    S: Send + Sync,
    F: DeserializeOwned + 'static,
{
    let headers = request.headers().clone();
    if comes_from_elsewhere(&headers) {
        return Err(Problem::FormExpired);
    }
    let bytes = body(request, state).await?;
    let given = parse::<TokenOnly>(&headers, bytes.clone()).await?.form_token;
    if !is_right(&given) {
        return Err(Problem::FormExpired);
    }
    parse(&headers, bytes).await
}

/// Whether a form that concerns no organisation comes from a page of the session: for forms that are read in
/// another way than [`Personal`] does.
pub(super) fn is_personal(headers: &HeaderMap, signed_in: &SignedIn, given: &str) -> bool {
    !comes_from_elsewhere(headers) && agree(session_part(given), session_part(&signed_in.form_token()))
}

/// The part of a token that says which session it belongs to.
fn session_part(token: &str) -> &str {
    token.split('.').next().unwrap_or_default()
}

/// Compares tokens, in a time that does not tell how far they agree.
pub(super) fn agree(given: &str, expected: &str) -> bool {
    verify_slices_are_equal(given.as_bytes(), expected.as_bytes()).is_ok()
}

/// An email address as it was typed, or what is wrong with it. `empty`: what is said if nothing was typed.
pub(super) fn email(typed: &str, empty: &'static str) -> Result<Email, &'static str> {
    match typed.trim() {
        "" => Err(empty),
        typed => {
            typed.parse().map_err(|_| "Enter an email address in the correct format, like name@example.com")
        }
    }
}

/// A form's bytes.
async fn body<S: Send + Sync>(request: Request, state: &S) -> Result<bytes::Bytes, Problem> {
    let raw = RawForm::from_request(request, state).await;
    let RawForm(bytes) = raw.map_err(|rejection| match rejection {
        RawFormRejection::BytesRejection(rejection)
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE =>
        {
            Problem::TooLarge
        }
        _ => Problem::BadRequest,
    })?;
    Ok(bytes)
}

/// Reads a form's fields.
async fn parse<F: DeserializeOwned>(headers: &HeaderMap, bytes: bytes::Bytes) -> Result<F, Problem> {
    let mut request = Request::post("/").body(bytes.into()).map_err(|_| Problem::BadRequest)?;
    *request.headers_mut() = headers.clone();
    match Form::<F>::from_request(request, &()).await {
        Ok(Form(form)) => Ok(form),
        Err(FormRejection::BytesRejection(_)) => Err(Problem::TooLarge),
        Err(_) => Err(Problem::BadRequest),
    }
}

/// What is wrong with a form: for each field a sentence, in the order of the fields on the page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults(Vec<(Cow<'static, str>, String)>);

impl Faults {
    /// Says what is wrong with a field.
    pub(crate) fn add(&mut self, field: impl Into<Cow<'static, str>>, text: impl Into<String>) {
        self.0.push((field.into(), text.into()));
    }

    /// Whether nothing is wrong.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The status of the page that says it, or of the page as it was asked for if nothing is wrong.
    pub(crate) fn status(&self) -> StatusCode {
        if self.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY }
    }

    /// What is wrong with one field.
    pub(crate) fn of(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| *found == field).map(|(_, text)| text.as_str())
    }

    /// Every field with what is wrong with it, for the error summary.
    pub(crate) fn all(&self) -> &[(Cow<'static, str>, String)] {
        &self.0
    }
}
