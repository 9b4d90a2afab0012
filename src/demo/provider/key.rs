//! The provider's signing key: RS256 (RFC 7518), kept in the demo folder.

use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use zeroize::Zeroizing;

/// The file that keeps the key, as PKCS#8 in DER.
const FILE: &str = "stand-in-key.der";

/// Why the provider has no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("{path}, which keeps the stand-in provider's key, cannot be used", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file holds something else.
    #[error("{path} does not hold an RSA key: delete it to have a new one made", path = path.display())]
    Content {
        /// The file.
        path: PathBuf,
    },
    /// The cryptographic library failed.
    #[error("no key could be made")]
    Making,
}

/// A key pair and what the world is told of it.
pub(super) struct SigningKey {
    pair: KeyPair,
    /// Modulus and exponent in base64url, as RFC 7518 section 6.3 writes them.
    modulus: String,
    exponent: String,
    /// The key's thumbprint (RFC 7638).
    id: String,
}

impl SigningKey {
    /// The key in the folder, or a new one that is then kept there.
    pub(super) async fn open(folder: &Path) -> Result<Self, KeyError> {
        let path = folder.join(FILE);
        let file = |source| KeyError::File { path: path.clone(), source };
        match tokio::fs::read(&path).await {
            Ok(bytes) => {
                let bytes = Zeroizing::new(bytes);
                let pair =
                    KeyPair::from_pkcs8(&bytes).map_err(|_| KeyError::Content { path: path.clone() })?;
                Self::of(pair)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                // Finding primes takes long enough to hold up everybody else.
                let made = tokio::task::spawn_blocking(|| KeyPair::generate(KeySize::Rsa2048)).await;
                let pair = made.ok().and_then(Result::ok).ok_or(KeyError::Making)?;
                let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| KeyError::Making)?;
                let beside = path.with_extension("new");
                write_private(&beside, der.as_ref()).await.map_err(file)?;
                tokio::fs::rename(&beside, &path).await.map_err(file)?;
                Self::of(pair)
            }
            Err(source) => Err(KeyError::File { path, source }),
        }
    }

    fn of(pair: KeyPair) -> Result<Self, KeyError> {
        let (modulus, exponent) = public_parts(pair.public_key().as_ref()).ok_or(KeyError::Making)?;
        let (modulus, exponent) = (URL_SAFE_NO_PAD.encode(modulus), URL_SAFE_NO_PAD.encode(exponent));
        let canonical = format!(r#"{{"e":"{exponent}","kty":"RSA","n":"{modulus}"}}"#);
        let id = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, canonical.as_bytes()));
        Ok(Self { pair, modulus, exponent, id })
    }

    /// The public key (RFC 7517).
    pub(super) fn jwk(&self) -> Value {
        json!({
            "kty": "RSA", "use": "sig", "alg": "RS256",
            "kid": self.id, "n": self.modulus, "e": self.exponent,
        })
    }

    /// The claims as a signed token; none if the library failed.
    pub(super) fn sign(&self, claims: &Value) -> Option<String> {
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": self.id });
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", encode(&header), encode(claims));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).ok()?;
        Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The claims of a token that this key signed, however old; none of any other.
    pub(super) fn read(&self, token: &str) -> Option<Value> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (_, claims) = signed.split_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, self.pair.public_key().as_ref())
            .verify(signed.as_bytes(), &signature)
            .ok()?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
    }
}

/// Writes a file that only its owner can read.
async fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use tokio::io::AsyncWriteExt as _;
    let mut options = tokio::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    options.mode(0o600);
    let mut file = options.open(path).await?;
    file.write_all(bytes).await?;
    file.sync_all().await
}

/// Modulus and exponent of an `RSAPublicKey` in DER (RFC 8017, A.1.1), without leading zeros.
fn public_parts(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (sequence, after) = element(der, 0x30)?;
    let (modulus, rest) = element(sequence, 0x02)?;
    let (exponent, end) = element(rest, 0x02)?;
    let bare = |number: &'_ [u8]| number.iter().take_while(|byte| **byte == 0).count();
    (after.is_empty() && end.is_empty()).then_some(())?;
    Some((modulus.get(bare(modulus)..)?, exponent.get(bare(exponent)..)?))
}

/// The content of a DER element with this tag, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    (found == tag).then_some(())?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        // A long form: the low bits count the bytes of the length.
        let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        (bytes.len() <= 4).then_some(())?;
        (bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_key_survives_a_restart_and_knows_its_own_tokens() {
        let folder = tempfile::tempdir().unwrap();
        let first = SigningKey::open(folder.path()).await.unwrap();
        let token = first.sign(&json!({ "sub": "x" })).unwrap();
        let again = SigningKey::open(folder.path()).await.unwrap();
        assert_eq!(first.jwk(), again.jwk());
        assert_eq!(again.read(&token), Some(json!({ "sub": "x" })));
        let forged = token.replacen('.', ".e", 1);
        assert_eq!(again.read(&forged), None);
        // 65537, and a modulus of 2,048 bits.
        assert_eq!(again.exponent, "AQAB");
        assert_eq!(URL_SAFE_NO_PAD.decode(&again.modulus).unwrap().len(), 256);
    }

    #[tokio::test]
    async fn another_file_in_its_place_is_named_in_the_error() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), "no key").unwrap();
        let error = SigningKey::open(folder.path()).await.err().unwrap();
        assert!(error.to_string().contains(FILE), "{error}");
    }
}
