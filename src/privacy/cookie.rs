//! Cookies that only the service can read or make.
//!
//! A sealed cookie is, in base64url without padding, form version (1 byte) ‖ nonce (12) ‖ ciphertext and tag.
//! All cookies of all instances are sealed under one key with random nonces, so the cipher is AES-256-GCM-SIV
//! (RFC 8452): should a nonce ever come twice, that tells no more than whether two cookies are equal.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::{CryptoError, MasterKey, Subkey};

/// The most characters that a sealed cookie may have: browsers keep 4,096 for name, value and attributes
/// together (RFC 6265, 6.1).
pub const MAX_COOKIE: usize = 3800;

/// The form that is written.
const FORM: u8 = 1;

/// Seals what a cookie holds. Any instance with the same master key opens what another sealed.
///
/// A sealed cookie does not age: whoever needs it to end puts the instant into the value.
pub struct CookieSealer(RandomizedNonceKey);

/// Why a cookie was not sealed.
#[derive(Debug, thiserror::Error)]
pub enum CookieError {
    /// Browsers would drop it.
    #[error("a cookie of {found} characters is too long: at most {MAX_COOKIE} may be kept")]
    TooLong {
        /// How many it would have.
        found: usize,
    },
    /// The value has no JSON form.
    #[error("the cookie's value cannot be written as JSON")]
    NotSerialisable(#[source] serde_json::Error),
    /// The cryptographic library failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

impl CookieSealer {
    /// A sealer under the master key's subkey for cookies.
    pub fn new(master: &MasterKey) -> Result<Self, CryptoError> {
        let key = master.derive(Subkey::Cookies)?;
        Ok(Self(RandomizedNonceKey::new(&AES_256_GCM_SIV, key.as_slice())?))
    }

    /// Seals `value` as the value of the cookie that is named `purpose` (for instance `__Host-session`): put
    /// under another name, it does not open.
    pub fn seal(&self, purpose: &str, value: &impl Serialize) -> Result<String, CookieError> {
        let mut sealed = serde_json::to_vec(value).map_err(CookieError::NotSerialisable)?;
        let nonce =
            self.0.seal_in_place_append_tag(bound(purpose), &mut sealed).map_err(CryptoError::from)?;
        let cookie = BASE64.encode([&[FORM], nonce.as_ref().as_slice(), &sealed].concat());
        if cookie.len() > MAX_COOKIE {
            return Err(CookieError::TooLong { found: cookie.len() });
        }
        Ok(cookie)
    }

    /// Opens a cookie that [`seal`](Self::seal) made for the same purpose. None if it is anything else, for
    /// instance an old one of another form: it is as if the browser had sent none.
    pub fn open<T: DeserializeOwned>(&self, purpose: &str, cookie: &str) -> Option<T> {
        if cookie.len() > MAX_COOKIE {
            return None;
        }
        let mut bytes = Zeroizing::new(BASE64.decode(cookie).ok()?);
        let (form, rest) = bytes.split_first_mut()?;
        let (nonce, sealed) = rest.split_first_chunk_mut::<12>()?;
        if *form != FORM {
            return None;
        }
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let value = self.0.open_in_place(nonce, bound(purpose), sealed).ok()?;
        serde_json::from_slice(value).ok()
    }
}

impl fmt::Debug for CookieSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[cookie sealer]")
    }
}

/// What a cookie is bound to.
fn bound(purpose: &str) -> Aad<Vec<u8>> {
    Aad::from([&[FORM], purpose.as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    struct Value {
        token: String,
        position: u64,
    }

    fn value() -> Value {
        Value { token: "ann".to_owned(), position: 7 }
    }

    fn sealer() -> CookieSealer {
        CookieSealer::new(&MasterKey::generate().unwrap()).unwrap()
    }

    #[test]
    fn a_cookie_opens_on_every_instance_with_the_same_master_key_and_nowhere_else() {
        let master = MasterKey::generate().unwrap();
        let cookie = CookieSealer::new(&master).unwrap().seal("__Host-session", &value()).unwrap();
        let other = CookieSealer::new(&master).unwrap();
        assert_eq!(other.open("__Host-session", &cookie), Some(value()));
        assert_eq!(other.open::<Value>("__Host-sign-in", &cookie), None);
        assert_eq!(sealer().open::<Value>("__Host-session", &cookie), None);
        assert_ne!(other.seal("__Host-session", &value()).unwrap(), cookie);
        assert!(!format!("{other:?}").contains('1'));
    }

    #[test]
    fn a_cookie_is_fit_to_be_one() {
        let sealer = sealer();
        let cookie = sealer.seal("c", &"\"; Secure=no \u{1F600}\r\n".repeat(50)).unwrap();
        assert!(cookie.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
        let error = sealer.seal("c", &"a".repeat(4000)).unwrap_err();
        assert!(matches!(error, CookieError::TooLong { found } if found > 4000), "{error}");
        assert!(cookie.len() <= MAX_COOKIE);
    }

    #[test]
    fn a_cookie_that_was_changed_in_any_bit_does_not_open() {
        let sealer = sealer();
        let cookie = sealer.seal("c", &value()).unwrap();
        let bytes = BASE64.decode(&cookie).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(sealer.open::<Value>("c", &BASE64.encode(bytes)), None, "bit {bit}");
        }
    }

    proptest! {
        #[test]
        fn what_browsers_may_send_never_opens_and_never_panics(text in "\\PC{0,80}", bytes: Vec<u8>) {
            let sealer = sealer();
            prop_assert_eq!(sealer.open::<Value>("c", &text), None);
            prop_assert_eq!(sealer.open::<Value>("c", &BASE64.encode(bytes)), None);
        }
    }
}
