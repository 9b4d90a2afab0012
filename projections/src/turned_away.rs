//! Who came and was not let in, for support to find.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use vouchsafe_events::{Event, OrganisationId, PersonId, Position, Recorded, Refusal, Timestamp, Withheld};

/// How many of those who were turned away are kept: the newest.
pub const TURNED_AWAY_KEPT: usize = 500;

/// Somebody who was turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnedAway {
    /// Who.
    pub person: PersonId,
    /// When.
    pub at: Timestamp,
    /// Where it stands in the log.
    pub position: Position,
    /// Why.
    pub why: Why,
}

/// Why somebody was turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// They came with DfE Sign-in and were refused.
    Refused {
        /// Why.
        reason: Refusal,
        /// What they came for, if it is known here.
        organisation: Option<OrganisationId>,
    },
    /// They asked for a one-time password and are on no list.
    NotListed,
}

/// See [`TurnedAway`]; the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AllTurnedAway(VecDeque<TurnedAway>);

impl AllTurnedAway {
    pub(crate) fn all(&self) -> impl DoubleEndedIterator<Item = &TurnedAway> {
        self.0.iter()
    }

    /// Takes in an event of a person's own stream.
    pub(crate) fn apply(&mut self, person: PersonId, recorded: &Recorded) {
        let why = match &recorded.event {
            Event::SignInRefused(data) => {
                Why::Refused { reason: data.reason, organisation: data.organisation }
            }
            Event::OneTimePasswordWithheld(data) if data.reason == Withheld::NotListed => Why::NotListed,
            _ => return,
        };
        if self.0.len() >= TURNED_AWAY_KEPT {
            self.0.pop_front();
        }
        let (at, position) = (recorded.envelope.at, recorded.position);
        self.0.push_back(TurnedAway { person, at, position, why });
    }
}
