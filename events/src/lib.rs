//! What can happen in Vouchsafe.
//!
//! The ground floor of the house: the events, their envelope and their stored form. Nothing here reads a
//! clock, draws a random number or does I/O; time and ids come in as arguments.

mod email;
mod ids;
mod register;
mod stream;
mod time;

pub use email::{Email, NotAnEmail};
pub use ids::{CorrelationId, EventId, OrganisationId, PersonId, RequestId, ReviewId};
pub use register::{NotAUkprn, NotAUrn, Ukprn, Urn};
pub use stream::{KeyedHash, NotAHash, NotAStream, Position, Reactor, SessionHash, Stream, Version};
pub use time::{NotATimestamp, Timestamp};
