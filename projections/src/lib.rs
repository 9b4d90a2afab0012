//! The lists that Vouchsafe's pages show, folded from events.
//!
//! A fold is a pure function: the same events give the same lists, on every instance and at any cut, and the
//! same lists give the same snapshot bytes. Nothing here reads a clock, draws a random number or does I/O. A
//! fold never fails: an event that does not fit what came before is ignored, since the log is the truth and
//! a list that stopped would help nobody.

mod codes;
mod hash;
mod lists;
mod mails;
mod measures;
mod organisation;
mod organisations;
mod outbox;
mod people;
mod sessions;
#[cfg(test)]
mod tests;
mod turned_away;

pub use codes::{Challenge, Delay, TOLD_HOW_EVERY};
pub use lists::Lists;
pub use measures::{Counts, GotIn, Measures, RequestEnd, Waited};
pub use organisation::{
    Access, Approver, Confirmation, Ended, HowEnded, Listed, Organisation, Outcome, Proposed, Request, Review,
};
pub use organisations::DECIDED_KEPT;
pub use outbox::{GIVEN_UP_KEPT, GivenUp, Outbox, PendingMail};
pub use people::Person;
pub use sessions::Session;
pub use turned_away::{TURNED_AWAY_KEPT, TurnedAway, Why};

/// The form of the lists in a snapshot. It grows with every change to what the lists hold or how they fold;
/// a snapshot of another form is passed over and the lists are folded anew.
pub const FORM: u32 = 3;
