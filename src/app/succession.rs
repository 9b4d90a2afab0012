//! Bringing the people of a school that closed to the schools that go on with its work.

use std::collections::BTreeMap;
use std::convert::Infallible;

use vouchsafe_events::{Actor, OrganisationId, PersonId, Reactor, RequestId, Stream};

use super::{App, Cause, Failure, Unavailable};
use crate::domain::Organisation;
use crate::domain::organisation::{End, Leaving};

/// How people come to a successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It is the only one: they keep what they had.
    Carried,
    /// It is one of several: its approvers decide.
    Asked,
}

impl App {
    /// Brings the people of a closed organisation to one that goes on with its work. Answers how many events came of
    /// it. The streams of both, and of those between, are read anew: who came to one of these came already.
    pub async fn succeed(
        &self,
        from: OrganisationId,
        end: &End,
        way: Way,
    ) -> Result<usize, Failure<Infallible>> {
        let Some(leaving) = self.leaving(from, end).await? else { return Ok(0) };
        let cause = Cause::by(Actor::Reactor(Reactor::Successions));
        let stream = Stream::Organisation(end.at);
        let done = match way {
            Way::Carried => {
                self.decide(stream, cause, |state: &Organisation, now| Ok(state.carry_over(&leaving, now)))
                    .await
            }
            Way::Asked => {
                let mut fresh: BTreeMap<PersonId, RequestId> = BTreeMap::new();
                for person in leaving.people() {
                    fresh.insert(person, RequestId::from_uuid(self.random.uuid(self.now())?));
                }
                let id = |person| fresh.get(&person).copied();
                self.decide(stream, cause, |state: &Organisation, now| {
                    Ok(state.ask_on_closure(&leaving, id, now))
                })
                .await
            }
        };
        Ok(done?.events.len())
    }

    /// Who leaves the organisation, if it is closed and there is anybody.
    async fn leaving(&self, from: OrganisationId, end: &End) -> Result<Option<Leaving>, Unavailable> {
        let (old, _) = self.load::<Organisation>(Stream::Organisation(from)).await?;
        let Some(mut leaving) = old.leaving(from, self.now()) else { return Ok(None) };
        for between in &end.via {
            let (state, _) = self.load::<Organisation>(Stream::Organisation(*between)).await?;
            leaving = leaving.beyond(&state);
        }
        Ok(Some(leaving).filter(|leaving| !leaving.is_empty()))
    }
}
