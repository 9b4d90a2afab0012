//! What SQLite's failures mean to whoever uses the log.

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::{ErrorCode, ffi};

use crate::store::StoreError;

/// Why the file cannot be used: the source of [`StoreError::Unavailable`].
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The directory that the log should be in does not exist.
    #[error("there is no directory for {0}: make it, or name another place for the event log")]
    NoDirectory(PathBuf),
    /// The path names a directory.
    #[error("{0} is a directory: name a file in it for the event log")]
    Directory(PathBuf),
    /// The operating system does not let this user read and write the file, or make files beside it.
    #[error(
        "{path} cannot be opened for reading and writing: the file and its directory must belong to the \
         user that vouchsafe runs as, on a file system that is not read-only"
    )]
    NotAllowed {
        /// The path of the log.
        path: PathBuf,
        /// What the operating system or SQLite said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// SQLite would not switch to its write-ahead log.
    #[error(
        "the file system that holds {0} does not let processes share memory: keep the event log on a local disk"
    )]
    NoWal(PathBuf),
    /// The store was closed.
    #[error("the event log is closed")]
    Closed,
}

impl From<Trouble> for StoreError {
    fn from(trouble: Trouble) -> Self {
        Self::Unavailable(Box::new(trouble))
    }
}

/// The store is closed, or its writer is gone.
pub(super) fn closed() -> StoreError {
    Trouble::Closed.into()
}

/// Tells one of those who wait for the same work why it failed.
pub(super) fn told(error: &Arc<rusqlite::Error>) -> StoreError {
    match error.sqlite_error() {
        Some(failure) => match failure.code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Locked,
            ErrorCode::DiskFull => StoreError::DiskFull,
            // Making the shared index larger failed, which only a full disk brings about.
            ErrorCode::SystemIoFailure if failure.extended_code == ffi::SQLITE_IOERR_SHMSIZE => {
                StoreError::DiskFull
            }
            ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt => StoreError::Damaged(error.to_string()),
            _ => StoreError::Unavailable(Box::new(Arc::clone(error))),
        },
        None => match **error {
            // A column does not hold what our own writer puts there.
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..) => StoreError::Damaged(error.to_string()),
            _ => StoreError::Unavailable(Box::new(Arc::clone(error))),
        },
    }
}

/// Tells the only one who asked.
pub(super) fn sqlite(error: rusqlite::Error) -> StoreError {
    told(&Arc::new(error))
}
