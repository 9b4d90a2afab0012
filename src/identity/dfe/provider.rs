//! What the provider says of itself: its discovery document and its keys, fetched when first needed.
//!
//! The service starts while DfE Sign-in is down. A document once had is used while a newer one cannot be had.

use std::sync::{Arc, PoisonError, RwLock};

use http::header::ACCEPT;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreClaimName, CoreClaimType, CoreClientAuthMethod,
    CoreErrorResponseType, CoreGenderClaim, CoreGrantType, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm, CoreResponseMode, CoreResponseType,
    CoreRevocableToken, CoreRevocationErrorResponse, CoreSubjectIdentifierType,
    CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AdditionalProviderMetadata, AuthType, ClientId, ClientSecret, DiscoveryError, EmptyExtraTokenFields,
    EndSessionUrl, EndpointMaybeSet, EndpointNotSet, EndpointSet, IdTokenFields, IssuerUrl, JsonWebKeySetUrl,
    ProviderMetadata, RedirectUrl, StandardErrorResponse, StandardTokenResponse,
};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use url::Url;
use vouchsafe_events::Timestamp;

use super::refusal::{Call, Unavailable};
use super::settings::{ClientAuthentication, Credentials, DfeSettings, SettingsError};
use super::token::{Keys, MoreClaims};
use crate::identity::http::{Http, HttpAt, is_secure};

/// The least time between two fetches of the keys because a token named an unknown one, in seconds: whoever makes
/// up key ids must not make us a hammer.
const KEYS_SECONDS: i64 = 60;
/// The longest wait between two tries of a provider that is down, in seconds.
const MAX_BACKOFF_SECONDS: i64 = 60;

/// What we read of the discovery document beyond what the crate names.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct MoreMetadata {
    /// Where people sign out (RP-Initiated Logout 1.0).
    end_session_endpoint: Option<EndSessionUrl>,
    /// Whether the callback names the issuer (RFC 9207, 3).
    #[serde(default)]
    authorization_response_iss_parameter_supported: Option<bool>,
}

impl AdditionalProviderMetadata for MoreMetadata {}

type Metadata = ProviderMetadata<
    MoreMetadata,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

type Tokens = StandardTokenResponse<
    IdTokenFields<
        MoreClaims,
        EmptyExtraTokenFields,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >,
    CoreTokenType,
>;

pub(super) type Client = openidconnect::Client<
    MoreClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// A provider as it described itself.
pub(super) struct Provider {
    metadata: Metadata,
    client_id: ClientId,
    client: Client,
    fetched: Timestamp,
}

impl Provider {
    pub(super) const fn client(&self) -> &Client {
        &self.client
    }

    pub(super) const fn client_id(&self) -> &ClientId {
        &self.client_id
    }

    pub(super) fn issuer(&self) -> &IssuerUrl {
        self.metadata.issuer()
    }

    pub(super) fn keys(&self) -> &Keys {
        self.metadata.jwks()
    }

    pub(super) fn userinfo_endpoint(&self) -> Option<&Url> {
        self.metadata.userinfo_endpoint().map(|url| url.url())
    }

    pub(super) fn end_session_endpoint(&self) -> Option<&Url> {
        self.metadata.additional_metadata().end_session_endpoint.as_ref().map(|url| url.url())
    }

    pub(super) fn promises_issuer(&self) -> bool {
        self.metadata.additional_metadata().authorization_response_iss_parameter_supported == Some(true)
    }
}

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
    redirect: RedirectUrl,
    client_id: ClientId,
    client_secret: ClientSecret,
    authentication: Option<ClientAuthentication>,
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
            redirect: RedirectUrl::from_url(settings.redirect_url.url().clone()),
            client_id: ClientId::new(settings.client_id.clone()),
            client_secret: ClientSecret::new(credentials.client_secret.expose().to_owned()),
            authentication: settings.client_authentication,
            allow_insecure_loopback: settings.http.allow_insecure_loopback,
            refresh_seconds: i64::from(settings.discovery_seconds),
            http: Http::new(&settings.http)?.only_at(settings.issuer.url().origin()),
            current: RwLock::new(None),
            tries: Mutex::new(Tries::default()),
        })
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
        self.known().filter(|known| now.seconds_since(known.fetched) < self.refresh_seconds)
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
        let keys = self.fetch_keys(old.metadata.jwks_uri()).await?;
        let metadata = old.metadata.clone().set_jwks(keys);
        Ok(self.keep(self.assemble(metadata, old.fetched)))
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
        let metadata: Metadata = serde_json::from_slice(response.body()).map_err(|_| unreadable)?;
        // Letter for letter, `:443` and a slash at the end included (OpenID Connect Discovery, 4.3).
        if metadata.issuer() != &self.issuer {
            return Err(Unavailable::IssuerOther);
        }
        self.check_endpoints(&metadata)?;
        let keys = self.fetch_keys(metadata.jwks_uri()).await?;
        Ok(self.assemble(metadata.set_jwks(keys), now))
    }

    /// Refuses endpoints elsewhere: a document that was tampered with must not send our secret, or people, away.
    fn check_endpoints(&self, metadata: &Metadata) -> Result<(), Unavailable> {
        let token = metadata.token_endpoint().ok_or(Unavailable::EndpointMissing("token_endpoint"))?;
        let more = metadata.additional_metadata();
        let endpoints = [
            ("authorization_endpoint", Some(metadata.authorization_endpoint().url())),
            ("token_endpoint", Some(token.url())),
            ("jwks_uri", Some(metadata.jwks_uri().url())),
            ("userinfo_endpoint", metadata.userinfo_endpoint().map(|url| url.url())),
            ("end_session_endpoint", more.end_session_endpoint.as_ref().map(|url| url.url())),
        ];
        for (name, url) in endpoints {
            let home = |url: &Url| {
                url.origin() == self.issuer.url().origin() && is_secure(url, self.allow_insecure_loopback)
            };
            if url.is_some_and(|url| !home(url)) {
                return Err(Unavailable::EndpointForeign(name));
            }
        }
        Ok(())
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

    fn assemble(&self, metadata: Metadata, fetched: Timestamp) -> Provider {
        let offered = metadata.token_endpoint_auth_methods_supported();
        let offers = |method| offered.is_some_and(|offered| offered.contains(&method));
        // Where nothing is said, it is basic (OpenID Connect Discovery, 3).
        let post = match self.authentication {
            Some(chosen) => chosen == ClientAuthentication::Post,
            None => {
                offers(CoreClientAuthMethod::ClientSecretPost)
                    && !offers(CoreClientAuthMethod::ClientSecretBasic)
            }
        };
        let client = Client::from_provider_metadata(
            metadata.clone(),
            self.client_id.clone(),
            Some(self.client_secret.clone()),
        )
        .set_auth_type(if post { AuthType::RequestBody } else { AuthType::BasicAuth })
        .set_redirect_uri(self.redirect.clone());
        Provider { metadata, client_id: self.client_id.clone(), client, fetched }
    }
}

/// How long to wait after so many failures in a row, in seconds: 2, 4, 8, … up to a minute.
fn backoff(failures: u32) -> i64 {
    1_i64.checked_shl(failures.min(16)).unwrap_or(MAX_BACKOFF_SECONDS).min(MAX_BACKOFF_SECONDS)
}
