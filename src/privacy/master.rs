//! The one secret that everything else is derived from.

mod file;

use std::path::{Path, PathBuf};
use std::{fmt, io};

use aws_lc_rs::{hkdf, rand};
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use super::CryptoError;
use crate::secret::Secret;

/// How many bytes a master key has.
const LENGTH: usize = 32;

/// Base64 as people paste it: with or without the padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The service's master key: 256 random bits. It is only ever used to derive others from ([`Subkey`]).
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; LENGTH]>);

/// What a key that is derived from the master key is for. Keys of different purposes tell nothing about each
/// other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subkey {
    /// Wraps people's data keys.
    KeyEncryption,
    /// Hashes emails and accounts, so that they can be found again.
    KeyedHash,
    /// Seals cookies.
    Cookies,
    /// Makes one-time passwords.
    OneTimePasswords,
    /// Signs checkpoints of the history.
    Proof,
    /// Is no key: tells whether a key ring belongs to the master key.
    Check,
}

impl Subkey {
    /// The label in the derivation. Never changes.
    const fn label(self) -> &'static [u8] {
        match self {
            Self::KeyEncryption => b"vouchsafe/key-encryption/1",
            Self::KeyedHash => b"vouchsafe/keyed-hash/1",
            Self::Cookies => b"vouchsafe/cookies/1",
            Self::OneTimePasswords => b"vouchsafe/one-time-passwords/1",
            Self::Proof => b"vouchsafe/proof/1",
            Self::Check => b"vouchsafe/check/1",
        }
    }
}

/// Why there is no master key. No variant shows any of it.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The file is not there, may not be read, or could not be made.
    #[error("the master key file {path} cannot be used: check that its directory exists and who may read it")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// Other users of the machine may read or change the file.
    #[error(
        "the master key file {path} is open to other users (mode {mode:03o}): run `chmod 600` on it, and make a new key if others may have read it"
    )]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The text is neither base64 nor hexadecimal, or has more than one line.
    #[error(
        "the master key is not one line of base64 or hexadecimal: make one with `openssl rand -base64 32`"
    )]
    NotAKey,
    /// The text has the right form, but not the right length.
    #[error("the master key has {found} bytes, but must have 32: make one with `openssl rand -base64 32`")]
    WrongLength {
        /// How many bytes it has.
        found: usize,
    },
    /// No random bytes could be had for a new key.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

impl MasterKey {
    /// Reads the key from the file at `path`; makes the file, with a new key in it that only its owner may
    /// read, if there is none.
    ///
    /// The new key is on disk when this returns. Of two processes that start at once, one makes the key and
    /// both read it.
    pub fn load_or_create(path: &Path) -> Result<Self, MasterKeyError> {
        match file::read(path) {
            Err(MasterKeyError::Unusable { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                file::create(path, &Self::generate()?.to_line())?;
                Self::load(path)
            }
            text => Self::parse(&text?),
        }
    }

    /// Reads the key from the file at `path`.
    pub fn load(path: &Path) -> Result<Self, MasterKeyError> {
        Self::parse(&file::read(path)?)
    }

    /// Takes a key that the configuration holds.
    pub fn from_secret(secret: &Secret) -> Result<Self, MasterKeyError> {
        Self::parse(secret.expose())
    }

    /// Draws a new key.
    pub fn generate() -> Result<Self, CryptoError> {
        let mut key = Zeroizing::new([0; LENGTH]);
        rand::fill(key.as_mut_slice())?;
        Ok(Self(key))
    }

    /// The key for one purpose: HKDF-SHA-256 (RFC 5869) of the master key.
    pub fn derive(&self, purpose: Subkey) -> Result<Zeroizing<[u8; 32]>, CryptoError> {
        /// How much to derive.
        struct Length;
        impl hkdf::KeyType for Length {
            fn len(&self) -> usize {
                32
            }
        }
        let mut key = Zeroizing::new([0; 32]);
        let master = hkdf::Salt::new(hkdf::HKDF_SHA256, b"vouchsafe").extract(self.0.as_slice());
        master.expand(&[purpose.label()], Length)?.fill(key.as_mut_slice())?;
        Ok(key)
    }

    fn parse(text: &str) -> Result<Self, MasterKeyError> {
        let text = text.trim();
        let bytes = match unhex(text) {
            Some(bytes) => bytes,
            None => Zeroizing::new(BASE64.decode(text).map_err(|_| MasterKeyError::NotAKey)?),
        };
        let mut key = Zeroizing::new([0; LENGTH]);
        if bytes.len() != LENGTH {
            return Err(MasterKeyError::WrongLength { found: bytes.len() });
        }
        key.copy_from_slice(&bytes);
        Ok(Self(key))
    }

    /// The key as it stands in its file.
    fn to_line(&self) -> Zeroizing<String> {
        let mut line = Zeroizing::new(String::with_capacity(48));
        BASE64.encode_string(self.0.as_slice(), &mut line);
        line.push('\n');
        line
    }
}

/// Reads 64 hexadecimal digits; none if the text is anything else (as base64 it would be 48 bytes).
fn unhex(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != LENGTH || !rest.is_empty() {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = Zeroizing::new(Vec::with_capacity(LENGTH));
    for [high, low] in pairs {
        bytes.push(digit(*high)? << 4 | digit(*low)?);
    }
    Some(bytes)
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[master key]")
    }
}

#[cfg(test)]
mod tests;
