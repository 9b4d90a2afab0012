//! What the server's and the client's failures mean to whoever uses the log.

use eventstore::{CurrentRevision, Error};
use tonic::Code;
use vouchsafe_events::{Position, Stream, Version};

use super::options::WrongOptions;
use crate::store::StoreError;

/// Why the server cannot be used: the source of [`StoreError::Unavailable`].
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The settings cannot be used.
    #[error(transparent)]
    Options(#[from] WrongOptions),
    /// The server does not know the user, or the user may not do this.
    #[error(
        "EventStoreDB refused it: check the user name and the password, and that the user may read $all and \
         read and write the service's streams"
    )]
    Denied,
    /// The server is too old.
    #[error("EventStoreDB {0} is too old: this needs version 22.10 or newer")]
    TooOld(String),
    /// Nothing answered in time, or what answered could not do it yet, for as long as it was tried.
    #[error("EventStoreDB could not do it in time")]
    Unreachable(#[source] Box<Error>),
    /// Nothing answered in time.
    #[error("EventStoreDB did not answer in time")]
    Silent,
    /// The server refused it in a way that trying again does not change.
    #[error("EventStoreDB refused it: {0}")]
    Refused(String),
    /// The server said that the append was done, and does not have it.
    #[error("EventStoreDB said that events were appended to {0}, and does not have them")]
    NotThere(Stream),
    /// The client cannot be set up on this machine.
    #[error("the EventStoreDB client cannot be set up: {0}")]
    Client(String),
    /// The store was closed.
    #[error("the event log is closed")]
    Closed,
}

impl From<Trouble> for StoreError {
    fn from(trouble: Trouble) -> Self {
        Self::Unavailable(Box::new(trouble))
    }
}

/// The store is closed.
pub(super) fn closed() -> StoreError {
    Trouble::Closed.into()
}

/// A stream of the log was deleted on the server.
pub(super) fn deleted(stream: &str) -> StoreError {
    StoreError::Damaged(format!(
        "the stream {stream} was deleted on the EventStoreDB server: restore the log from a backup"
    ))
}

/// No event begins at a position.
pub(super) fn no_such_position(position: Position) -> StoreError {
    StoreError::Damaged(format!(
        "no event stands at position {position}: it is a position of another log, as after a restore"
    ))
}

/// How a request failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The stream is elsewhere than expected; its last version.
    Conflict(Option<Version>),
    /// The stream has no events.
    Missing,
    /// The stream was deleted.
    Deleted,
    /// No record begins at the position.
    NoSuchPosition,
    /// The server could not read there. Before 24.10 that is also what it says where no record begins.
    Unreadable(Box<Error>),
    /// The append is larger than the operator lets the server take.
    TooLarge { limit: usize },
    /// The caller may not.
    Denied,
    /// Trying again does not help.
    Refused(String),
    /// The same connection may do it later; one that follows to the leader is made by the client itself.
    Later(Box<Error>),
    /// Another connection may do it.
    Broken(Box<Error>),
    /// Nothing came in time: another connection may do it.
    Silent,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::WrongExpectedVersion { current, .. } => Self::Conflict(match current {
                CurrentRevision::Current(revision) => Some(Version::new(revision)),
                CurrentRevision::NoStream => None,
            }),
            Error::ResourceNotFound => Self::Missing,
            Error::ResourceDeleted => Self::Deleted,
            Error::AccessDenied => Self::Denied,
            // The client does not keep the code of these, but what was said.
            Error::ServerError(ref said) if said.contains("ReadAllResult: InvalidPosition") => {
                Self::NoSuchPosition
            }
            Error::ServerError(ref said) if said.contains("ReadAllResult: Error") => {
                Self::Unreadable(Box::new(error))
            }
            Error::NotLeaderException(_)
            | Error::DeadlineExceeded
            | Error::Grpc { code: Code::Aborted | Code::ResourceExhausted, .. } => {
                Self::Later(Box::new(error))
            }
            Error::ServerError(ref said) if said.contains("Too Busy") || said.contains("Not Ready") => {
                Self::Later(Box::new(error))
            }
            Error::ServerError(_)
            | Error::ConnectionClosed
            | Error::GrpcConnectionError(_)
            | Error::Grpc { code: Code::Cancelled, .. } => Self::Broken(Box::new(error)),
            Error::Grpc { code: Code::InvalidArgument, ref message }
                if message.contains("invalid position") =>
            {
                Self::NoSuchPosition
            }
            Error::Grpc { code: Code::InvalidArgument, ref message }
                if message.contains("Maximum Append") =>
            {
                // The limit is the last number that is said, whether of one event or of all.
                let numbers = message.split(|sign: char| !sign.is_ascii_digit());
                let limit = numbers.filter_map(|digits| digits.parse().ok()).next_back();
                Self::TooLarge { limit: limit.unwrap_or_default() }
            }
            other => Self::Refused(other.to_string()),
        }
    }
}

impl Failure {
    /// What it means where nothing better is known.
    pub(super) fn told(self, stream: Option<&str>) -> StoreError {
        match self {
            Self::Deleted => deleted(stream.unwrap_or("$all")),
            Self::Denied => Trouble::Denied.into(),
            Self::Refused(said) => Trouble::Refused(said).into(),
            Self::Unreadable(error) | Self::Later(error) | Self::Broken(error) => {
                Trouble::Unreachable(error).into()
            }
            Self::Silent => Trouble::Silent.into(),
            Self::TooLarge { .. } => Trouble::Refused("more than it takes at once".to_owned()).into(),
            Self::Conflict(_) => Trouble::Refused("an unexpected conflict".to_owned()).into(),
            Self::Missing => Trouble::Refused("a stream that is missing".to_owned()).into(),
            Self::NoSuchPosition => Trouble::Refused("a position that is none".to_owned()).into(),
        }
    }
}
