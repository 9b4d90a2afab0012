//! Where people's wrapped data keys are kept.

use std::fmt;
use std::path::PathBuf;

use vouchsafe_events::PersonId;

/// A person's data key, wrapped: opaque to the store, and harmless without the master key.
#[derive(Clone, PartialEq, Eq)]
pub struct WrappedKey(Vec<u8>);

impl WrappedKey {
    /// Takes the bytes that a store has kept.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes to keep.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for WrappedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[wrapped key]")
    }
}

/// What a store knows of a person's data key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// There has never been one.
    None,
    /// There is one.
    Live(WrappedKey),
    /// It has been destroyed, and there will never be another: a person who comes back is a new person.
    Erased,
}

/// A store of wrapped data keys, one a person.
///
/// The methods block: names are opened while a page is written, one by one. A store across a network hands the
/// runtime's other work on while it waits, and may answer [`erasures`](Self::erasures) from what it was told a moment
/// ago: its documentation says how long that is.
pub trait KeyStore: Send + Sync + 'static {
    /// The state of a person's key.
    fn get(&self, person: PersonId) -> Result<KeyState, KeyStoreError>;

    /// Keeps `key` as the person's, on disk, unless there is or was one already; says what the state then is.
    /// Of several writers at once one succeeds, and all are told of its key.
    fn insert_if_absent(&self, person: PersonId, key: WrappedKey) -> Result<KeyState, KeyStoreError>;

    /// Destroys the person's key, for good: when this returns, no copy of it is left in the store. A person
    /// who has none is erased all the same. Doing it again is harmless.
    fn destroy(&self, person: PersonId) -> Result<(), KeyStoreError>;

    /// How many keys have been destroyed so far, by whatever process. Whoever holds copies of keys asks
    /// before each use whether the number is still the same. Takes microseconds, nearly always.
    fn erasures(&self) -> Result<u64, KeyStoreError>;

    /// Keeps `check` unless a check value is kept already; gives back the one that is kept. It tells whether
    /// the keys here were wrapped under the master key at hand.
    fn check(&self, check: [u8; 32]) -> Result<[u8; 32], KeyStoreError>;

    /// The last checkpoint of the history that was signed under a name of the log. It is kept here because it must
    /// outlive the log's end being lost.
    fn checkpoint(&self, origin: &str) -> Result<Option<Vec<u8>>, KeyStoreError>;

    /// Keeps `next` as the last checkpoint under that name, on disk, if what is kept is still `expected`; says whether
    /// it is what is kept now. Of several who try on one checkpoint, one succeeds.
    fn keep_checkpoint(
        &self,
        origin: &str,
        expected: Option<&[u8]>,
        next: &[u8],
    ) -> Result<bool, KeyStoreError>;
}

/// Why the key store could not do what was asked of it.
#[derive(Debug, thiserror::Error)]
pub enum KeyStoreError {
    /// The file may not be used, or cannot be made.
    #[error("the key ring {path} cannot be used: check that its directory exists and who may write to it")]
    NotAllowed {
        /// The file.
        path: PathBuf,
        /// What the operating system or the engine says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The file is not a key ring.
    #[error("{path} is not a key ring: name another file, or restore the key ring from its backup")]
    NotAKeyRing {
        /// The file.
        path: PathBuf,
    },
    /// A newer version of this product wrote the file.
    #[error("the key ring has form {found}, but this version of vouchsafe knows only {known}: upgrade it")]
    NewerForm {
        /// The form of the file.
        found: i64,
        /// The newest form that is known.
        known: i64,
    },
    /// A key was destroyed, but a copy of it is still in the write-ahead log because another process reads.
    #[error("a key was destroyed, but a trace of it could not be wiped yet: destroy it again")]
    TraceLeft,
    /// The engine failed.
    #[error("the key ring does not answer")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}
