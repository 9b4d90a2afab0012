//! What can happen in Vouchsafe.
//!
//! The ground floor of the house: the events, their envelope and their stored form. Nothing here reads a
//! clock, draws a random number or does I/O; time and ids come in as arguments.

mod email;
mod envelope;
mod event;
mod ids;
mod register;
mod stream;
mod text;
mod time;

pub use email::{Email, NotAnEmail};
pub use envelope::{Actor, DecodeError, Envelope, NotAnActor, Recorded, decode, encode};
pub use event::*;
pub use ids::{ChallengeId, CorrelationId, EventId, OrganisationId, PersonId, RequestId, ReviewId};
pub use register::{NotAUkprn, NotAUrn, Ukprn, Urn};
pub use stream::{KeyedHash, NotAHash, NotAStream, Position, Reactor, SessionHash, Stream, Version};
pub use text::{Held, Plain, Sealed, Slot};
pub use time::{NotATimestamp, Timestamp};
pub use uuid::Uuid;
