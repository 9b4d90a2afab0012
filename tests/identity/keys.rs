//! The keys of the provider that misbehaves. The good ones are made once a run; the weak one is a file, because
//! no library here would make it.

use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512};
use aws_lc_rs::{hmac, signature};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use openidconnect::core::{CoreJwsSigningAlgorithm, CoreRsaPrivateSigningKey};
use openidconnect::{JsonWebKeyId, PrivateSigningKey};
use serde_json::{Value, json};

static MAIN: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::generate(KeySize::Rsa2048).unwrap());
static NEXT: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::generate(KeySize::Rsa2048).unwrap());
static WEAK: LazyLock<CoreRsaPrivateSigningKey> = LazyLock::new(|| {
    let kid = JsonWebKeyId::new("weak".to_owned());
    CoreRsaPrivateSigningKey::from_pem(include_str!("../data/weak_rsa_1024.pem"), Some(kid)).unwrap()
});

/// Makes all keys, so that no call waits for one.
pub fn make() {
    LazyLock::force(&MAIN);
    LazyLock::force(&NEXT);
    LazyLock::force(&WEAK);
}

/// Who signs a token, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signer {
    /// RS256 by the key `main`.
    Main,
    /// RS256 by the key `next`, which is published only after a rotation.
    Next,
    /// RS256 by the key `weak`, of 1024 bits.
    Weak,
    /// RS512 by the key `main`.
    Rs512,
    /// HS256 under the client secret.
    Hs256(&'static str),
    /// Nobody.
    Nobody,
}

impl Signer {
    pub fn alg(self) -> &'static str {
        match self {
            Self::Main | Self::Next | Self::Weak => "RS256",
            Self::Rs512 => "RS512",
            Self::Hs256(_) => "HS256",
            Self::Nobody => "none",
        }
    }

    pub fn kid(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Weak => "weak",
            _ => "main",
        }
    }

    fn signature(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Main => rsa(&MAIN, &RSA_PKCS1_SHA256, message),
            Self::Next => rsa(&NEXT, &RSA_PKCS1_SHA256, message),
            Self::Rs512 => rsa(&MAIN, &RSA_PKCS1_SHA512, message),
            Self::Weak => WEAK.sign(&CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256, message).unwrap(),
            Self::Hs256(secret) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
                hmac::sign(&key, message).as_ref().to_vec()
            }
            Self::Nobody => Vec::new(),
        }
    }

    /// A JWT with this header and payload.
    pub fn jwt(self, header: &Value, payload: &str) -> String {
        let mut jwt = BASE64_URL_SAFE_NO_PAD.encode(header.to_string());
        jwt.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(payload, &mut jwt);
        let signature = self.signature(jwt.as_bytes());
        jwt.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut jwt);
        jwt
    }

    /// The public half, as a JWK.
    pub fn jwk(self) -> Value {
        match self {
            Self::Weak => serde_json::to_value(WEAK.as_verification_key()).unwrap(),
            Self::Next => jwk(&NEXT, "next"),
            _ => jwk(&MAIN, "main"),
        }
    }
}

fn rsa(key: &KeyPair, encoding: &'static dyn signature::RsaEncoding, message: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(encoding, &SystemRandom::new(), message, &mut signature).unwrap();
    signature
}

fn jwk(key: &KeyPair, kid: &str) -> Value {
    // An RSAPublicKey of 2048 bits: SEQUENCE (4 bytes), INTEGER (4 bytes), a zero, then the modulus.
    let der = key.public_key().as_ref();
    let modulus = &der[9..9 + 256];
    json!({
        "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "e": "AQAB",
        "n": BASE64_URL_SAFE_NO_PAD.encode(modulus),
    })
}
