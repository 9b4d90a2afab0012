//! Who takes a mail to the server: this process, or whichever instance takes it from a queue.

use futures_util::future::BoxFuture;
use vouchsafe_events::{MailFailure, Position};
use vouchsafe_projections::PendingMail;

use crate::reactors::Stop;

/// What became of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::reactors) enum Outcome {
    /// The server took it.
    Sent,
    /// It is given up on.
    GivenUp(MailFailure),
    /// The server does not take this mail yet.
    Later,
    /// No mail goes out at present.
    Away,
    /// It did not get as far as that: the courier can take no mail anywhere at present, and says so itself when it can
    /// again.
    HeldUp,
    /// It is over, and whoever had it recorded that, up to this position.
    Over {
        /// Up to where.
        position: Position,
        /// Whether the server took it.
        sent: bool,
    },
    /// Nothing was heard of it.
    Unheard,
}

/// How many mails may be under way at once.
#[derive(Clone, Copy, Debug)]
pub(in crate::reactors) struct Room {
    /// One-time passwords, which somebody waits for.
    pub(in crate::reactors) codes: usize,
    /// All others.
    pub(in crate::reactors) letters: usize,
}

/// Takes mails to the server.
pub(in crate::reactors) trait Courier: Send + Sync + 'static {
    /// How many it carries at once.
    fn room(&self) -> Room;

    /// Takes one mail there, once.
    fn carry(&self, mail: PendingMail) -> BoxFuture<'static, Outcome>;

    /// Done when mails that were held up can go, each time once.
    fn again(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }

    /// What it does beside that, until it is told to stop. It may end before.
    fn run(&self, stop: Stop) -> BoxFuture<'_, ()>;
}
