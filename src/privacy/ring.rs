//! The key ring: seals personal data for the log, opens it for a page, and hashes what must be found again.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::{constant_time, digest, hmac};
use uuid::Uuid;
use vouchsafe_events::{ChallengeId, Email, EventId, Held, KeyedHash, Nonce, PersonId, Plain, Sealed, Slot};
use zeroize::Zeroizing;

use super::aside::aside;
use super::cache::Cache;
use super::data_key::{DataKey, KeyId, Shut, WrappingKey};
use super::one_time_password::{Code, Codes};
use super::{CryptoError, KeyState, KeyStore, KeyStoreError, MAX_TEXT, MasterKey, Subkey};
use crate::metrics::{self, KeyRing as Asked, Outcome};

/// How many people's keys are held in the clear at once.
const CACHED: usize = 4096;

/// Seals and opens personal data under its subject's own key.
///
/// Keys that were used of late are held in memory, but no use of one goes without asking the store whether
/// any key was destroyed since. So once a person's key is destroyed, by this process or another one on the
/// same store, no [`open`](Self::open) that begins afterwards shows their data.
///
/// The methods block: for microseconds, but [`seal`](Self::seal) waits for the disk when it is the first for
/// its person. On a runtime with several threads it lets the others' work go on meanwhile.
pub struct KeyRing {
    store: Arc<dyn KeyStore>,
    wrapping: WrappingKey,
    hash: hmac::Key,
    codes: Codes,
    cache: Mutex<Cache>,
}

/// Why there is no key ring.
#[derive(Debug, thiserror::Error)]
pub enum RingError {
    /// The keys were wrapped under another master key.
    #[error(
        "the master key is not the one that the key ring was made with: restore the master key, or the key ring that belongs to it"
    )]
    WrongMasterKey,
    /// The key store failed.
    #[error(transparent)]
    Store(#[from] KeyStoreError),
    /// The cryptographic library failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// Why a text was not sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The person has been erased. If they have come back, they are a new person.
    #[error("person {0} has been erased: nothing more can be stored about them")]
    Erased(PersonId),
    /// The text is longer than [`MAX_TEXT`].
    #[error("a text of {found} bytes is too long to be sealed: at most {MAX_TEXT} may be")]
    TooLong {
        /// How many bytes it has.
        found: usize,
    },
    /// The person has a key, but it does not unwrap.
    #[error("the key of person {person} cannot be used ({why}): restore the key ring from its backup")]
    KeyUnusable {
        /// Whose key.
        person: PersonId,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The key store failed.
    #[error(transparent)]
    Store(#[from] KeyStoreError),
    /// The cryptographic library failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// What became of a sealed value. Displayed, it is what a page shows.
#[derive(Clone, PartialEq, Eq)]
pub enum Opened {
    /// The text.
    Text(Zeroizing<String>),
    /// The person has been erased: shown as `[erased]`.
    Erased,
    /// It does not open: shown as `[unreadable]`, and the log says why.
    Unreadable,
}

impl Opened {
    /// The text, if it could be read.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Erased | Self::Unreadable => None,
        }
    }
}

impl fmt::Display for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Text(text) => text,
            Self::Erased => "[erased]",
            Self::Unreadable => "[unreadable]",
        })
    }
}

/// Does not show the text.
impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "[personal data]",
            Self::Erased => "[erased]",
            Self::Unreadable => "[unreadable]",
        })
    }
}

/// A person's key as it was found.
enum Found {
    None,
    Live(Arc<DataKey>),
    Erased,
}

/// Why a person's key could not be had.
enum Trouble {
    Store(KeyStoreError),
    Shut(Shut),
}

impl KeyRing {
    /// A ring over the keys in `store`, which must be those that were wrapped under `master`. An empty store
    /// becomes this master key's.
    pub fn new(store: Arc<dyn KeyStore>, master: &MasterKey) -> Result<Self, RingError> {
        let check = *master.derive(Subkey::Check)?;
        if constant_time::verify_slices_are_equal(&store.check(check)?, &check).is_err() {
            return Err(RingError::WrongMasterKey);
        }
        let wrapping = WrappingKey { id: key_id(&check), key: master.derive(Subkey::KeyEncryption)? };
        let hash = hmac::Key::new(hmac::HMAC_SHA256, master.derive(Subkey::KeyedHash)?.as_slice());
        let codes = Codes::new(&*master.derive(Subkey::OneTimePasswords)?);
        Ok(Self { store, wrapping, hash, codes, cache: Mutex::new(Cache::new(CACHED)) })
    }

    /// Seals a text for one place in one event. The person gets a key if they have none yet.
    ///
    /// Each sealing gives another value: to append an event again, append the same bytes again.
    pub fn seal(&self, event: EventId, slot: Slot, plain: Plain) -> Result<Sealed, SealError> {
        let person = plain.subject;
        let text = Zeroizing::new(plain.text);
        if text.len() > MAX_TEXT {
            return Err(SealError::TooLong { found: text.len() });
        }
        let unusable = |trouble| match trouble {
            Trouble::Store(error) => SealError::Store(error),
            Trouble::Shut(shut) => SealError::KeyUnusable { person, why: shut.why() },
        };
        let key = match self.find(person).map_err(unusable)? {
            Found::Live(key) => key,
            Found::Erased => return Err(SealError::Erased(person)),
            Found::None => {
                let wrapped = DataKey::generate()?.wrap(&self.wrapping)?;
                // Another process may have been first: the key that the store has is the one that counts.
                match aside(|| timed(Asked::Insert, || self.store.insert_if_absent(person, wrapped)))? {
                    KeyState::Live(kept) => Arc::new(
                        DataKey::unwrap(&kept, &self.wrapping)
                            .map_err(|shut| unusable(Trouble::Shut(shut)))?,
                    ),
                    KeyState::Erased | KeyState::None => return Err(SealError::Erased(person)),
                }
            }
        };
        Ok(key.seal(event, slot, &text)?)
    }

    /// Opens a sealed value. It never fails: what cannot be read says so, and why is logged with the ids of
    /// the event and the person.
    pub fn open(&self, held: &Held) -> Opened {
        self.try_open(held).unwrap_or_else(|error| {
            log_shut(held, "the key ring failed", Some(&error));
            Opened::Unreadable
        })
    }

    /// Opens a sealed value, for those who can wait. An error says that the key store failed, so that it may open
    /// later; what is [`Opened::Unreadable`] here is so for as long as the store holds what it holds.
    pub fn try_open(&self, held: &Held) -> Result<Opened, KeyStoreError> {
        let shut = match self.find(held.subject) {
            Ok(Found::Erased) => return Ok(Opened::Erased),
            Ok(Found::Live(key)) => match key.open(held) {
                Ok(text) => return Ok(Opened::Text(text)),
                Err(shut) => shut,
            },
            Ok(Found::None) => Shut::OtherKey,
            Err(Trouble::Shut(shut)) => shut,
            Err(Trouble::Store(error)) => return Err(error),
        };
        log_shut(held, shut.why(), None);
        Ok(Opened::Unreadable)
    }

    /// Destroys a person's key, for good. What was sealed under it cannot be read any more, and nothing more
    /// can be sealed for the person.
    pub fn destroy(&self, person: PersonId) -> Result<(), KeyStoreError> {
        let destroyed = timed(Asked::Destroy, || self.store.destroy(person));
        self.forget(person);
        destroyed
    }

    /// Drops a person's key from memory; it is read from the store again when it is next needed.
    pub fn forget(&self, person: PersonId) {
        self.cache().forget(person);
    }

    /// The code that answers a person's challenge.
    pub fn one_time_password(&self, person: PersonId, challenge: ChallengeId, nonce: Nonce) -> Code {
        self.codes.code(person, challenge, nonce)
    }

    /// The keyed hash of an email, by which its stream is named.
    pub fn hash_email(&self, email: &Email) -> KeyedHash {
        self.hash(b"vouchsafe/email/1", &[email.as_str()])
    }

    /// The keyed hash of an account at an identity provider, by which its stream is named. Where the subject
    /// is a UUID its case does not count: DfE Sign-in writes the same one in both.
    pub fn hash_subject(&self, issuer: &str, subject: &str) -> KeyedHash {
        let uuid = if subject.len() == 36 { subject.parse::<Uuid>().ok() } else { None };
        match uuid {
            Some(uuid) => self.hash(b"vouchsafe/subject/1", &[issuer, &uuid.hyphenated().to_string()]),
            None => self.hash(b"vouchsafe/subject/1", &[issuer, subject]),
        }
    }

    /// HMAC-SHA-256 of what is hashed: the kind and the parts, each with its length before it, so that no two
    /// inputs run together to the same.
    fn hash(&self, kind: &[u8], parts: &[&str]) -> KeyedHash {
        let mut context = hmac::Context::with_key(&self.hash);
        for part in std::iter::once(kind).chain(parts.iter().map(|part| part.as_bytes())) {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut hash = [0; 32];
        hash.copy_from_slice(context.sign().as_ref());
        KeyedHash::from_bytes(hash)
    }

    fn find(&self, person: PersonId) -> Result<Found, Trouble> {
        // In this order: a key that is destroyed after the count was taken changes the next count.
        let erasures = self
            .store
            .erasures()
            .inspect_err(|_| metrics::key_ring_failed(Asked::Erasures))
            .map_err(Trouble::Store)?;
        if let Some(key) = self.cache().get(erasures, person) {
            return Ok(Found::Live(key));
        }
        match timed(Asked::Get, || self.store.get(person)).map_err(Trouble::Store)? {
            KeyState::None => Ok(Found::None),
            KeyState::Erased => Ok(Found::Erased),
            KeyState::Live(wrapped) => {
                let key = Arc::new(DataKey::unwrap(&wrapped, &self.wrapping).map_err(Trouble::Shut)?);
                self.cache().put(erasures, person, Arc::clone(&key));
                Ok(Found::Live(key))
            }
        }
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[key ring]")
    }
}

/// Says why a sealed value does not open.
fn log_shut(held: &Held, why: &str, error: Option<&KeyStoreError>) {
    tracing::error!(
        event = %held.event,
        slot = held.slot.as_str(),
        person = %held.subject,
        why,
        error = error.map(|error| error as &dyn std::error::Error),
        "a sealed value cannot be opened"
    );
}

/// Has the store do something, and notes how long it took.
fn timed<T>(asked: Asked, work: impl FnOnce() -> Result<T, KeyStoreError>) -> Result<T, KeyStoreError> {
    let begun = std::time::Instant::now();
    let done = work();
    let how = if done.is_ok() { Outcome::Done } else { Outcome::Failed };
    metrics::key_ring(asked, how, begun.elapsed());
    done
}

/// Names a key-encryption key by what is derived beside it.
fn key_id(check: &[u8; 32]) -> KeyId {
    let mut id = KeyId::default();
    id.iter_mut().zip(digest::digest(&digest::SHA256, check).as_ref()).for_each(|(to, from)| *to = *from);
    id
}

#[cfg(test)]
mod tests;
