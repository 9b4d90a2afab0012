//! What is done around every handler: the request's id, security headers, cookies that go along, and the
//! page for a problem.

use std::time::Duration;

use askama::Template;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use tracing::Instrument;
use vouchsafe_events::CorrelationId;

use super::cookies::{self, SessionCookie};
use super::problem::Words;
use super::reply::Along;
use super::{Frame, Network, Problem, Site, links, network};
use crate::app::correlated;
use crate::{metrics, traces};

/// How long a handler may take before the person is told that the service is not available.
const PATIENCE: Duration = Duration::from_secs(30);

/// After how many seconds of use the session cookie says anew when it was last used.
const SEEN_EVERY: i64 = 60;

/// Wraps every handler.
pub(super) async fn wrap(State(site): State<Site>, request: Request, next: Next) -> Response {
    let now = site.app.now();
    // All that is decided in answering it is marked with it in the log of events, too.
    let id = site.app.random().uuid(now).ok().map(CorrelationId::from_uuid);
    let name = id.map(|id| id.to_string()).unwrap_or_default();
    let (parts, body) = request.into_parts();
    let network = Network::of(&site, &parts);
    let by_proxy = network::by_trusted_proxy(&site, &parts);
    let mut request = Request::from_parts(parts, body);
    request.extensions_mut().insert(network);
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let headers = request.headers().clone();
    // The page's pattern and not its path: what stands in paths and queries may be what must not be in a log.
    let page = route.as_ref().map_or("none", MatchedPath::as_str);
    let begun = std::time::Instant::now();
    let in_flight = metrics::request_began();

    let traced = traces::request(&method, page, &name);
    if by_proxy {
        traces::continued(&traced, &headers);
    }
    let span = tracing::info_span!(parent: &traced, "request", request = %name);
    let mut response = match site.limits.request(network) {
        Ok(()) => {
            let answer =
                correlated(id, next.run(request)).instrument(span.clone()).instrument(traced.clone());
            let answered = tokio::time::timeout(PATIENCE, answer).await;
            answered.unwrap_or_else(|_| Problem::Unavailable.into_response())
        }
        Err(problem) => problem.into_response(),
    };

    let problem = response.extensions_mut().remove::<Problem>().or_else(|| unnamed(&response));
    let mut along = response.extensions_mut().remove::<Along>().unwrap_or_default();
    if let Some(problem) = problem {
        along.signed_out |= matches!(problem, Problem::SignIn { ended: true, .. });
        response = page_for(&site, &path, &name, &problem);
    }
    let set = cookies_to_set(&site, &headers, &method, &response, along);
    secure(response.headers_mut(), &site);
    for cookie in set {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    let (status, took) = (response.status(), begun.elapsed());
    metrics::request(page, &method, status, took);
    drop(in_flight);
    traces::answered(&traced, status);
    let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let trace = traces::trace_id(&traced);
    span.in_scope(|| {
        tracing::info!(%method, path = page, status = status.as_u16(), duration_ms = millis, trace, "answered");
    });
    response
}

/// Errors that axum itself answers with have no words yet.
fn unnamed(response: &Response) -> Option<Problem> {
    if response.headers().contains_key(header::CONTENT_TYPE) && response.status() != StatusCode::BAD_REQUEST {
        let html = response
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
        if html || response.status().is_success() {
            return None;
        }
    }
    match response.status() {
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Some(Problem::NotFound),
        StatusCode::PAYLOAD_TOO_LARGE => Some(Problem::TooLarge),
        StatusCode::BAD_REQUEST | StatusCode::UNSUPPORTED_MEDIA_TYPE | StatusCode::UNPROCESSABLE_ENTITY => {
            Some(Problem::BadRequest)
        }
        status if status.is_server_error() => Some(Problem::Internal),
        _ => None,
    }
}

/// The page for a problem.
#[derive(Template)]
#[template(path = "web/templates/problem.html")]
struct ProblemPage<'a> {
    frame: Frame,
    words: Words,
    reference: Option<&'a str>,
    contact: Option<&'a str>,
}

fn page_for(site: &Site, path: &str, name: &str, problem: &Problem) -> Response {
    match problem {
        Problem::SignIn { return_to, ended } => {
            let mut to = return_to.as_deref().map_or_else(|| links::SIGN_IN.to_owned(), links::sign_in_for);
            if *ended {
                to = format!(
                    "{}?ended=yes&{}",
                    links::SIGNED_OUT,
                    to.split_once('?').map_or("", |(_, query)| query)
                );
            }
            return Redirect::to(&to).into_response();
        }
        Problem::Choose => {
            return Redirect::to(links::CHOOSE).into_response();
        }
        _ => {}
    }
    let status = problem.status();
    let reference = status.is_server_error().then_some(name);
    let retry = match problem {
        Problem::TooMany { retry_after } => Some(*retry_after),
        _ => None,
    };
    let contact = site.settings.contact_email.as_deref();
    let page = ProblemPage {
        frame: Frame::bare(site, path),
        words: problem.words(site.settings.one_time_passwords),
        reference,
        contact,
    };
    let html = page.render().unwrap_or_else(|_| "Sorry, there is a problem with the service.".to_owned());
    let mut response = (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response();
    if let Some(retry) = retry {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry));
    }
    response
}

/// The cookies that an answer sets: what the handler asked for, and the session's, brought up to date.
fn cookies_to_set(
    site: &Site,
    headers: &HeaderMap,
    method: &Method,
    response: &Response,
    along: Along,
) -> Vec<HeaderValue> {
    let mut set = along.cookies;
    if along.signed_out {
        set.extend(cookies::remove(cookies::SESSION));
        set.extend(cookies::remove(cookies::ID_TOKEN));
    } else if !along.new_session
        && let Some(mut kept) = cookies::open::<SessionCookie>(site, headers, cookies::SESSION)
    {
        let now = site.app.now();
        let idle = now.seconds_since(kept.seen);
        let used = (SEEN_EVERY..=site.app.limits().idle_seconds).contains(&idle);
        let moved = along.position.is_some_and(|position| position > kept.position);
        if used || moved {
            kept.seen = if used { now } else { kept.seen };
            kept.position = along.position.unwrap_or(kept.position).max(kept.position);
            set.extend(cookies::keep(site, cookies::SESSION, &kept, None));
        }
    }
    if let Some(notice) = along.notice {
        set.extend(cookies::keep(site, cookies::NOTICE, &notice, Some(cookies::NOTICE_KEPT)));
    } else if method == Method::GET
        && response.status() == StatusCode::OK
        && is_html(response)
        && cookies::value(headers, cookies::NOTICE).is_some()
    {
        set.extend(cookies::remove(cookies::NOTICE));
    }
    set
}

fn is_html(response: &Response) -> bool {
    response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

/// Headers that every page has (ASVS 5.0, 3.4 and 14.3.2). No inline script or style, no framing, nothing
/// from elsewhere; forms go to us alone, and to DfE Sign-in when signing out leads there.
fn secure(headers: &mut HeaderMap, site: &Site) {
    const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; frame-ancestors 'none'";
    let to = &site.dfe_origin;
    if let Ok(policy) = HeaderValue::from_str(&format!("{POLICY}; form-action 'self' {to}")) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    let fixed: [(HeaderName, &str); 7] = [
        (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=(), payment=()",
        ),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
