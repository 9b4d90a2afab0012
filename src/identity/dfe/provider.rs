//! What the provider says of itself: its discovery document and its keys, as `openidconnect`'s types.

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreClaimName, CoreClaimType, CoreClientAuthMethod,
    CoreErrorResponseType, CoreGenderClaim, CoreGrantType, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm, CoreResponseMode, CoreResponseType,
    CoreRevocableToken, CoreRevocationErrorResponse, CoreSubjectIdentifierType,
    CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AdditionalProviderMetadata, AuthType, ClientId, ClientSecret, EmptyExtraTokenFields, EndSessionUrl,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, IdTokenFields, IssuerUrl, ProviderMetadata, RedirectUrl,
    StandardErrorResponse, StandardTokenResponse, UserInfoUrl,
};
use serde::{Deserialize, Serialize};
use url::Url;
use vouchsafe_events::Timestamp;

use super::refusal::Unavailable;
use super::settings::ClientAuthentication;
use super::token::{Keys, MoreClaims};
use crate::identity::http::is_secure;

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

pub(super) type Metadata = ProviderMetadata<
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

/// Who we are to the provider.
pub(super) struct Ourselves {
    pub(super) client_id: ClientId,
    pub(super) client_secret: ClientSecret,
    pub(super) redirect: RedirectUrl,
    pub(super) authentication: Option<ClientAuthentication>,
}

/// A provider as it described itself.
pub(super) struct Provider {
    metadata: Metadata,
    client_id: ClientId,
    client: Client,
    fetched: Timestamp,
}

impl Provider {
    /// The provider of this description, keys included, fetched at that instant.
    pub(super) fn new(metadata: Metadata, ourselves: &Ourselves, fetched: Timestamp) -> Self {
        let offered = metadata.token_endpoint_auth_methods_supported();
        let offers = |method| offered.is_some_and(|offered| offered.contains(&method));
        // Where nothing is said, it is basic (OpenID Connect Discovery, 3).
        let post = match ourselves.authentication {
            Some(chosen) => chosen == ClientAuthentication::Post,
            None => {
                offers(CoreClientAuthMethod::ClientSecretPost)
                    && !offers(CoreClientAuthMethod::ClientSecretBasic)
            }
        };
        let client_id = ourselves.client_id.clone();
        let secret = ourselves.client_secret.clone();
        let client = Client::from_provider_metadata(metadata.clone(), client_id.clone(), Some(secret))
            .set_auth_type(if post { AuthType::RequestBody } else { AuthType::BasicAuth })
            .set_redirect_uri(ourselves.redirect.clone());
        Self { metadata, client_id, client, fetched }
    }

    pub(super) const fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// When the description was fetched.
    pub(super) const fn fetched(&self) -> Timestamp {
        self.fetched
    }

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
        self.metadata.userinfo_endpoint().map(UserInfoUrl::url)
    }

    pub(super) fn end_session_endpoint(&self) -> Option<&Url> {
        self.metadata.additional_metadata().end_session_endpoint.as_ref().map(EndSessionUrl::url)
    }

    pub(super) fn promises_issuer(&self) -> bool {
        self.metadata.additional_metadata().authorization_response_iss_parameter_supported == Some(true)
    }
}

/// Refuses endpoints elsewhere: a document that was tampered with must not send our secret, or people, away.
pub(super) fn check_endpoints(
    metadata: &Metadata,
    issuer: &IssuerUrl,
    allow_insecure_loopback: bool,
) -> Result<(), Unavailable> {
    let token = metadata.token_endpoint().ok_or(Unavailable::EndpointMissing("token_endpoint"))?;
    let more = metadata.additional_metadata();
    let endpoints = [
        ("authorization_endpoint", Some(metadata.authorization_endpoint().url())),
        ("token_endpoint", Some(token.url())),
        ("jwks_uri", Some(metadata.jwks_uri().url())),
        ("userinfo_endpoint", metadata.userinfo_endpoint().map(UserInfoUrl::url)),
        ("end_session_endpoint", more.end_session_endpoint.as_ref().map(EndSessionUrl::url)),
    ];
    let home = |url: &Url| url.origin() == issuer.url().origin() && is_secure(url, allow_insecure_loopback);
    for (name, url) in endpoints {
        if url.is_some_and(|url| !home(url)) {
            return Err(Unavailable::EndpointForeign(name));
        }
    }
    Ok(())
}
