//! Signing people in with DfE Sign-in: OpenID Connect by authorization code, with PKCE, `state` and `nonce`.
//!
//! The protocol is `openidconnect`'s. This module adds what that crate leaves to its user: time for clocks that
//! differ, the claims it does not check, the callback's many ways to go wrong, keys that change, and a provider
//! that is slow, down or lying. Roles are not here: they are never in the token (see [`super::dfe_api`]).

mod callback;
mod discovery;
pub(in crate::identity) mod loose;
mod organisation;
mod pending;
mod provider;
mod refusal;
mod settings;
mod subject;
mod token;
mod userinfo;

use std::fmt;
use std::sync::Arc;

use openidconnect::core::{CoreAuthenticationFlow, CoreErrorResponseType, CoreTokenType};
use openidconnect::{
    AuthorizationCode, CsrfToken, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier,
    RequestTokenError, Scope, StandardErrorResponse, TokenResponse,
};
use url::Url;
use vouchsafe_events::{Email, Timestamp};

pub use callback::CallbackParams;
pub use organisation::{Category, ClaimedOrganisation, Coded, NotAnOrganisation, OrganisationClaim, Status};
pub use pending::Pending;
pub use refusal::{Call, NotFinished, ProviderError, SignInRefused, TokenError, Unavailable};
pub use settings::{
    Address, ApiSettings, ClientAuthentication, Credentials, DfeSettings, Issuer, NotAnAddress, SettingsError,
};
pub use subject::{NotASubject, Subject};
pub use token::IdTokenFault;

use self::discovery::Discovery;
use self::provider::Provider;
use self::userinfo::Person;
use super::http::HttpError;
use crate::clock::Clock;
use crate::secret::Secret;

/// What we ask for beside `openid`.
const SCOPES: [&str; 3] = ["profile", "email", "organisation"];
/// Random bytes in a state and in a nonce.
const RANDOM_BYTES: u32 = 32;

/// A sign-in that begins.
#[derive(Clone, Debug)]
pub struct Begun {
    /// Where to send the person.
    pub authorize_url: Url,
    /// What to keep for them, in an encrypted cookie, until they come back.
    pub pending: Pending,
}

/// A person whom DfE Sign-in vouches for.
#[derive(Clone)]
pub struct Authenticated {
    /// Who vouches: the issuer, letter for letter.
    pub issuer: String,
    /// Who the person is there. Issuer and subject together are the person's identity.
    pub subject: Subject,
    /// Their email, as the provider has it now.
    pub email: Email,
    /// Their given name, if known.
    pub given_name: Option<String>,
    /// Their family name, if known.
    pub family_name: Option<String>,
    /// The organisation they chose.
    pub organisation: OrganisationClaim,
    /// The id token, for signing out.
    pub id_token: Secret,
    /// When they last proved who they are to the provider, if it says.
    pub authenticated_at: Option<Timestamp>,
}

/// Personal data: never printed by accident.
impl fmt::Debug for Authenticated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticated").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// DfE Sign-in, or a provider like it.
pub struct DfeSignIn {
    discovery: Discovery,
    clock: Arc<dyn Clock>,
    sign_in_seconds: i64,
    trust_unstated_email: bool,
}

impl DfeSignIn {
    /// DfE Sign-in as these settings describe it. Nothing is asked of it yet, so this succeeds while it is down.
    pub fn new(
        settings: &DfeSettings,
        credentials: &Credentials,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SettingsError> {
        Ok(Self {
            discovery: Discovery::new(settings, credentials)?,
            clock,
            sign_in_seconds: i64::from(settings.sign_in_seconds),
            trust_unstated_email: settings.trust_unstated_email,
        })
    }

    /// The issuer, as it is in the accounts of people who sign in there.
    pub fn issuer(&self) -> &str {
        self.discovery.issuer()
    }

    /// Begins a sign-in.
    pub async fn begin(&self) -> Result<Begun, Unavailable> {
        let now = self.clock.now();
        let provider = self.discovery.provider(now).await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state, nonce) = provider
            .client()
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                || CsrfToken::new_random_len(RANDOM_BYTES),
                || Nonce::new_random_len(RANDOM_BYTES),
            )
            .add_scopes(SCOPES.map(|scope| Scope::new(scope.to_owned())))
            .set_pkce_challenge(challenge)
            .url();
        let pending = Pending {
            state: state.into_secret(),
            nonce: nonce.secret().clone(),
            verifier: verifier.into_secret(),
            expires: now.plus_seconds(self.sign_in_seconds),
        };
        Ok(Begun { authorize_url: url, pending })
    }

    /// Finishes a sign-in: what the callback brought, with what this browser had kept.
    ///
    /// An error at the callback is taken as it stands, whatever its `state` and `iss`: it signs nobody in, and DfE
    /// sends some without either.
    pub async fn finish(
        &self,
        pending: Option<Pending>,
        callback: &CallbackParams,
    ) -> Result<Authenticated, NotFinished> {
        let code = AuthorizationCode::new(callback.answer()?.expose().to_owned());
        let pending = pending.ok_or(SignInRefused::NotBegunHere)?;
        pending.accept(callback.state.as_ref(), self.clock.now())?;
        let provider = self.discovery.provider(self.clock.now()).await?;
        match &callback.iss {
            Some(iss) if iss != provider.issuer().as_str() => return Err(SignInRefused::IssuerOther.into()),
            None if provider.promises_issuer() => return Err(SignInRefused::IssuerMissing.into()),
            Some(_) | None => {}
        }
        self.exchange(provider, code, pending).await
    }

    /// Where to send a person who signs out, so that they are signed out at the provider too (RP-Initiated Logout
    /// 1.0). None if the provider cannot be reached or has no such place; then signing out here must do.
    ///
    /// `post_logout_redirect` must be registered with DfE, letter for letter.
    pub async fn sign_out_url(&self, id_token_hint: &Secret, post_logout_redirect: &Url) -> Option<Url> {
        let provider = self.discovery.provider(self.clock.now()).await.ok()?;
        let mut url = provider.end_session_endpoint()?.clone();
        url.query_pairs_mut()
            .append_pair("id_token_hint", id_token_hint.expose())
            .append_pair("post_logout_redirect_uri", post_logout_redirect.as_str());
        Some(url)
    }

    /// Whether the provider answers: for a doctor's report and for readiness.
    pub async fn reachable(&self) -> Result<(), Unavailable> {
        self.discovery.provider(self.clock.now()).await.map(|_| ())
    }

    async fn exchange(
        &self,
        provider: Arc<Provider>,
        code: AuthorizationCode,
        pending: Pending,
    ) -> Result<Authenticated, NotFinished> {
        let tokens = provider
            .client()
            .exchange_code(code.clone())
            .map_err(|_| Unavailable::EndpointMissing("token_endpoint"))?
            .set_pkce_verifier(PkceCodeVerifier::new(pending.verifier))
            .request_async(self.discovery.http())
            .await
            .map_err(token_refusal)?;
        let id_token = tokens.id_token().ok_or(SignInRefused::IdTokenMissing)?;
        if *tokens.token_type() != CoreTokenType::Bearer {
            return Err(SignInRefused::TokenUnreadable.into());
        }
        let nonce = Nonce::new(pending.nonce);
        let check = |provider: &Provider| {
            token::verify(
                id_token,
                &token::Expected {
                    client_id: provider.client_id(),
                    issuer: provider.issuer(),
                    keys: provider.keys(),
                    nonce: &nonce,
                    access_token: tokens.access_token(),
                    code: &code,
                    now: self.clock.now(),
                },
            )
        };
        let (provider, (claims, subject)) = match check(&provider) {
            Err(IdTokenFault::UnknownKey) => {
                let renewed = self.discovery.with_new_keys(&provider, self.clock.now()).await?;
                let verified = check(&renewed)?;
                (renewed, verified)
            }
            other => (provider, other?),
        };
        let vouched = async {
            let mut person = Person::from_id_token(claims);
            if let Some(endpoint) = provider.userinfo_endpoint() {
                let http = self.discovery.http();
                person = userinfo::ask(http, endpoint, &provider, tokens.access_token(), &subject)
                    .await?
                    .or(person);
            }
            let email = self.email(&person)?;
            let organisation = OrganisationClaim::parse(person.organisation.as_ref())
                .map_err(|NotAnOrganisation| SignInRefused::OrganisationUnreadable)?;
            Ok((person, email, organisation))
        };
        let (person, email, organisation) = match vouched.await {
            Ok(vouched) => vouched,
            Err(why) => return Err(NotFinished { why, account: Some(subject) }),
        };
        Ok(Authenticated {
            issuer: provider.issuer().as_str().to_owned(),
            subject,
            email,
            organisation,
            given_name: person.given_name,
            family_name: person.family_name,
            id_token: Secret::from(id_token.to_string()),
            authenticated_at: claims
                .auth_time()
                .map(|at| Timestamp::from_micros(at.timestamp().saturating_mul(1_000_000))),
        })
    }

    /// The person's email, if we may rely on it.
    fn email(&self, person: &Person) -> Result<Email, SignInRefused> {
        let email = person.email.as_deref().filter(|email| !email.trim().is_empty());
        let email = email.ok_or(SignInRefused::EmailMissing)?;
        if !person.email_verified.unwrap_or(self.trust_unstated_email) {
            return Err(SignInRefused::EmailUnverified);
        }
        email.parse().map_err(|_| SignInRefused::EmailUnusable)
    }
}

impl fmt::Debug for DfeSignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DfeSignIn").finish_non_exhaustive()
    }
}

/// What a failed exchange means.
fn token_refusal(
    error: RequestTokenError<HttpError, StandardErrorResponse<CoreErrorResponseType>>,
) -> SignInRefused {
    match error {
        RequestTokenError::ServerResponse(answer) => {
            SignInRefused::TokenRefused(TokenError::from_code(answer.error().as_ref()))
        }
        RequestTokenError::Request(error) => Unavailable::call(Call::Token, error).into(),
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => SignInRefused::TokenUnreadable,
    }
}
