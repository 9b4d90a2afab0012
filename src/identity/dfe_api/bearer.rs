//! The token that we sign for each call.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::HeaderValue;
use serde_json::json;
use vouchsafe_events::Timestamp;

use crate::secret::Secret;

/// How long a token serves, in seconds. DfE asks for no end; one that leaks should have one.
const SECONDS: i64 = 300;
/// How far DfE's clock may be behind ours, in seconds: a token from the future is refused by some libraries.
const LEEWAY: i64 = 30;

/// An `Authorization` header with a JWT (RFC 7519) signed by HS256 under the API secret.
pub(super) fn header(issuer: &str, audience: &str, secret: &Secret, now: Timestamp) -> Option<HeaderValue> {
    let now = now.micros().div_euclid(1_000_000);
    let claims = json!({ "iss": issuer, "aud": audience, "iat": now - LEEWAY, "exp": now + SECONDS });
    let mut token = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    token.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(claims.to_string(), &mut token);
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
    let tag = hmac::sign(&key, token.as_bytes());
    token.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(tag.as_ref(), &mut token);
    let mut header = HeaderValue::try_from(format!("Bearer {token}")).ok()?;
    header.set_sensitive(true);
    Some(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_says_who_we_are_for_five_minutes_and_is_signed_under_the_secret() {
        let now = Timestamp::from_micros(1_700_000_000_500_000);
        let header = header("ecf2", "signin.education.gov.uk", &Secret::from("s".to_owned()), now).unwrap();
        assert!(header.is_sensitive());
        let token = header.to_str().unwrap().strip_prefix("Bearer ").unwrap();
        let (signed, tag) = token.rsplit_once('.').unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"s");
        hmac::verify(&key, signed.as_bytes(), &BASE64_URL_SAFE_NO_PAD.decode(tag).unwrap()).unwrap();
        let claims = BASE64_URL_SAFE_NO_PAD.decode(signed.split_once('.').unwrap().1).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(
            claims,
            json!({
                "iss": "ecf2",
                "aud": "signin.education.gov.uk",
                "iat": 1_699_999_970,
                "exp": 1_700_000_300,
            })
        );
    }
}
