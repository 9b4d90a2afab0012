//! The person's claims, which DfE Sign-in gives at its userinfo endpoint.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use openidconnect::core::{CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm};
use openidconnect::{AccessToken, EmptyAdditionalClaims, UserInfoJsonWebToken, UserInfoVerifier};
use serde_json::{Map, Value};
use url::Url;

use super::loose::{field, text_of};
use super::provider::Provider;
use super::refusal::{Call, SignInRefused, Unavailable};
use super::subject::Subject;
use super::token::{DfeClaims, Keys, is_strong};
use crate::identity::http::HttpAt;

/// What is said of a person, before it is judged.
pub(super) struct Person {
    pub(super) email: Option<String>,
    pub(super) email_verified: Option<bool>,
    pub(super) given_name: Option<String>,
    pub(super) family_name: Option<String>,
    pub(super) organisation: Option<Value>,
}

impl Person {
    /// What the id token says.
    pub(super) fn from_id_token(claims: &DfeClaims) -> Self {
        let one_line = |text: &str| super::loose::text(&Value::String(text.to_owned()));
        Self {
            email: claims.email().map(|email| email.as_str().to_owned()),
            email_verified: claims.email_verified(),
            given_name: claims.given_name().and_then(|name| name.get(None)).and_then(|name| one_line(name)),
            family_name: claims.family_name().and_then(|name| name.get(None)).and_then(|name| one_line(name)),
            organisation: claims.additional_claims().organisation.clone(),
        }
    }

    /// What userinfo says.
    fn from_userinfo(claims: &Map<String, Value>) -> Self {
        Self {
            email: claims.get("email").and_then(Value::as_str).map(str::to_owned),
            email_verified: match claims.get("email_verified") {
                None | Some(Value::Null) => None,
                Some(Value::Bool(verified)) => Some(*verified),
                // Some providers write it as text; anything else is no "yes".
                Some(other) => Some(other.as_str() == Some("true")),
            },
            given_name: text_of(claims, "givenname"),
            family_name: text_of(claims, "familyname"),
            organisation: field(claims, "organisation").cloned(),
        }
    }

    /// The same, filled up where it is silent. That an email is unverified counts wherever it is said.
    pub(super) fn or(self, other: Self) -> Self {
        let email_verified = match (self.email_verified, other.email_verified) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (one, two) => one.or(two),
        };
        Self {
            email: self.email.or(other.email),
            email_verified,
            given_name: self.given_name.or(other.given_name),
            family_name: self.family_name.or(other.family_name),
            organisation: self.organisation.or(other.organisation),
        }
    }
}

/// Asks the userinfo endpoint who the access token stands for; it must be `subject`.
pub(super) async fn ask(
    http: &HttpAt,
    endpoint: &Url,
    provider: &Provider,
    access_token: &AccessToken,
    subject: &Subject,
) -> Result<Person, SignInRefused> {
    // By hand and not through the crate, which panics at an access token that is no header value.
    let mut bearer = HeaderValue::try_from(format!("Bearer {}", access_token.secret()))
        .map_err(|_| SignInRefused::TokenUnreadable)?;
    bearer.set_sensitive(true);
    let request = http::Request::get(endpoint.as_str())
        .header(ACCEPT, "application/json, application/jwt;q=0.9")
        .header(AUTHORIZATION, bearer)
        .body(Vec::new())
        .map_err(|_| SignInRefused::UserInfoUnreadable)?;
    let response = http.send(request).await.map_err(|error| Unavailable::call(Call::UserInfo, error))?;
    let status = response.status();
    if status != http::StatusCode::OK {
        return Err(SignInRefused::UserInfoRefused(status.as_u16()));
    }
    let kind = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let claims = match kind.as_str() {
        "application/jwt" => signed_claims(response.body(), provider),
        // Some providers serve JSON under another name, or under none.
        _ => serde_json::from_slice(response.body()).ok(),
    };
    let claims: Map<String, Value> = claims.ok_or(SignInRefused::UserInfoUnreadable)?;
    let theirs = claims.get("sub").and_then(Value::as_str).ok_or(SignInRefused::UserInfoUnreadable)?;
    if theirs.parse::<Subject>().ok().as_ref() != Some(subject) {
        return Err(SignInRefused::SubjectsDiffer);
    }
    Ok(Person::from_userinfo(&claims))
}

/// The claims of a signed answer, once its signature, issuer and audience hold.
fn signed_claims(body: &[u8], provider: &Provider) -> Option<Map<String, Value>> {
    type SignedUserInfo = UserInfoJsonWebToken<
        EmptyAdditionalClaims,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >;
    let text = std::str::from_utf8(body).ok()?.trim();
    let token: SignedUserInfo = serde_json::from_value(Value::String(text.to_owned())).ok()?;
    let strong = provider.keys().keys().iter().filter(|key| is_strong(key)).cloned().collect();
    let verifier = UserInfoVerifier::new(
        provider.client_id().clone(),
        provider.issuer().clone(),
        Keys::new(strong),
        None,
    );
    token.claims(&verifier).ok()?;
    // The same bytes again, for the claims that the crate does not name and for those that are null.
    let payload = BASE64_URL_SAFE_NO_PAD.decode(text.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}
