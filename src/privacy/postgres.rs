//! Wrapped data keys in a PostgreSQL database, for instances on more than one machine.
//!
//! What is promised when a key is destroyed, and when:
//! 1. At once, by this process; within [`FRESH`] by all others: no text sealed under it is shown any more.
//! 2. When [`KeyStore::destroy`] returns: the table's files hold no copy of it. `VACUUM FULL` has written them anew.
//! 3. With the server's next checkpoint, which is asked for where the role may (`pg_checkpoint`): the write-ahead log
//!    holds none, if the server has `wal_recycle = off`, keeps no old segments (`wal_keep_size = 0`) and archives none.
//! 4. Standbys follow by themselves. Backups and archived segments keep what they have for as long as they are kept.
//!
//! What is left anywhere is a key wrapped under the master key, which the database never sees.

mod settings;
mod worker;

use std::fmt;
use std::sync::{Mutex, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use postgres::error::SqlState;
use postgres::{Client, Transaction};
use vouchsafe_events::PersonId;

pub use self::settings::{PostgresSettings, PostgresSettingsError};
use self::worker::Worker;
use super::aside::aside;
use super::{KeyState, KeyStore, KeyStoreError, WrappedKey};

/// How old the count of destroyed keys may be that a use of a key relies on.
pub const FRESH: Duration = Duration::from_millis(200);

/// The newest form of the tables that this version knows.
const FORM: i64 = 1;

/// The tables. They are made by whoever is first.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS vouchsafe_ring (
        single   boolean PRIMARY KEY DEFAULT true CHECK (single),
        form     bigint  NOT NULL,
        erasures bigint  NOT NULL DEFAULT 0,
        master   bytea   CHECK (length(master) = 32)
    );
    CREATE TABLE IF NOT EXISTS vouchsafe_keys (
        person  uuid PRIMARY KEY,
        wrapped bytea
    );
    INSERT INTO vouchsafe_ring (form) VALUES (1) ON CONFLICT DO NOTHING;
";

/// The key store in a PostgreSQL database.
pub struct PostgresKeyStore {
    worker: Worker,
    /// How many keys were destroyed, as of when that was asked.
    erasures: Mutex<Option<(u64, Instant)>>,
}

impl PostgresKeyStore {
    /// Connects, and makes the tables if there are none. Blocks until the server has answered.
    pub fn open(settings: &PostgresSettings) -> Result<Self, KeyStoreError> {
        let worker = Worker::start(settings)?;
        let form = worker.ask(|client| {
            let mut transaction = client.transaction()?;
            // Two that make a table at once would fail on each other.
            transaction.execute("SELECT pg_advisory_xact_lock(1449485123)", &[])?;
            transaction.batch_execute(SCHEMA)?;
            let form: i64 = transaction.query_one("SELECT form FROM vouchsafe_ring", &[])?.get(0);
            transaction.commit()?;
            Ok(form)
        })?;
        if form > FORM {
            return Err(KeyStoreError::NewerForm { found: form, known: FORM });
        }
        Ok(Self { worker, erasures: Mutex::default() })
    }

    /// Whether no key ring has used the tables yet.
    pub fn is_new(&self) -> Result<bool, KeyStoreError> {
        self.ask(|client| Ok(client.query_one("SELECT master IS NULL FROM vouchsafe_ring", &[])?.get(0)))
    }

    /// Asks the server. Other work of the runtime goes on meanwhile.
    fn ask<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Client) -> Result<T, postgres::Error> + Send + 'static,
    ) -> Result<T, KeyStoreError> {
        aside(|| self.worker.ask(work))
    }
}

impl KeyStore for PostgresKeyStore {
    fn get(&self, person: PersonId) -> Result<KeyState, KeyStoreError> {
        let person = person.uuid();
        self.ask(move |client| {
            let row = client.query_opt("SELECT wrapped FROM vouchsafe_keys WHERE person = $1", &[&person])?;
            Ok(row.map_or(KeyState::None, |row| state(row.get(0))))
        })
    }

    fn insert_if_absent(&self, person: PersonId, key: WrappedKey) -> Result<KeyState, KeyStoreError> {
        let person = person.uuid();
        self.ask(move |client| {
            client.execute(
                "INSERT INTO vouchsafe_keys (person, wrapped) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                &[&person, &key.as_bytes()],
            )?;
            // After the insert: whoever was first is there by now.
            let row = client.query_one("SELECT wrapped FROM vouchsafe_keys WHERE person = $1", &[&person])?;
            Ok(state(row.get(0)))
        })
    }

    fn destroy(&self, person: PersonId) -> Result<(), KeyStoreError> {
        let person = person.uuid();
        let destroyed = self.ask(move |client| {
            let mut transaction = client.transaction()?;
            let changed = transaction.execute(
                "INSERT INTO vouchsafe_keys AS kept (person, wrapped) VALUES ($1, NULL)
                 ON CONFLICT (person) DO UPDATE SET wrapped = NULL WHERE kept.wrapped IS NOT NULL",
                &[&person],
            )?;
            if changed > 0 {
                transaction.execute("UPDATE vouchsafe_ring SET erasures = erasures + 1", &[])?;
            }
            let erasures = count(&mut transaction)?;
            transaction.commit()?;
            Ok(erasures)
        });
        // Whatever was known is not known any more, also where the answer was lost.
        *lock(&self.erasures) = None;
        let erasures = destroyed?;
        *lock(&self.erasures) = Some((erasures, Instant::now()));
        self.ask(wipe).map_err(|error| {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a trace of a destroyed key could not be wiped"
            );
            KeyStoreError::TraceLeft
        })
    }

    fn erasures(&self) -> Result<u64, KeyStoreError> {
        // Held while the server is asked, so that one asks for all who wait.
        let mut known = match self.erasures.try_lock() {
            Ok(known) => known,
            Err(TryLockError::Poisoned(known)) => known.into_inner(),
            Err(TryLockError::WouldBlock) => aside(|| lock(&self.erasures)),
        };
        let now = Instant::now();
        if let Some((erasures, at)) = *known
            && now.duration_since(at) < FRESH
        {
            return Ok(erasures);
        }
        *known = None;
        let erasures = self.ask(|client| {
            let mut transaction = client.transaction()?;
            count(&mut transaction)
        })?;
        // As of before it was asked.
        *known = Some((erasures, now));
        Ok(erasures)
    }

    fn check(&self, check: [u8; 32]) -> Result<[u8; 32], KeyStoreError> {
        let kept: Vec<u8> = self.ask(move |client| {
            let check = check.as_slice();
            client.execute("UPDATE vouchsafe_ring SET master = $1 WHERE master IS NULL", &[&check])?;
            Ok(client.query_one("SELECT master FROM vouchsafe_ring", &[])?.get(0))
        })?;
        kept.try_into().map_err(|_| KeyStoreError::Unavailable("the check value is not 32 bytes".into()))
    }
}

impl fmt::Debug for PostgresKeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PostgresKeyStore")
    }
}

fn state(wrapped: Option<Vec<u8>>) -> KeyState {
    wrapped.map_or(KeyState::Erased, |wrapped| KeyState::Live(WrappedKey::from_bytes(wrapped)))
}

fn count(transaction: &mut Transaction<'_>) -> Result<u64, postgres::Error> {
    let erasures: i64 = transaction.query_one("SELECT erasures FROM vouchsafe_ring", &[])?.get(0);
    Ok(erasures.cast_unsigned())
}

/// Writes the table anew without what is gone from it, and asks for a checkpoint where that is allowed.
fn wipe(client: &mut Client) -> Result<(), postgres::Error> {
    client.batch_execute("VACUUM FULL vouchsafe_keys")?;
    for command in ["SELECT pg_switch_wal()", "CHECKPOINT", "CHECKPOINT"] {
        match client.batch_execute(command) {
            Err(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
                tracing::info!(
                    command,
                    "the role may not do this: the write-ahead log keeps a trace until the next checkpoint"
                );
            }
            outcome => outcome?,
        }
    }
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
