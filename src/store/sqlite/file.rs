//! The file: making it, recognising it, and the settings of every connection.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::trouble::{Trouble, sqlite};
use crate::store::StoreError;

/// Marks the file as an event log of ours ("VOUC"): SQLite's `application_id`.
const APPLICATION: i64 = 0x564f_5543;

/// The newest form of the file that this version reads and writes: SQLite's `user_version`.
const FORM: i64 = 2;

/// The form before there were cells.
const FORM_WITHOUT_CELLS: i64 = 1;

/// The file's form. Streams go by their names, so that the log can be read with any SQLite tool; positions
/// are the table's own key, so that a replay reads the file from front to back.
const SCHEMA: &str = "
    CREATE TABLE events (
        position INTEGER PRIMARY KEY,
        stream   TEXT    NOT NULL,
        version  INTEGER NOT NULL CHECK (version >= 0),
        id       BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
        bytes    BLOB    NOT NULL,
        UNIQUE (stream, version)
    ) STRICT;
    CREATE TRIGGER events_stay_as_they_are BEFORE UPDATE ON events
        BEGIN SELECT RAISE(ABORT, 'an event is never changed'); END;
    CREATE TRIGGER events_stay BEFORE DELETE ON events
        BEGIN SELECT RAISE(ABORT, 'an event is never deleted'); END;
";

/// What form 2 adds: small documents beside the log (see [`crate::store::Cell`]).
const CELLS: &str = "
    CREATE TABLE cells (
        name    TEXT    NOT NULL PRIMARY KEY,
        version INTEGER NOT NULL,
        bytes   BLOB    NOT NULL
    ) STRICT, WITHOUT ROWID;
";

/// How long to wait before trying again what SQLite refuses at once instead of waiting itself.
const PAUSE: Duration = Duration::from_millis(20);

/// Opens the log for writing; makes it if there is none.
pub(super) fn open(path: &Path, patience: Duration) -> Result<Connection, StoreError> {
    make(path)?;
    let mut connection = connect(path, patience)?;
    if recognise_as_one(&connection).map_err(|error| at(path, error))? != Found::Current {
        write_schema(&mut connection).map_err(|error| at(path, error))?;
    }
    switch_to_wal(&connection, path, patience)?;
    // FULL: a commit returns when it is on disk. A larger WAL than usual: fewer moves into the file.
    connection
        .execute_batch(
            "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON;
             PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864;",
        )
        .map_err(sqlite)?;
    Ok(connection)
}

/// Opens one more connection to a log that [`open`] has opened, for reading.
pub(super) fn open_reader(path: &Path, patience: Duration) -> Result<Connection, StoreError> {
    let connection = connect(path, patience)?;
    connection.execute_batch("PRAGMA query_only = ON;").map_err(sqlite)?;
    Ok(connection)
}

/// Makes an empty file that only its owner may read, if there is none.
///
/// A file that exists is left closed: when a process closes a file, the operating system drops all the locks
/// that the process has on it, and with them those of SQLite's connections.
fn make(path: &Path) -> Result<(), StoreError> {
    let not_allowed = |error: io::Error| -> StoreError {
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::DiskFull,
            _ => Trouble::NotAllowed { path: path.to_owned(), source: Box::new(error) }.into(),
        }
    };
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => return Err(Trouble::Directory(path.to_owned()).into()),
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(not_allowed(error)),
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        // Another process was first.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(Trouble::NoDirectory(path.to_owned()).into())
        }
        Err(error) => Err(not_allowed(error)),
    }
}

/// Connects, with what holds for readers and the writer alike.
fn connect(path: &Path, patience: Duration) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| at(path, error))?;
    connection.busy_timeout(patience).map_err(sqlite)?;
    // SQLite falls back to reading only when it may not write.
    if connection.is_readonly(rusqlite::MAIN_DB).map_err(sqlite)? {
        let source = "it can only be read".into();
        return Err(Trouble::NotAllowed { path: path.to_owned(), source }.into());
    }
    connection.execute_batch("PRAGMA cache_size = -16384; PRAGMA trusted_schema = OFF;").map_err(sqlite)?;
    Ok(connection)
}

/// Why opening failed, with the path where that helps.
fn at(path: &Path, error: impl Into<OpenError>) -> StoreError {
    let error = match error.into() {
        OpenError::Sqlite(error) => error,
        OpenError::Told(error) => return error,
    };
    let denied = matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly)
    );
    if denied {
        Trouble::NotAllowed { path: PathBuf::from(path), source: Box::new(error) }.into()
    } else {
        sqlite(error)
    }
}

/// What goes wrong while a file is recognised.
enum OpenError {
    Sqlite(rusqlite::Error),
    Told(StoreError),
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// Nothing yet.
    Empty,
    /// An event log of ours, of a form before the newest.
    WithoutCells,
    /// An event log of ours, of the newest form.
    Current,
}

/// Whether the file is an event log of ours, of a form that we know.
fn recognise(connection: &Connection) -> Result<Found, OpenError> {
    let number = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let application = number("PRAGMA application_id")?;
    let form = number("PRAGMA user_version")?;
    match (application, form) {
        (APPLICATION, FORM) => Ok(Found::Current),
        (APPLICATION, FORM_WITHOUT_CELLS) => Ok(Found::WithoutCells),
        (APPLICATION, newer) if newer > FORM => {
            Err(OpenError::Told(StoreError::NewerForm { found: newer, known: FORM }))
        }
        (0, 0) if number("SELECT count(*) FROM sqlite_schema")? == 0 => Ok(Found::Empty),
        _ => {
            let why = "the file is a database of another program: name another file for the event log";
            Err(OpenError::Told(StoreError::Damaged(why.to_owned())))
        }
    }
}

/// Recognises the file as it is at one moment: another process may be making a log of it.
fn recognise_as_one(connection: &Connection) -> Result<Found, OpenError> {
    let transaction = connection.unchecked_transaction()?;
    let recognised = recognise(&transaction)?;
    transaction.commit()?;
    Ok(recognised)
}

/// Makes an event log of an empty file, and one of the newest form of an older one, unless another process has just
/// done so.
fn write_schema(connection: &mut Connection) -> Result<(), OpenError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = recognise(&transaction)?;
    if found == Found::Empty {
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
    }
    if found != Found::Current {
        transaction.execute_batch(CELLS)?;
        transaction.pragma_update(None, "user_version", FORM)?;
    }
    Ok(transaction.commit()?)
}

/// Puts the write-ahead log in place; the file remembers it.
fn switch_to_wal(connection: &Connection, path: &Path, patience: Duration) -> Result<(), StoreError> {
    let mut waited = Duration::ZERO;
    loop {
        let mode = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0));
        match mode {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(_) => return Err(Trouble::NoWal(path.to_owned()).into()),
            // Two processes that switch at once could wait for each other, so SQLite waits for neither.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && waited < patience => {
                std::thread::sleep(PAUSE);
                waited += PAUSE;
            }
            Err(error) => return Err(at(path, error)),
        }
    }
}
