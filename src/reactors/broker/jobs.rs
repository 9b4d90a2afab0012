//! Mail jobs: one instance says what is to be sent, and every instance sends.
//!
//! The outbox is folded from the log, and stays the truth. The instance whose mail reactor runs puts a job for each
//! mail that is due into a queue, as many at a time as may be under way, and is told what became of it; when a mail is
//! tried again, in what order one person's come, and when it is given up on is decided there, as without queues. A job
//! names a mail and holds nothing personal. Whoever takes it looks whether the mail is still to be sent, sends it,
//! records that, and only then acknowledges the job.

mod blockage;
mod courier;
mod topology;
mod worker;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vouchsafe_events::{EventId, MailFailure, MailKind, PersonId, Position};

pub use courier::JobCourier;
pub use worker::Worker;

use crate::random::Random;
use crate::reactors::backoff::spread;
use crate::reactors::postman::Outcome;

/// The most that is waited for a connection after the first failure, and the most that is ever waited.
const WAITS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(15));

/// How long to wait before connecting again.
fn rest(failures: u32, random: &Random) -> Duration {
    spread(WAITS.0, WAITS.1, failures, random.number())
}

/// A mail that is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Job {
    /// The event that it is about.
    event: EventId,
    /// To whom.
    to: PersonId,
    /// What about.
    mail: MailKind,
    /// Where the event stands with which it became due: whoever takes the job must have come that far.
    position: Position,
}

/// What names a job's mail.
type Key = (EventId, PersonId, MailKind);

impl Job {
    const fn key(&self) -> Key {
        (self.event, self.to, self.mail)
    }
}

/// What became of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Report {
    event: EventId,
    to: PersonId,
    mail: MailKind,
    what: What,
}

/// What became of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum What {
    /// It is over, and recorded up to this position; or it was over before.
    Over { position: Position, sent: bool },
    /// The server does not take it yet.
    Later,
    /// No mail goes out there at present.
    Away,
}

impl What {
    /// What is reported of an outcome once it is recorded, if it was the last.
    fn of(outcome: &Outcome, recorded: Position) -> Self {
        match outcome {
            Outcome::Sent => Self::Over { position: recorded, sent: true },
            Outcome::GivenUp(
                MailFailure::Refused | MailFailure::TimedOut | MailFailure::Erased | MailFailure::Outdated,
            )
            | Outcome::Over { .. } => Self::Over { position: recorded, sent: false },
            Outcome::Later | Outcome::Unheard => Self::Later,
            Outcome::Away | Outcome::HeldUp => Self::Away,
        }
    }
}
