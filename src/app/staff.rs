//! Staff roles, which an operator gives and takes.

use vouchsafe_events::{Actor, Email, Introduction, PersonId, StaffRole, Stream};

use super::{App, Cause, Failure, Unavailable};
use crate::domain::person::{AppointRefused, StaffStandDownRefused};
use crate::domain::{Person, PersonName, Reservation};

/// Why a staff role was not given or taken.
#[derive(Debug, thiserror::Error)]
pub enum StaffFailed {
    /// They have it already.
    #[error(transparent)]
    Appoint(#[from] AppointRefused),
    /// They do not have it.
    #[error(transparent)]
    StandDown(#[from] StaffStandDownRefused),
    /// Nobody is known by that email.
    #[error("nobody is known by that email address")]
    Unknown,
    /// Something did not do its part.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl<R: Into<StaffFailed>> From<Failure<R>> for StaffFailed {
    fn from(failure: Failure<R>) -> Self {
        match failure {
            Failure::Refused(refused) => refused.into(),
            Failure::Contended => Self::Unavailable(Unavailable::Contended),
            Failure::Unavailable(cause) => Self::Unavailable(cause),
        }
    }
}

impl App {
    /// Gives a person a staff role. Who is not known yet is introduced, and recognised by their email when
    /// they first sign in with DfE Sign-in.
    pub async fn appoint(
        &self,
        email: &Email,
        name: Option<&PersonName>,
        role: StaffRole,
    ) -> Result<PersonId, StaffFailed> {
        let cause = Cause::by(Actor::Operator);
        let introduced = self.introduce(email, name, Introduction::Operator, cause).await;
        let person = introduced.map_err(|failed| StaffFailed::Unavailable(failed.0))?;
        self.decide(Stream::Person(person), cause, |state: &Person, _| state.appoint(role)).await?;
        Ok(person)
    }

    /// Takes a staff role from a person.
    pub async fn stand_down_staff(&self, email: &Email, role: StaffRole) -> Result<PersonId, StaffFailed> {
        let stream = Stream::Email(self.ring.hash_email(email));
        let holder = self.load::<Reservation>(stream).await?.0.holder();
        let person = holder.ok_or(StaffFailed::Unknown)?;
        let cause = Cause::by(Actor::Operator);
        self.decide(Stream::Person(person), cause, |state: &Person, _| state.stand_down(role)).await?;
        Ok(person)
    }
}
