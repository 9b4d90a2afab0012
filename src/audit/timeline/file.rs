//! The index's file: making it, recognising it, throwing it away.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use vouchsafe_events::KINDS;

use super::TimelineError;

/// Marks the file as an index of ours ("VOUI"): SQLite's `application_id`.
const APPLICATION: i64 = 0x564f_5549;

/// The form of the file: SQLite's `user_version`. A file of another form is thrown away, so whatever changes
/// in what is written, or for which events, needs another number and no more.
const FORM: i64 = 2;

/// How long to wait for another process that has the file locked.
const PATIENCE: Duration = Duration::from_secs(5);

/// Each index ends in the position, so that each search walks back from the newest event that it may find
/// without sorting. `days` says between which positions the events of a day lie (UTC, counted from
/// 1970-01-01): events are nearly in order of time, so a search in a range of dates skips what is outside.
///
/// `actor` numbers those who are no people, see `write::actor_number`; a person who did something is found in
/// `people`, where `acted` is 1 for them.
const SCHEMA: &str = "
    CREATE TABLE state (
        one      INTEGER PRIMARY KEY CHECK (one = 1),
        position INTEGER NOT NULL,
        id       BLOB
    ) STRICT;
    INSERT INTO state VALUES (1, 0, NULL);
    CREATE TABLE kinds (
        kind INTEGER PRIMARY KEY,
        name TEXT    NOT NULL UNIQUE
    ) STRICT;
    CREATE TABLE entries (
        position     INTEGER PRIMARY KEY,
        at           INTEGER NOT NULL,
        kind         INTEGER NOT NULL,
        actor        INTEGER NOT NULL,
        organisation BLOB
    ) STRICT;
    CREATE INDEX entries_by_organisation ON entries (organisation, position, kind, at, actor)
        WHERE organisation IS NOT NULL;
    CREATE INDEX entries_by_kind ON entries (kind);
    CREATE INDEX entries_by_actor ON entries (actor) WHERE actor > 0;
    CREATE TABLE people (
        person   BLOB    NOT NULL,
        position INTEGER NOT NULL,
        acted    INTEGER NOT NULL,
        PRIMARY KEY (person, position)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE requests (
        request BLOB NOT NULL PRIMARY KEY,
        person  BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE ids (
        id       BLOB    NOT NULL PRIMARY KEY,
        position INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE days (
        day   INTEGER PRIMARY KEY,
        first INTEGER NOT NULL,
        last  INTEGER NOT NULL
    ) STRICT;
";

/// What a file is.
enum Kind {
    /// An index of the form that is written today.
    Ours,
    /// An index of another form.
    OtherForm,
    /// An empty database.
    Empty,
    /// A database of another program.
    Foreign,
}

/// Opens the index for writing; makes it if there is none, and anew if it is of another form.
pub(super) fn open(path: &Path) -> Result<Connection, TimelineError> {
    make(path)?;
    let mut connection = connect(path)?;
    match recognise(&connection)? {
        Kind::Ours | Kind::Empty => {}
        Kind::Foreign => return Err(TimelineError::Foreign(path.to_owned())),
        Kind::OtherForm => {
            tracing::info!(file = %path.display(), "the index of the history has another form: made anew");
            drop(connection);
            remove(path)?;
            make(path)?;
            connection = connect(path)?;
        }
    }
    // What a crash of the machine takes from the index is read from the log again.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 67108864;",
    )?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if let Kind::Empty = recognise(&transaction)? {
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", FORM)?;
    }
    for (name, _) in KINDS {
        transaction.execute("INSERT INTO kinds (name) VALUES (?1) ON CONFLICT DO NOTHING", [name])?;
    }
    transaction.commit()?;
    Ok(connection)
}

/// Opens one more connection to an index that [`open`] has opened, for reading.
pub(super) fn open_reader(path: &Path) -> Result<Connection, TimelineError> {
    let connection = connect(path)?;
    connection.execute_batch("PRAGMA query_only = ON;")?;
    Ok(connection)
}

fn connect(path: &Path) -> Result<Connection, TimelineError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    connection.execute_batch("PRAGMA cache_size = -32768; PRAGMA trusted_schema = OFF;")?;
    Ok(connection)
}

fn recognise(connection: &Connection) -> rusqlite::Result<Kind> {
    let number = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    Ok(match (number("PRAGMA application_id")?, number("PRAGMA user_version")?) {
        (APPLICATION, FORM) => Kind::Ours,
        (APPLICATION, _) => Kind::OtherForm,
        (0, 0) if number("SELECT count(*) FROM sqlite_schema")? == 0 => Kind::Empty,
        _ => Kind::Foreign,
    })
}

/// Makes an empty file that only its owner may read, if there is none.
fn make(path: &Path) -> Result<(), TimelineError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(not_allowed(path, error)),
    }
}

/// Throws the file away, with what SQLite keeps beside it.
pub(super) fn remove(path: &Path) -> Result<(), TimelineError> {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        match std::fs::remove_file(PathBuf::from(name)) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(not_allowed(path, error)),
        }
    }
    Ok(())
}

fn not_allowed(path: &Path, source: io::Error) -> TimelineError {
    TimelineError::NotAllowed { path: path.to_owned(), source }
}
