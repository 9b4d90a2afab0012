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
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error};
use uuid::Uuid;
use vouchsafe_events::PersonId;

pub use self::settings::{PostgresSettings, PostgresSettingsError};
use self::worker::Worker;
use super::aside::aside;
use super::{KeyState, KeyStore, KeyStoreError, WrappedKey};

/// How old the count of destroyed keys may be that a use of a key relies on.
pub const FRESH: Duration = Duration::from_millis(200);

/// For how long it is not asked again after it did not answer: whoever writes a page with many names waits once.
const LEFT_ALONE: Duration = Duration::from_secs(1);

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
    CREATE TABLE IF NOT EXISTS vouchsafe_checkpoints (
        origin text  PRIMARY KEY,
        note   bytea NOT NULL
    );
    INSERT INTO vouchsafe_ring (form) VALUES (1) ON CONFLICT DO NOTHING;
";

/// Why the server did not do its part.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    /// It, or the way to it, failed.
    #[error("the key ring's database failed")]
    Server(#[source] Error),
    /// It said nothing in time.
    #[error("the key ring's database does not answer")]
    Silent,
}

/// What the server is asked, by one connection. It may be asked again after a failure.
trait Asked: Send + 'static {
    type Answer: Send + 'static;

    fn ask(&self, client: &mut Client) -> impl Future<Output = Result<Self::Answer, Error>>;
}

/// Makes the tables, and tells their form.
struct Prepare;

impl Asked for Prepare {
    type Answer = i64;

    async fn ask(&self, client: &mut Client) -> Result<i64, Error> {
        let transaction = client.transaction().await?;
        // Two that make a table at once would fail on each other.
        transaction.execute("SELECT pg_advisory_xact_lock(1449485123)", &[]).await?;
        transaction.batch_execute(SCHEMA).await?;
        let form = transaction.query_one("SELECT form FROM vouchsafe_ring", &[]).await?.get(0);
        transaction.commit().await?;
        Ok(form)
    }
}

/// Whether no key ring has used the tables yet.
struct IsNew;

impl Asked for IsNew {
    type Answer = bool;

    async fn ask(&self, client: &mut Client) -> Result<bool, Error> {
        Ok(client.query_one("SELECT master IS NULL FROM vouchsafe_ring", &[]).await?.get(0))
    }
}

struct Get(Uuid);

impl Asked for Get {
    type Answer = KeyState;

    async fn ask(&self, client: &mut Client) -> Result<KeyState, Error> {
        let row =
            client.query_opt("SELECT wrapped FROM vouchsafe_keys WHERE person = $1", &[&self.0]).await?;
        Ok(row.map_or(KeyState::None, |row| state(row.get(0))))
    }
}

struct InsertIfAbsent(Uuid, WrappedKey);

impl Asked for InsertIfAbsent {
    type Answer = KeyState;

    async fn ask(&self, client: &mut Client) -> Result<KeyState, Error> {
        let insert = "INSERT INTO vouchsafe_keys (person, wrapped) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        client.execute(insert, &[&self.0, &self.1.as_bytes()]).await?;
        // After the insert: whoever was first is there by now.
        let row =
            client.query_one("SELECT wrapped FROM vouchsafe_keys WHERE person = $1", &[&self.0]).await?;
        Ok(state(row.get(0)))
    }
}

/// Destroys a key, and tells how many are by then.
struct Destroy(Uuid);

impl Asked for Destroy {
    type Answer = u64;

    async fn ask(&self, client: &mut Client) -> Result<u64, Error> {
        let transaction = client.transaction().await?;
        let changed = transaction
            .execute(
                "INSERT INTO vouchsafe_keys AS kept (person, wrapped) VALUES ($1, NULL)
                 ON CONFLICT (person) DO UPDATE SET wrapped = NULL WHERE kept.wrapped IS NOT NULL",
                &[&self.0],
            )
            .await?;
        if changed > 0 {
            transaction.execute("UPDATE vouchsafe_ring SET erasures = erasures + 1", &[]).await?;
        }
        let erasures: i64 = transaction.query_one("SELECT erasures FROM vouchsafe_ring", &[]).await?.get(0);
        transaction.commit().await?;
        Ok(erasures.cast_unsigned())
    }
}

/// Writes the table anew without what is gone from it, and asks for a checkpoint where that is allowed.
struct Wipe;

impl Asked for Wipe {
    type Answer = ();

    async fn ask(&self, client: &mut Client) -> Result<(), Error> {
        client.batch_execute("VACUUM FULL vouchsafe_keys").await?;
        for command in ["SELECT pg_switch_wal()", "CHECKPOINT", "CHECKPOINT"] {
            match client.batch_execute(command).await {
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
}

struct Erasures;

impl Asked for Erasures {
    type Answer = u64;

    async fn ask(&self, client: &mut Client) -> Result<u64, Error> {
        let erasures: i64 = client.query_one("SELECT erasures FROM vouchsafe_ring", &[]).await?.get(0);
        Ok(erasures.cast_unsigned())
    }
}

struct Check([u8; 32]);

impl Asked for Check {
    type Answer = Vec<u8>;

    async fn ask(&self, client: &mut Client) -> Result<Vec<u8>, Error> {
        let check = self.0.as_slice();
        client.execute("UPDATE vouchsafe_ring SET master = $1 WHERE master IS NULL", &[&check]).await?;
        Ok(client.query_one("SELECT master FROM vouchsafe_ring", &[]).await?.get(0))
    }
}

/// The last checkpoint under a name.
struct Checkpoint(String);

impl Asked for Checkpoint {
    type Answer = Option<Vec<u8>>;

    async fn ask(&self, client: &mut Client) -> Result<Option<Vec<u8>>, Error> {
        let select = "SELECT note FROM vouchsafe_checkpoints WHERE origin = $1";
        Ok(client.query_opt(select, &[&self.0]).await?.map(|row| row.get(0)))
    }
}

/// Keeps a checkpoint in place of the one that is expected, and tells whether it is what is kept then.
struct KeepCheckpoint {
    origin: String,
    expected: Option<Vec<u8>>,
    next: Vec<u8>,
}

impl Asked for KeepCheckpoint {
    type Answer = bool;

    async fn ask(&self, client: &mut Client) -> Result<bool, Error> {
        // One statement each, so that of two who try at once the second one finds what the first one kept.
        let changed = match &self.expected {
            None => {
                let insert =
                    "INSERT INTO vouchsafe_checkpoints (origin, note) VALUES ($1, $2) ON CONFLICT DO NOTHING";
                client.execute(insert, &[&self.origin, &self.next]).await?
            }
            Some(expected) => {
                let update = "UPDATE vouchsafe_checkpoints SET note = $2 WHERE origin = $1 AND note = $3";
                client.execute(update, &[&self.origin, &self.next, expected]).await?
            }
        };
        if changed > 0 {
            return Ok(true);
        }
        // Perhaps by this one, where the answer was lost and it is asked again.
        let select = "SELECT note = $2 FROM vouchsafe_checkpoints WHERE origin = $1";
        let same = client.query_opt(select, &[&self.origin, &self.next]).await?;
        Ok(same.is_some_and(|row| row.get(0)))
    }
}

/// What was last heard of how many keys were destroyed, and as of when.
#[derive(Clone, Copy, Debug, Default)]
enum Heard {
    #[default]
    Nothing,
    Count(u64, Instant),
    /// The server did not answer.
    Silence(Instant),
}

/// The key store in a PostgreSQL database.
pub struct PostgresKeyStore {
    worker: Worker,
    erasures: Mutex<Heard>,
}

impl PostgresKeyStore {
    /// Connects, and makes the tables if there are none. Blocks until the server has answered.
    pub fn open(settings: &PostgresSettings) -> Result<Self, KeyStoreError> {
        let worker = Worker::start(settings)?;
        let form = worker.ask(Prepare)?;
        if form > FORM {
            return Err(KeyStoreError::NewerForm { found: form, known: FORM });
        }
        Ok(Self { worker, erasures: Mutex::default() })
    }

    /// Whether no key ring has used the tables yet.
    pub fn is_new(&self) -> Result<bool, KeyStoreError> {
        self.ask(IsNew)
    }

    /// Asks the server. Other work of the runtime goes on meanwhile.
    fn ask<A: Asked>(&self, asked: A) -> Result<A::Answer, KeyStoreError> {
        aside(|| self.worker.ask(asked))
    }
}

impl KeyStore for PostgresKeyStore {
    fn get(&self, person: PersonId) -> Result<KeyState, KeyStoreError> {
        self.ask(Get(person.uuid()))
    }

    fn insert_if_absent(&self, person: PersonId, key: WrappedKey) -> Result<KeyState, KeyStoreError> {
        self.ask(InsertIfAbsent(person.uuid(), key))
    }

    fn destroy(&self, person: PersonId) -> Result<(), KeyStoreError> {
        let destroyed = self.ask(Destroy(person.uuid()));
        // Whatever was known is not known any more, also where the answer was lost.
        *lock(&self.erasures) = Heard::Nothing;
        let erasures = destroyed?;
        *lock(&self.erasures) = Heard::Count(erasures, Instant::now());
        self.ask(Wipe).map_err(|error| {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "a trace of a destroyed key could not be wiped");
            KeyStoreError::TraceLeft
        })
    }

    fn erasures(&self) -> Result<u64, KeyStoreError> {
        // Held while the server is asked, so that one asks for all who wait.
        let mut heard = match self.erasures.try_lock() {
            Ok(heard) => heard,
            Err(TryLockError::Poisoned(heard)) => heard.into_inner(),
            Err(TryLockError::WouldBlock) => aside(|| lock(&self.erasures)),
        };
        let now = Instant::now();
        match *heard {
            Heard::Count(erasures, at) if now.duration_since(at) < FRESH => return Ok(erasures),
            Heard::Silence(at) if now.duration_since(at) < LEFT_ALONE => {
                return Err(KeyStoreError::Unavailable(Box::new(Trouble::Silent)));
            }
            _ => {}
        }
        *heard = Heard::Nothing;
        let asked = self.ask(Erasures);
        *heard = match asked {
            // As of before it was asked.
            Ok(erasures) => Heard::Count(erasures, now),
            Err(_) => Heard::Silence(Instant::now()),
        };
        asked
    }

    fn check(&self, check: [u8; 32]) -> Result<[u8; 32], KeyStoreError> {
        let kept = self.ask(Check(check))?;
        kept.try_into().map_err(|_| KeyStoreError::Unavailable("the check value is not 32 bytes".into()))
    }

    fn checkpoint(&self, origin: &str) -> Result<Option<Vec<u8>>, KeyStoreError> {
        self.ask(Checkpoint(origin.to_owned()))
    }

    fn keep_checkpoint(
        &self,
        origin: &str,
        expected: Option<&[u8]>,
        next: &[u8],
    ) -> Result<bool, KeyStoreError> {
        self.ask(KeepCheckpoint {
            origin: origin.to_owned(),
            expected: expected.map(<[u8]>::to_vec),
            next: next.to_vec(),
        })
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
