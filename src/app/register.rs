//! What the register says of schools, as an operator imports it.

use std::convert::Infallible;

use vouchsafe_events::{Actor, OrganisationId, Stream};

use super::{App, Cause, Done, Failure, Unavailable};
use crate::domain::Organisation;
use crate::domain::organisation::InRegister;

impl App {
    /// Takes note of a school as the register has it.
    pub async fn hear_from_register(
        &self,
        school: OrganisationId,
        said: &InRegister,
    ) -> Result<Done, Failure<Infallible>> {
        let cause = Cause::by(Actor::Operator);
        self.decide(Stream::Organisation(school), cause, |state: &Organisation, _| {
            Ok(state.hear_from_register(said.clone()))
        })
        .await
    }

    /// The types of the events that would come of it, were note taken now.
    pub async fn would_hear_from_register(
        &self,
        school: OrganisationId,
        said: &InRegister,
    ) -> Result<Vec<&'static str>, Unavailable> {
        let (state, _) = self.load::<Organisation>(Stream::Organisation(school)).await?;
        Ok(state.hear_from_register(said.clone()).iter().map(vouchsafe_events::Event::kind).collect())
    }
}
