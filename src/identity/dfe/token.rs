//! The id token, and everything about it that `openidconnect` accepts and we do not.

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use openidconnect::core::{
    CoreGenderClaim, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm,
};
use openidconnect::{
    AccessToken, AccessTokenHash, AdditionalClaims, AuthorizationCode, AuthorizationCodeHash,
    ClaimsVerificationError, ClientId, IdToken, IdTokenClaims, IdTokenVerifier, IssuerUrl, JsonWebKeySet,
    Nonce, SignatureVerificationError,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use vouchsafe_events::Timestamp;

use super::subject::Subject;

/// How far two clocks may be apart, in seconds.
const LEEWAY: i64 = 60;
/// How old an id token may be that a code has just been exchanged for, in seconds.
const MAX_AGE: i64 = 600;
/// The most bytes of an id token. DfE's have about one thousand; it must fit a session's keeping.
const MAX_TOKEN_BYTES: usize = 16 * 1024;
/// The shortest RSA modulus that is trusted, in bits (RFC 7518, 3.3).
const MIN_RSA_BITS: usize = 2048;

/// Claims of the id token that the crate does not name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct MoreClaims {
    /// Not before.
    #[serde(default)]
    nbf: Option<Value>,
    /// DfE's organisation, which userinfo has as well.
    #[serde(default)]
    pub(super) organisation: Option<Value>,
}

impl AdditionalClaims for MoreClaims {}

pub(super) type DfeIdToken =
    IdToken<MoreClaims, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;
pub(super) type DfeClaims = IdTokenClaims<MoreClaims, CoreGenderClaim>;
pub(super) type Keys = JsonWebKeySet<CoreJsonWebKey>;

/// What is wrong with an id token. The words follow "the id token".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenFault {
    /// More bytes than any honest token has.
    #[error("has more than {MAX_TOKEN_BYTES} bytes")]
    TooLarge,
    /// Its key is not among the provider's, even after these were fetched again.
    #[error("is signed with a key that the provider does not publish")]
    UnknownKey,
    /// Its key is too short to be trusted.
    #[error("is signed with an RSA key of less than {MIN_RSA_BITS} bits")]
    WeakKey,
    /// The signature is wrong, or missing.
    #[error("has a wrong signature, or none")]
    Signature,
    /// It is not RS256.
    #[error("is signed with an algorithm other than RS256")]
    Algorithm,
    /// It is of a sort that we do not take, such as a logout token.
    #[error("is of an unexpected type, encrypted, or has critical headers")]
    Unsupported,
    /// Another issuer made it.
    #[error("is from another issuer")]
    Issuer,
    /// It is for another client, or for others as well.
    #[error("is for another audience")]
    Audience,
    /// It was issued to another client.
    #[error("was issued to another client (azp)")]
    AuthorizedParty,
    /// It has expired.
    #[error("has expired")]
    Expired,
    /// It claims to be from the future: our clocks differ, or it is forged.
    #[error("was issued in the future: compare this machine's clock with the provider's")]
    IssuedInFuture,
    /// It was issued long ago.
    #[error("was issued too long ago")]
    IssuedLongAgo,
    /// It does not hold yet.
    #[error("is not valid yet (nbf)")]
    NotYetValid,
    /// It answers another request than ours.
    #[error("has another nonce than was sent")]
    Nonce,
    /// Its subject is empty, longer than 255 characters, or not printable ASCII.
    #[error("has no usable subject")]
    Subject,
    /// It belongs to another access token or code.
    #[error("belongs to another access token or code (at_hash, c_hash)")]
    Hash,
    /// Anything else that the crate finds wrong.
    #[error("is not valid")]
    Invalid,
}

impl IdTokenFault {
    /// Whether the person may fare better by beginning again.
    pub const fn retry_helps(self) -> bool {
        match self {
            // The keys may have changed a moment ago, and are fetched anew in a minute.
            Self::UnknownKey | Self::Expired | Self::IssuedLongAgo | Self::Nonce => true,
            Self::TooLarge
            | Self::WeakKey
            | Self::Signature
            | Self::Algorithm
            | Self::Unsupported
            | Self::Issuer
            | Self::Audience
            | Self::AuthorizedParty
            | Self::IssuedInFuture
            | Self::NotYetValid
            | Self::Subject
            | Self::Hash
            | Self::Invalid => false,
        }
    }
}

impl From<ClaimsVerificationError> for IdTokenFault {
    fn from(error: ClaimsVerificationError) -> Self {
        match error {
            ClaimsVerificationError::Expired(_) => Self::Expired,
            ClaimsVerificationError::InvalidAudience(_) => Self::Audience,
            ClaimsVerificationError::InvalidIssuer(_) => Self::Issuer,
            ClaimsVerificationError::InvalidNonce(_) => Self::Nonce,
            ClaimsVerificationError::InvalidSubject(_) => Self::Subject,
            ClaimsVerificationError::SignatureVerification(error) => error.into(),
            ClaimsVerificationError::Unsupported(_) => Self::Unsupported,
            _ => Self::Invalid,
        }
    }
}

impl From<SignatureVerificationError> for IdTokenFault {
    fn from(error: SignatureVerificationError) -> Self {
        match error {
            SignatureVerificationError::NoMatchingKey => Self::UnknownKey,
            SignatureVerificationError::DisallowedAlg(_) | SignatureVerificationError::UnsupportedAlg(_) => {
                Self::Algorithm
            }
            _ => Self::Signature,
        }
    }
}

/// What a token must agree with.
pub(super) struct Expected<'e> {
    pub(super) client_id: &'e ClientId,
    pub(super) issuer: &'e IssuerUrl,
    pub(super) keys: &'e Keys,
    pub(super) nonce: &'e Nonce,
    pub(super) access_token: &'e AccessToken,
    pub(super) code: &'e AuthorizationCode,
    pub(super) now: Timestamp,
}

/// The bits of an RSA key's modulus; none if the key is not an RSA key.
fn rsa_bits(key: &CoreJsonWebKey) -> Option<usize> {
    // The crate keeps the modulus to itself, but writes it out.
    let jwk = serde_json::to_value(key).ok()?;
    let modulus = BASE64_URL_SAFE_NO_PAD.decode(jwk.get("n")?.as_str()?.trim_end_matches('=')).ok()?;
    let first = modulus.iter().position(|byte| *byte != 0)?;
    let leading = modulus.get(first)?.leading_zeros() as usize;
    Some((modulus.len() - first) * 8 - leading)
}

/// Whether a key is long enough to be trusted.
pub(super) fn is_strong(key: &CoreJsonWebKey) -> bool {
    rsa_bits(key).is_some_and(|bits| bits >= MIN_RSA_BITS)
}

/// Verifies an id token and gives its claims and its subject.
pub(super) fn verify<'t>(
    token: &'t DfeIdToken,
    expected: &Expected<'_>,
) -> Result<(&'t DfeClaims, Subject), IdTokenFault> {
    if token.to_string().len() > MAX_TOKEN_BYTES {
        return Err(IdTokenFault::TooLarge);
    }
    let lenient = u64::try_from(expected.now.plus_seconds(-LEEWAY).micros()).unwrap_or(0);
    let lenient = SystemTime::UNIX_EPOCH + Duration::from_micros(lenient);
    // A verifier that knows no client secret cannot be talked into taking HS256.
    let verifier = IdTokenVerifier::new_public_client(
        expected.client_id.clone(),
        expected.issuer.clone(),
        expected.keys.clone(),
    )
    .set_allowed_algs([CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256])
    .set_time_fn(move || lenient.into());

    let algorithm = token.signing_alg()?;
    if *algorithm != CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256 {
        return Err(IdTokenFault::Algorithm);
    }
    let key = token.signing_key(&verifier)?;
    if !is_strong(key) {
        return Err(IdTokenFault::WeakKey);
    }
    let claims = token.claims(&verifier, expected.nonce)?;

    if claims.authorized_party().is_some_and(|party| party != expected.client_id) {
        return Err(IdTokenFault::AuthorizedParty);
    }
    check_times(claims, expected.now)?;
    let access = AccessTokenHash::from_token(expected.access_token, algorithm, key);
    let code = AuthorizationCodeHash::from_code(expected.code, algorithm, key);
    let (access, code) = (access.map_err(|_| IdTokenFault::Hash)?, code.map_err(|_| IdTokenFault::Hash)?);
    if claims.access_token_hash().is_some_and(|claimed| *claimed != access)
        || claims.code_hash().is_some_and(|claimed| *claimed != code)
    {
        return Err(IdTokenFault::Hash);
    }
    let subject = claims.subject().as_str().parse().map_err(|_| IdTokenFault::Subject)?;
    Ok((claims, subject))
}

/// Refuses a token from the future or from long ago.
fn check_times(claims: &DfeClaims, now: Timestamp) -> Result<(), IdTokenFault> {
    let now = now.micros().div_euclid(1_000_000);
    let issued = claims.issue_time().timestamp();
    if issued > now + LEEWAY {
        return Err(IdTokenFault::IssuedInFuture);
    }
    if issued < now - LEEWAY - MAX_AGE {
        return Err(IdTokenFault::IssuedLongAgo);
    }
    if claims.auth_time().is_some_and(|at| at.timestamp() > now + LEEWAY) {
        return Err(IdTokenFault::IssuedInFuture);
    }
    match &claims.additional_claims().nbf {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Number(nbf)) => {
            // A NumericDate may have a fraction (RFC 7519, 2).
            let nbf = nbf.to_string();
            let whole = nbf.split('.').next().and_then(|whole| whole.parse::<i64>().ok());
            let whole = whole.ok_or(IdTokenFault::Invalid)?;
            if whole > now + LEEWAY { Err(IdTokenFault::NotYetValid) } else { Ok(()) }
        }
        Some(_) => Err(IdTokenFault::Invalid),
    }
}
