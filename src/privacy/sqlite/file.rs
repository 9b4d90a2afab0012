//! The file: making it, recognising it, and the settings of every connection.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::failed;
use crate::privacy::KeyStoreError;

/// Marks the file as a key ring of ours ("VOUK"): SQLite's `application_id`.
const APPLICATION: i64 = 0x564f_554b;

/// The newest form of the file that this version reads and writes: SQLite's `user_version`.
const FORM: i64 = 1;

/// The file's form. A person whose key is NULL has been erased.
const SCHEMA: &str = "
    CREATE TABLE keys (
        person  BLOB PRIMARY KEY CHECK (length(person) = 16),
        wrapped BLOB CHECK (length(wrapped) > 0)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE ring (
        one      INTEGER PRIMARY KEY CHECK (one = 1),
        master   BLOB CHECK (length(master) = 32),
        erasures INTEGER NOT NULL
    ) STRICT;
    INSERT INTO ring (one, master, erasures) VALUES (1, NULL, 0);
    CREATE TRIGGER an_erasure_is_for_good BEFORE UPDATE ON keys WHEN old.wrapped IS NULL
        BEGIN SELECT RAISE(ABORT, 'a person who was erased gets no key'); END;
    CREATE TRIGGER the_erased_stay_known BEFORE DELETE ON keys
        BEGIN SELECT RAISE(ABORT, 'a key is destroyed, not deleted'); END;
";

/// What came later, and is nothing to a version that does not know it: so the form is the same.
const LATER: &str = "
    CREATE TABLE IF NOT EXISTS checkpoints (
        origin TEXT PRIMARY KEY,
        note   BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;
";

/// How long to wait for another process.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long to wait before trying again what SQLite refuses at once instead of waiting itself.
const PAUSE: Duration = Duration::from_millis(20);

/// Opens the key ring for writing; makes it if there is none.
pub(super) fn open(path: &Path) -> Result<Connection, KeyStoreError> {
    make(path)?;
    let mut connection = connect(path)?;
    if connection.is_readonly(rusqlite::MAIN_DB).map_err(failed)? {
        let source = "it can only be read".into();
        return Err(KeyStoreError::NotAllowed { path: path.to_owned(), source });
    }
    if !recognise_as_one(&connection, path)? {
        write_schema(&mut connection, path)?;
    }
    switch_to_wal(&connection, path)?;
    // FULL: a commit returns when it is on disk.
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA fullfsync = ON;").map_err(failed)?;
    connection.execute_batch(LATER).map_err(failed)?;
    Ok(connection)
}

/// Opens one more connection to a key ring that [`open`] has opened, for reading.
pub(super) fn open_reader(path: &Path) -> Result<Connection, KeyStoreError> {
    let connection = connect(path)?;
    connection.execute_batch("PRAGMA query_only = ON;").map_err(failed)?;
    Ok(connection)
}

/// Makes an empty file that only its owner may read, if there is none. SQLite gives the files that it puts
/// beside it the same permissions.
///
/// A file that exists is not opened here: closing it would drop the locks that SQLite's connections in this
/// process have on it.
fn make(path: &Path) -> Result<(), KeyStoreError> {
    let not_allowed =
        |error: io::Error| KeyStoreError::NotAllowed { path: path.to_owned(), source: Box::new(error) };
    match std::fs::metadata(path) {
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(not_allowed(error)),
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(not_allowed(error)),
        _ => Ok(()),
    }
}

/// Connects, with what holds for readers and the writer alike.
fn connect(path: &Path) -> Result<Connection, KeyStoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| at(path, error))?;
    connection.busy_timeout(PATIENCE).map_err(failed)?;
    // secure_delete: what is deleted is overwritten with zeros.
    connection
        .execute_batch("PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF;")
        .map_err(|error| at(path, error))?;
    Ok(connection)
}

/// Why opening failed, with the path where that helps.
fn at(path: &Path, error: rusqlite::Error) -> KeyStoreError {
    let path = path.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
            KeyStoreError::NotAllowed { path, source: Box::new(error) }
        }
        Some(ErrorCode::NotADatabase) => KeyStoreError::NotAKeyRing { path },
        _ => failed(error),
    }
}

/// Whether the file is a key ring of ours, of a form that we know; false if it is still empty.
fn recognise(connection: &Connection, path: &Path) -> Result<bool, KeyStoreError> {
    let number =
        |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(|error| at(path, error));
    match (number("PRAGMA application_id")?, number("PRAGMA user_version")?) {
        (APPLICATION, FORM) => Ok(true),
        (APPLICATION, found) if found > FORM => Err(KeyStoreError::NewerForm { found, known: FORM }),
        (0, 0) if number("SELECT count(*) FROM sqlite_schema")? == 0 => Ok(false),
        _ => Err(KeyStoreError::NotAKeyRing { path: path.to_owned() }),
    }
}

/// Recognises the file as it is at one moment: another process may be making a key ring of it.
fn recognise_as_one(connection: &Connection, path: &Path) -> Result<bool, KeyStoreError> {
    let transaction = connection.unchecked_transaction().map_err(failed)?;
    let recognised = recognise(&transaction, path)?;
    transaction.commit().map_err(failed)?;
    Ok(recognised)
}

/// Makes a key ring of an empty file, unless another process has just done so.
fn write_schema(connection: &mut Connection, path: &Path) -> Result<(), KeyStoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    if !recognise(&transaction, path)? {
        transaction.execute_batch(SCHEMA).map_err(failed)?;
        transaction.pragma_update(None, "application_id", APPLICATION).map_err(failed)?;
        transaction.pragma_update(None, "user_version", FORM).map_err(failed)?;
    }
    transaction.commit().map_err(failed)
}

/// Puts the write-ahead log in place; the file remembers it.
fn switch_to_wal(connection: &Connection, path: &Path) -> Result<(), KeyStoreError> {
    let mut waited = Duration::ZERO;
    loop {
        let mode = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0));
        match mode {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(_) => {
                let source = "the file system has no shared memory for SQLite's write-ahead log".into();
                return Err(KeyStoreError::NotAllowed { path: path.to_owned(), source });
            }
            // Two processes that switch at once could wait for each other, so SQLite waits for neither.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && waited < PATIENCE => {
                std::thread::sleep(PAUSE);
                waited += PAUSE;
            }
            Err(error) => return Err(at(path, error)),
        }
    }
}
