//! Finding the provider: its discovery document and its keys, fetched when first needed.
//!
//! The service starts while DfE Sign-in is down. A document once had is used while a newer one cannot be had.

use std::sync::{Arc, PoisonError, RwLock};

use http::header::ACCEPT;
use openidconnect::{ClientId, ClientSecret, DiscoveryError, IssuerUrl, JsonWebKeySetUrl, RedirectUrl};
use tokio::sync::Mutex;
use vouchsafe_events::Timestamp;

use super::provider::{Metadata, Ourselves, Provider, check_endpoints};
use super::refusal::{Call, Unavailable};
use super::settings::{Credentials, DfeSettings, SettingsError};
use super::token::Keys;
use crate::identity::http::{Http, HttpAt};

/// The least time between two fetches of the keys because a token named an unknown one, in seconds: whoever makes
/// up key ids must not make us a hammer.
const KEYS_SECONDS: i64 = 60;
/// The longest wait between two tries of a provider that is down, in seconds.
const MAX_BACKOFF_SECONDS: i64 = 60;

/// How the last tries went.
#[derive(Default)]
struct Tries {
    failures: u32,
    last_failure: Option<(Timestamp, Arc<Unavailable>)>,
    keys_fetched: Option<Timestamp>,
}

/// The provider, found when needed.
pub(super) struct Discovery {
    issuer: IssuerUrl,
    ourselves: Ourselves,
    allow_insecure_loopback: bool,
    refresh_seconds: i64,
    http: HttpAt,
    current: RwLock<Option<Arc<Provider>>>,
    tries: Mutex<Tries>,
}

impl Discovery {
    pub(super) fn new(settings: &DfeSettings, credentials: &Credentials) -> Result<Self, SettingsError> {
        settings.check()?;
        let invalid = |_| SettingsError::Insecure("issuer");
        Ok(Self {
            issuer: IssuerUrl::new(settings.issuer.as_str().to_owned()).map_err(invalid)?,
            ourselves: Ourselves {
                client_id: ClientId::new(settings.client_id.clone()),
                client_secret: ClientSecret::new(credentials.client_secret.expose().to_owned()),
                redirect: RedirectUrl::from_url(settings.redirect_url.url().clone()),
                authentication: settings.client_authentication,
            },
            allow_insecure_loopback: settings.http.allow_insecure_loopback,
            refresh_seconds: i64::from(settings.discovery_seconds),
            http: Http::new(&settings.http)?.only_at(settings.issuer.url().origin()),
            current: RwLock::new(None),
            tries: Mutex::new(Tries::default()),
        })
    }

    /// The issuer.
    pub(super) fn issuer(&self) -> &str {
        self.issuer.as_str()
    }

    /// The client that speaks to the issuer's host only.
    pub(super) const fn http(&self) -> &HttpAt {
        &self.http
    }

    fn known(&self) -> Option<Arc<Provider>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, provider: Provider) -> Arc<Provider> {
        let provider = Arc::new(provider);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&provider));
        provider
    }

    fn fresh(&self, now: Timestamp) -> Option<Arc<Provider>> {
        self.known().filter(|known| now.seconds_since(known.fetched()) < self.refresh_seconds)
    }

    /// The provider, asked anew if what we know is old. One caller asks; the others wait, or go on with the old.
    pub(super) async fn provider(&self, now: Timestamp) -> Result<Arc<Provider>, Unavailable> {
        if let Some(fresh) = self.fresh(now) {
            return Ok(fresh);
        }
        let mut tries = match (self.tries.try_lock(), self.known()) {
            (Ok(tries), _) => tries,
            (Err(_), Some(old)) => return Ok(old),
            (Err(_), None) => self.tries.lock().await,
        };
        if let Some(fresh) = self.fresh(now) {
            return Ok(fresh);
        }
        if let Some((at, because)) = &tries.last_failure {
            let wait = backoff(tries.failures);
            let waited = now.seconds_since(*at);
            if (0..wait).contains(&waited) {
                let because = Arc::clone(because);
                return self.known().ok_or(Unavailable::BackingOff { seconds: wait - waited, because });
            }
        }
        match self.fetch(now).await {
            Ok(provider) => {
                *tries = Tries { keys_fetched: tries.keys_fetched, ..Tries::default() };
                Ok(self.keep(provider))
            }
            Err(error) => {
                tries.failures = tries.failures.saturating_add(1);
                tries.last_failure = Some((now, Arc::new(error.clone())));
                tracing::warn!(%error, failures = tries.failures, "DfE Sign-in's discovery failed");
                self.known().ok_or(error)
            }
        }
    }

    /// The provider with its keys fetched anew, because a token names one that `old` lacks; at most once a minute.
    pub(super) async fn with_new_keys(
        &self,
        old: &Arc<Provider>,
        now: Timestamp,
    ) -> Result<Arc<Provider>, Unavailable> {
        let mut tries = self.tries.lock().await;
        if let Some(known) = self.known().filter(|known| !Arc::ptr_eq(known, old)) {
            return Ok(known);
        }
        if tries.keys_fetched.is_some_and(|at| (0..KEYS_SECONDS).contains(&now.seconds_since(at))) {
            return Ok(Arc::clone(old));
        }
        tries.keys_fetched = Some(now);
        let keys = self.fetch_keys(old.metadata().jwks_uri()).await?;
        let metadata = old.metadata().clone().set_jwks(keys);
        Ok(self.keep(Provider::new(metadata, &self.ourselves, old.fetched())))
    }

    async fn fetch(&self, now: Timestamp) -> Result<Provider, Unavailable> {
        let unreadable = Unavailable::Unreadable(Call::Discovery);
        let Ok(url) = self.issuer.join(".well-known/openid-configuration") else { return Err(unreadable) };
        let request = http::Request::get(url.as_str()).header(ACCEPT, "application/json").body(Vec::new());
        let Ok(request) = request else { return Err(unreadable) };
        let response =
            self.http.send(request).await.map_err(|error| Unavailable::call(Call::Discovery, error))?;
        if response.status() != http::StatusCode::OK {
            let status = response.status().as_u16();
            return Err(Unavailable::Status { call: Call::Discovery, status });
        }
        let metadata = self.read(response.body())?;
        let keys = self.fetch_keys(metadata.jwks_uri()).await?;
        Ok(Provider::new(metadata.set_jwks(keys), &self.ourselves, now))
    }

    /// Reads a discovery document and refuses one that is not the issuer's own.
    fn read(&self, document: &[u8]) -> Result<Metadata, Unavailable> {
        let metadata: Metadata =
            serde_json::from_slice(document).map_err(|_| Unavailable::Unreadable(Call::Discovery))?;
        // Letter for letter, `:443` and a slash at the end included (OpenID Connect Discovery, 4.3).
        if metadata.issuer() != &self.issuer {
            return Err(Unavailable::IssuerOther);
        }
        check_endpoints(&metadata, &self.issuer, self.allow_insecure_loopback)?;
        Ok(metadata)
    }

    async fn fetch_keys(&self, url: &JsonWebKeySetUrl) -> Result<Keys, Unavailable> {
        Keys::fetch_async(url, &self.http).await.map_err(|error| match error {
            DiscoveryError::Request(error) => Unavailable::call(Call::Keys, error),
            DiscoveryError::Response(status, ..) if status != http::StatusCode::OK => {
                Unavailable::Status { call: Call::Keys, status: status.as_u16() }
            }
            _ => Unavailable::Unreadable(Call::Keys),
        })
    }
}

/// How long to wait after so many failures in a row, in seconds: 2, 4, 8, … up to a minute.
fn backoff(failures: u32) -> i64 {
    1_i64.checked_shl(failures.min(16)).unwrap_or(MAX_BACKOFF_SECONDS).min(MAX_BACKOFF_SECONDS)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::secret::Secret;

    fn discovery(issuer: &str) -> Discovery {
        let settings = toml::from_str(&format!(
            "issuer = '{issuer}'\nclient_id = 'ecf2'\nclient_secret_file = '/x'\nredirect_url = 'https://ecf2.example/'"
        ));
        let credentials = Credentials { client_secret: Secret::from("s".to_owned()), api_secret: None };
        Discovery::new(&settings.unwrap(), &credentials).unwrap()
    }

    fn document(issuer: &str, token_endpoint: &str) -> Vec<u8> {
        let document = json!({
            "issuer": issuer,
            "authorization_endpoint": "https://oidc.example/auth",
            "token_endpoint": token_endpoint,
            "jwks_uri": "https://oidc.example:443/certs",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        });
        document.to_string().into_bytes()
    }

    #[test]
    fn an_issuer_with_the_default_port_is_compared_letter_for_letter() {
        let with_port = discovery("https://oidc.example:443");
        let token = "https://oidc.example/token";
        assert_eq!(
            with_port.read(&document("https://oidc.example:443", token)).unwrap().issuer().as_str(),
            "https://oidc.example:443"
        );
        for other in ["https://oidc.example", "https://oidc.example/", "https://OIDC.example:443"] {
            assert!(
                matches!(with_port.read(&document(other, token)), Err(Unavailable::IssuerOther)),
                "{other}"
            );
        }
        let without = discovery("https://oidc.example");
        assert!(matches!(
            without.read(&document("https://oidc.example:443", token)),
            Err(Unavailable::IssuerOther)
        ));
    }

    #[test]
    fn an_endpoint_elsewhere_or_without_https_is_refused() {
        let discovery = discovery("https://oidc.example:443");
        for elsewhere in [
            "http://oidc.example/token",
            "http://oidc.example:443/token",
            "https://oidc.example:8443/token",
            "https://evil.example/token",
            "https://oidc.example.evil.example/token",
            "https://oidc.example@evil.example/token",
        ] {
            let read = discovery.read(&document("https://oidc.example:443", elsewhere));
            assert!(matches!(read, Err(Unavailable::EndpointForeign("token_endpoint"))), "{elsewhere}");
        }
    }

    #[test]
    fn the_wait_between_tries_grows_to_a_minute() {
        let waits: Vec<_> = (1..=8).map(backoff).collect();
        assert_eq!(waits, [2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(backoff(u32::MAX), 60);
    }
}
