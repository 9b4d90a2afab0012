//! Cookies. All are sealed, `__Host-`, `Secure`, `HttpOnly` and `SameSite=Lax` (ASVS 5.0, 3.3).

use cookie::time::Duration;
use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderValue, header};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use vouchsafe_events::{Position, Timestamp};

use super::{Problem, Site};

/// The session's cookie.
pub(super) const SESSION: &str = "__Host-session";
/// The id token, which DfE Sign-in wants back at sign-out.
pub(super) const ID_TOKEN: &str = "__Host-id-token";
/// What the next page has to say.
pub(super) const NOTICE: &str = "__Host-notice";
/// That a one-time password was asked for.
pub(super) const CODE: &str = "__Host-code";
/// How often a sign-in was started again without telling.
pub(super) const AGAIN: &str = "__Host-again";
/// What stands between redirect and callback begins so; the rest names the attempt.
pub(super) const ATTEMPT: &str = "__Host-attempt-";

/// The largest cookie that browsers keep, name and attributes included, is 4096 bytes.
pub(super) const MOST_BYTES: usize = 3800;

/// For how many seconds a browser keeps what the next page has to say.
pub(super) const NOTICE_KEPT: i64 = 60;

/// For how many seconds quiet restarts of a sign-in are counted.
pub(super) const AGAIN_KEPT: i64 = 120;

/// For how many seconds a browser keeps what stands between redirect and callback. The sign-in itself is
/// refused earlier; so long a late one is told that it took too long rather than that it is unknown.
pub(super) const ATTEMPT_KEPT: i64 = 3600;

/// What a browser keeps of its session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SessionCookie {
    /// The session's token.
    pub(super) token: String,
    /// When something last happened in the session.
    pub(super) seen: Timestamp,
    /// How far the lists must be, so that people read what they wrote, on any instance.
    pub(super) position: Position,
}

/// The value of a request's cookie.
pub(super) fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    all(headers).find_map(|(found, value)| (found == name).then_some(value))
}

/// All cookies of a request.
pub(super) fn all(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='))
}

/// Opens a sealed cookie of a request.
pub(super) fn open<T: DeserializeOwned>(site: &Site, headers: &HeaderMap, name: &str) -> Option<T> {
    site.cookies.open(name, value(headers, name)?)
}

/// A `Set-Cookie` that keeps a sealed value for as long as the browser runs, or `seconds`.
pub(super) fn keep<T: Serialize>(
    site: &Site,
    name: &str,
    value: &T,
    seconds: Option<i64>,
) -> Option<HeaderValue> {
    let sealed = match site.cookies.seal(name, value) {
        Ok(sealed) => sealed,
        Err(error) => {
            tracing::error!(%error, "a cookie could not be sealed");
            return None;
        }
    };
    let mut cookie = base(name, sealed);
    if let Some(seconds) = seconds {
        cookie.set_max_age(Duration::seconds(seconds));
    }
    HeaderValue::from_str(&cookie.to_string()).ok()
}

/// The cookie of a session that begins. One that no browser would keep is a problem: the next page would send
/// the person to sign in again, and so on without an end.
pub(super) fn begin_session(site: &Site, session: &SessionCookie) -> Result<HeaderValue, Problem> {
    let kept = keep(site, SESSION, session, None).filter(|cookie| cookie.len() <= MOST_BYTES);
    kept.ok_or_else(|| {
        tracing::error!("a session's cookie could not be made, or is too large for browsers");
        Problem::Internal
    })
}

/// A `Set-Cookie` that takes a cookie away.
pub(super) fn remove(name: &str) -> Option<HeaderValue> {
    let mut cookie = base(name, String::new());
    cookie.set_max_age(Duration::ZERO);
    HeaderValue::from_str(&cookie.to_string()).ok()
}

fn base(name: &str, value: String) -> Cookie<'static> {
    Cookie::build((name.to_owned(), value))
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Lax)
        .build()
}

/// The browser, as it describes itself, cut to a length that fits an event.
pub(super) fn device(headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or("unknown");
    agent.chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_found_by_their_whole_name() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("a=1; __Host-session=x=y; b"));
        assert_eq!(value(&headers, SESSION), Some("x=y"));
        assert_eq!(value(&headers, "session"), None);
    }
}
