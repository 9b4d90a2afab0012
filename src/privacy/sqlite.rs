//! Wrapped data keys in one SQLite file of their own, apart from the log.
//!
//! Another process may use the same file at the same time.

mod file;

use std::fmt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use vouchsafe_events::PersonId;

use super::{KeyState, KeyStore, KeyStoreError, WrappedKey};

/// The key store in one SQLite file (by custom `keys.db`).
///
/// A key that was inserted or destroyed is so on disk. Destroying wipes the key from the file and empties the
/// write-ahead log; what the disk itself keeps of old blocks is beyond SQLite, so the file belongs on an
/// encrypted disk.
pub struct SqliteKeyStore {
    /// Reads do not wait for the disk while something is written.
    reader: Mutex<Connection>,
    writer: Mutex<Connection>,
}

impl SqliteKeyStore {
    /// Opens the key ring at `path`, which is made, readable by its owner alone, if there is none.
    ///
    /// Blocks while another process has the file locked, at most five seconds.
    pub fn open(path: &Path) -> Result<Self, KeyStoreError> {
        let writer = Mutex::new(file::open(path)?);
        let reader = Mutex::new(file::open_reader(path)?);
        Ok(Self { reader, writer })
    }
}

impl KeyStore for SqliteKeyStore {
    fn get(&self, person: PersonId) -> Result<KeyState, KeyStoreError> {
        state(&lock(&self.reader), person).map_err(failed)
    }

    fn insert_if_absent(&self, person: PersonId, key: WrappedKey) -> Result<KeyState, KeyStoreError> {
        let inserted = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction
                .prepare_cached("INSERT INTO keys (person, wrapped) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
                .execute((person.uuid().as_bytes(), key.as_bytes()))?;
            let state = state(&transaction, person)?;
            transaction.commit()?;
            Ok(state)
        };
        inserted(&mut lock(&self.writer)).map_err(failed)
    }

    fn destroy(&self, person: PersonId) -> Result<(), KeyStoreError> {
        let mut connection = lock(&self.writer);
        let destroyed = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let changed = transaction.execute(
                "INSERT INTO keys (person, wrapped) VALUES (?1, NULL)
                 ON CONFLICT DO UPDATE SET wrapped = NULL WHERE wrapped IS NOT NULL",
                [person.uuid().as_bytes()],
            )?;
            if changed > 0 {
                transaction.execute("UPDATE ring SET erasures = erasures + 1", [])?;
            }
            transaction.commit()
        };
        destroyed(&mut connection).map_err(failed)?;
        wipe(&connection)
    }

    fn erasures(&self) -> Result<u64, KeyStoreError> {
        let counted = |connection: &Connection| {
            connection.prepare_cached("SELECT erasures FROM ring")?.query_row([], |row| row.get::<_, i64>(0))
        };
        counted(&lock(&self.reader)).map(i64::cast_unsigned).map_err(failed)
    }

    fn check(&self, check: [u8; 32]) -> Result<[u8; 32], KeyStoreError> {
        let kept = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction.execute("UPDATE ring SET master = ?1 WHERE master IS NULL", [check])?;
            let kept = transaction.query_row("SELECT master FROM ring", [], |row| row.get(0))?;
            transaction.commit()?;
            Ok(kept)
        };
        kept(&mut lock(&self.writer)).map_err(failed)
    }

    fn checkpoint(&self, origin: &str) -> Result<Option<Vec<u8>>, KeyStoreError> {
        checkpoint(&lock(&self.reader), origin).map_err(failed)
    }

    fn keep_checkpoint(
        &self,
        origin: &str,
        expected: Option<&[u8]>,
        next: &[u8],
    ) -> Result<bool, KeyStoreError> {
        let keep = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let kept = checkpoint(&transaction, origin)?;
            if kept.as_deref() == expected {
                transaction.execute(
                    "INSERT INTO checkpoints (origin, note) VALUES (?1, ?2)
                     ON CONFLICT DO UPDATE SET note = excluded.note",
                    (origin, next),
                )?;
                transaction.commit()?;
                return Ok(true);
            }
            Ok(kept.as_deref() == Some(next))
        };
        keep(&mut lock(&self.writer)).map_err(failed)
    }
}

impl fmt::Debug for SqliteKeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqliteKeyStore")
    }
}

fn state(connection: &Connection, person: PersonId) -> rusqlite::Result<KeyState> {
    let found = connection
        .prepare_cached("SELECT wrapped FROM keys WHERE person = ?1")?
        .query_row([person.uuid().as_bytes()], |row| row.get::<_, Option<Vec<u8>>>(0))
        .optional()?;
    Ok(match found {
        None => KeyState::None,
        Some(None) => KeyState::Erased,
        Some(Some(wrapped)) => KeyState::Live(WrappedKey::from_bytes(wrapped)),
    })
}

fn checkpoint(connection: &Connection, origin: &str) -> rusqlite::Result<Option<Vec<u8>>> {
    connection
        .prepare_cached("SELECT note FROM checkpoints WHERE origin = ?1")?
        .query_row([origin], |row| row.get(0))
        .optional()
}

/// Moves the write-ahead log into the file and empties it: it holds pages as they once were.
fn wipe(connection: &Connection) -> Result<(), KeyStoreError> {
    let busy = connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0))
        .map_err(failed)?;
    if busy { Err(KeyStoreError::TraceLeft) } else { Ok(()) }
}

fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

fn failed(error: rusqlite::Error) -> KeyStoreError {
    KeyStoreError::Unavailable(Box::new(error))
}

#[cfg(test)]
mod tests;
