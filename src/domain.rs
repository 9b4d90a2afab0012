//! Decisions: a state folded from one stream, a command and the present instant in; events or a refusal out.
//!
//! Pure: no clock, no randomness, no I/O. Time and ids come in as arguments. Each use case has one refusal
//! enum, and every variant of it has a test.

pub mod organisation;
pub mod person;
pub mod terms;
pub mod text;

#[cfg(test)]
pub(crate) mod harness;

use vouchsafe_events::{Event, Plain, Recorded};

pub use organisation::Organisation;
pub use person::{Person, Reservation};
pub use terms::Terms;
pub use text::{Message, PersonName, Reason};

/// What a decision says happened. Personal data is still plain: it is sealed on the way to the log.
pub type Decided = Vec<Event<Plain>>;

/// What a decision needs to know of one stream.
pub trait State: Default + Send {
    /// Takes one event of the stream into account. Never fails: what does not concern the state is passed over.
    fn apply(&mut self, recorded: &Recorded);
}
