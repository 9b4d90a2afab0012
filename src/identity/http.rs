//! The one way out over HTTP to an identity provider.
//!
//! A provider that is broken, slow or taken over must not be able to hold us up, fill our memory or send us
//! elsewhere. So no redirect is followed, time and bytes are bounded, and only https is spoken.

use std::pin::Pin;
use std::time::Duration;

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use serde::Deserialize;
use url::{Host, Origin, Url};

use crate::metrics::{self, Call};

/// The most bytes of a body that are read: 1 MiB. DfE's largest answers are some hundred KiB.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// How long we wait for others, and whom we speak to.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpSettings {
    /// How long to wait for a connection, in milliseconds.
    pub connect_timeout_ms: u64,
    /// How long a whole call may take, from connecting to the last byte of the body, in milliseconds.
    pub timeout_ms: u64,
    /// Whether `http://` is spoken to this machine itself (localhost, 127.0.0.0/8, ::1): for the demo and for
    /// tests. Never turn it on in production.
    pub allow_insecure_loopback: bool,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self { connect_timeout_ms: 2_000, timeout_ms: 4_000, allow_insecure_loopback: false }
    }
}

/// Why a call gave no answer that we would use. No variant shows an address, a header or a body.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The TLS library or its trust roots could not be loaded.
    #[error("the HTTP client cannot start: check that the system's certificate store is installed")]
    Setup(#[source] reqwest::Error),
    /// The request itself is not valid HTTP.
    #[error("the request cannot be sent: its address or a header is not valid")]
    Invalid,
    /// The address is not https.
    #[error("the address is not https")]
    Insecure,
    /// The address is on another host or port than the provider's own.
    #[error("the address is not at the provider's own host and port")]
    Foreign,
    /// The answer sends us elsewhere; we follow nobody.
    #[error("the answer is a redirect ({0}), which is never followed")]
    Redirected(u16),
    /// The server is broken, overloaded or being mended (status 5xx or 429).
    #[error("the answer has status {0}")]
    Failed(u16),
    /// The body has more than [`MAX_BODY_BYTES`].
    #[error("the answer is larger than {MAX_BODY_BYTES} bytes")]
    TooLarge,
    /// No connection, or no end of the answer, in the time allowed.
    #[error("no complete answer in the time allowed")]
    TimedOut,
    /// No connection, or one that broke.
    #[error("the connection failed")]
    Unreachable(#[source] reqwest::Error),
}

impl HttpError {
    /// Whether the same call may succeed later without anybody changing it.
    pub const fn retry_helps(&self) -> bool {
        match self {
            Self::Failed(_) | Self::TimedOut | Self::Unreachable(_) => true,
            Self::Setup(_)
            | Self::Invalid
            | Self::Insecure
            | Self::Foreign
            | Self::Redirected(_)
            | Self::TooLarge => false,
        }
    }
}

impl From<reqwest::Error> for HttpError {
    fn from(error: reqwest::Error) -> Self {
        // The address may carry a person's id, so it does not stay in the error.
        let error = error.without_url();
        if error.is_timeout() {
            Self::TimedOut
        } else if error.is_builder() {
            Self::Invalid
        } else {
            Self::Unreachable(error)
        }
    }
}

/// Whether a URL leads to this very machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether a URL may be spoken to: https, or http to this machine where that is allowed.
pub fn is_secure(url: &Url, allow_insecure_loopback: bool) -> bool {
    match url.scheme() {
        "https" => url.host().is_some(),
        "http" => allow_insecure_loopback && is_loopback(url),
        _ => false,
    }
}

/// The hardened client. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct Http {
    client: reqwest::Client,
    allow_insecure_loopback: bool,
}

impl Http {
    /// A client with these limits.
    pub fn new(settings: &HttpSettings) -> Result<Self, HttpError> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            // A code is good for one use; what may have arrived is not sent again behind our back.
            .retry(reqwest::retry::never())
            // Proxies come from the environment, which only the configuration reads.
            .no_proxy()
            .referer(false)
            .https_only(!settings.allow_insecure_loopback)
            .connect_timeout(Duration::from_millis(settings.connect_timeout_ms))
            .timeout(Duration::from_millis(settings.timeout_ms))
            .user_agent(concat!("vouchsafe/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(HttpError::Setup)?;
        Ok(Self { client, allow_insecure_loopback: settings.allow_insecure_loopback })
    }

    /// Sends a request and reads the whole answer, whatever its status below 500 (but a redirect is an error).
    pub async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let request = reqwest::Request::try_from(request)?;
        if !is_secure(request.url(), self.allow_insecure_loopback) {
            return Err(HttpError::Insecure);
        }
        let host = request.url().host_str().unwrap_or_default().to_owned();
        let begun = std::time::Instant::now();
        let answered = self.exchange(request).await;
        let how = match &answered {
            Ok(_) => Call::Answered,
            Err(HttpError::TimedOut) => Call::TimedOut,
            Err(HttpError::Unreachable(_)) => Call::Unreachable,
            Err(_) => Call::Failed,
        };
        metrics::dfe_call(&host, how, begun.elapsed());
        answered
    }

    async fn exchange(&self, request: reqwest::Request) -> Result<HttpResponse, HttpError> {
        let mut response = self.client.execute(request).await?;
        let status = response.status();
        if status.is_redirection() {
            return Err(HttpError::Redirected(status.as_u16()));
        }
        if status.is_server_error() || status == http::StatusCode::TOO_MANY_REQUESTS {
            return Err(HttpError::Failed(status.as_u16()));
        }
        // Bytes are counted as they come: the length that a server announces is only its word.
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MAX_BODY_BYTES {
                return Err(HttpError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let mut answer = HttpResponse::new(body);
        *answer.status_mut() = status;
        *answer.headers_mut() = std::mem::take(response.headers_mut());
        Ok(answer)
    }

    /// The same client, held to one origin: whatever a document says, nothing is sent elsewhere.
    pub fn only_at(&self, origin: Origin) -> HttpAt {
        HttpAt { http: self.clone(), origin }
    }
}

/// [`Http`] that speaks to one origin only; the form in which `openidconnect` is given it.
#[derive(Clone, Debug)]
pub struct HttpAt {
    http: Http,
    origin: Origin,
}

impl HttpAt {
    /// Sends a request if it goes to the origin.
    pub async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let url = Url::parse(&request.uri().to_string()).map_err(|_| HttpError::Invalid)?;
        if url.origin() == self.origin { self.http.send(request).await } else { Err(HttpError::Foreign) }
    }
}

impl<'c> AsyncHttpClient<'c> for HttpAt {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_is_spoken_and_http_to_this_machine_where_allowed() {
        for (text, always, loopback) in [
            ("https://oidc.example:443/token", true, true),
            ("http://oidc.example/token", false, false),
            ("http://localhost:9000/", false, true),
            ("http://127.0.0.1/", false, true),
            ("http://127.8.8.8/", false, true),
            ("http://[::1]/", false, true),
            ("http://localhost.example/", false, false),
            ("http://10.0.0.1/", false, false),
            ("file:///etc/passwd", false, false),
        ] {
            let url = Url::parse(text).unwrap();
            assert_eq!(is_secure(&url, false), always, "{text}");
            assert_eq!(is_secure(&url, true), loopback, "{text}");
        }
    }
}
