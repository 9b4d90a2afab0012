//! Personal data, made unreadable to whoever holds only the log.
//!
//! Each person has a data key of their own, under which every text about them is sealed before it goes into
//! an event. The data keys lie in a [`KeyStore`] apart from the log, themselves wrapped under a key that is
//! derived from the service's one [`MasterKey`]. To erase a person is to destroy their data key: the log and
//! its proofs stay whole, and what they say of the person can no longer be read.
//!
//! The ring is to be backed up apart from the log, and its backups kept for a short time only: a restored
//! backup brings destroyed keys back. Whoever loses the ring or the master key loses all names.
//!
//! Sealed data is still personal data. So are the keyed hashes of emails and accounts, which outlive an
//! erasure: whoever holds the master key can confirm a guess with them.

mod aside;
mod cache;
mod cookie;
mod data_key;
mod master;
mod one_time_password;
mod postgres;
mod ring;
mod sqlite;
mod store;

pub use cookie::{CookieError, CookieSealer, MAX_COOKIE};
pub use data_key::MAX_TEXT;
pub use master::{MasterKey, MasterKeyError, Subkey};
pub use one_time_password::{Code, DIGITS, NotACode, TypedCode};
pub use postgres::{FRESH, PostgresKeyStore, PostgresSettings, PostgresSettingsError};
pub use ring::{KeyRing, Opened, RingError, SealError};
pub use sqlite::SqliteKeyStore;
pub use store::{KeyState, KeyStore, KeyStoreError, WrappedKey};

/// The cryptographic library refused. It does not say why; in practice the machine is out of memory or has no
/// source of randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cryptographic library failed")]
pub struct CryptoError;

impl From<aws_lc_rs::error::Unspecified> for CryptoError {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self
    }
}
