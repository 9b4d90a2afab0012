//! Who may do what at one organisation. All of it is decided on the organisation's own stream, so that two
//! approvers cannot both decide one request and the last approver cannot stand down unnoticed.

mod access;
mod approvers;
mod register;
mod requests;
mod reviews;
mod time;

use std::collections::{BTreeMap, BTreeSet};

use vouchsafe_events::{
    Actor, ApproverBasis, Event, PersonId, Recorded, RequestId, ReviewId, StandDownReason, Timestamp,
};

pub use access::{AddRefused, EndDateRefused, RevokeRefused};
pub use approvers::{MakeApproverRefused, ReturnRefused, StandDownRefused};
pub use register::Observed;
pub use requests::{AskRefused, DecideRefused, WithdrawRefused};
pub use reviews::ConfirmRefused;

use super::State;

/// One organisation, as far as decisions need to know it.
#[derive(Clone, Debug, Default)]
pub struct Organisation {
    name: Option<Box<str>>,
    closed: bool,
    approvers: BTreeMap<PersonId, ApproverBasis>,
    /// The approvers whom a colleague made one, whatever DfE Sign-in has said since.
    made: BTreeSet<PersonId>,
    /// Who stood down by choice: DfE Sign-in alone does not make them approvers again.
    stood_down: BTreeSet<PersonId>,
    access: BTreeMap<PersonId, Access>,
    requests: BTreeMap<RequestId, Request>,
    review: Option<Review>,
    /// When the last review was completed or, before the first, when access was first given.
    reviewed: Option<Timestamp>,
}

/// Access that was granted and has not been ended by an event.
#[derive(Clone, Copy, Debug)]
struct Access {
    since: Timestamp,
    ends: Option<Timestamp>,
    warned: bool,
}

/// A request for access.
#[derive(Clone, Copy, Debug)]
struct Request {
    person: PersonId,
    stage: Stage,
}

/// How a request stands.
#[derive(Clone, Copy, Debug)]
enum Stage {
    Open { since: Timestamp, reminders: u8 },
    Settled(Settled),
}

/// How a request ended, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It was granted.
    Granted {
        /// By whom.
        by: Actor,
        /// When.
        at: Timestamp,
    },
    /// It was declined.
    Declined {
        /// By whom.
        by: Actor,
        /// When.
        at: Timestamp,
    },
    /// The person who asked took it back.
    Withdrawn {
        /// When.
        at: Timestamp,
    },
    /// Nobody decided it in time.
    Expired {
        /// When.
        at: Timestamp,
    },
}

/// A review that is open.
#[derive(Clone, Debug)]
struct Review {
    id: ReviewId,
    due: Timestamp,
    reminders: u8,
    confirmed: BTreeSet<PersonId>,
}

impl Organisation {
    /// Whether it is registered and not closed.
    pub fn is_open(&self) -> bool {
        self.name.is_some() && !self.closed
    }

    /// Whether a person is an approver here.
    pub fn is_approver(&self, person: PersonId) -> bool {
        self.is_open() && self.approvers.contains_key(&person)
    }

    /// Whether a person has access at `now`: as an approver, or because it was granted and has not ended.
    pub fn has_access(&self, person: PersonId, now: Timestamp) -> bool {
        self.is_approver(person) || (self.is_open() && self.granted(person, now))
    }

    /// Whether access was granted to a person and has not ended by `now`.
    fn granted(&self, person: PersonId, now: Timestamp) -> bool {
        self.access.get(&person).is_some_and(|access| access.ends.is_none_or(|ends| ends > now))
    }

    /// The request of a person that is still open.
    fn open_request_of(&self, person: PersonId) -> Option<RequestId> {
        let open =
            |request: &Request| request.person == person && matches!(request.stage, Stage::Open { .. });
        self.requests.iter().find(|(_, request)| open(request)).map(|(id, _)| *id)
    }

    /// Settles a request, if it is known.
    fn settle(&mut self, request: RequestId, how: Settled) {
        if let Some(request) = self.requests.get_mut(&request) {
            request.stage = Stage::Settled(how);
        }
    }
}

impl State for Organisation {
    fn apply(&mut self, recorded: &Recorded) {
        let (at, by) = (recorded.envelope.at, recorded.envelope.actor);
        match &recorded.event {
            Event::OrganisationRegistered(data) => self.name = Some(data.name.clone()),
            Event::OrganisationRenamed(data) => self.name = Some(data.name.clone()),
            Event::OrganisationClosed(_) => self.closed = true,
            Event::OrganisationReopened(_) => self.closed = false,
            Event::ApproverEstablished(data) => {
                self.stood_down.remove(&data.person);
                if data.basis == ApproverBasis::Colleague {
                    self.made.insert(data.person);
                }
                self.approvers.insert(data.person, data.basis);
            }
            Event::ApproverStoodDown(data) => {
                self.approvers.remove(&data.person);
                self.made.remove(&data.person);
                if data.reason == StandDownReason::Own {
                    self.stood_down.insert(data.person);
                }
            }
            Event::AccessRequested(data) => {
                let stage = Stage::Open { since: at, reminders: 0 };
                self.requests.insert(data.request, Request { person: data.person, stage });
            }
            Event::ApproversReminded(data) => {
                if let Some(Request { stage: Stage::Open { reminders, .. }, .. }) =
                    self.requests.get_mut(&data.request)
                {
                    *reminders = data.reminder;
                }
            }
            Event::AccessRequestWithdrawn(data) => self.settle(data.request, Settled::Withdrawn { at }),
            Event::AccessRequestExpired(data) => self.settle(data.request, Settled::Expired { at }),
            Event::AccessDeclined(data) => self.settle(data.request, Settled::Declined { by, at }),
            Event::AccessGranted(data) => {
                if let Some(request) = data.request {
                    self.settle(request, Settled::Granted { by, at });
                }
                self.reviewed.get_or_insert(at);
                self.access.insert(data.person, Access { since: at, ends: data.ends, warned: false });
            }
            Event::AccessEndDateChanged(data) => {
                if let Some(access) = self.access.get_mut(&data.person) {
                    *access = Access { ends: data.ends, warned: false, ..*access };
                }
            }
            Event::AccessEndingSoon(data) => {
                if let Some(access) = self.access.get_mut(&data.person) {
                    access.warned = true;
                }
            }
            Event::AccessEnded(data) => {
                self.access.remove(&data.person);
                // What a colleague gave has come to its end.
                self.made.remove(&data.person);
            }
            Event::AccessRevoked(data) => {
                self.access.remove(&data.person);
            }
            Event::ReviewOpened(data) => {
                self.review =
                    Some(Review { id: data.review, due: data.due, reminders: 0, confirmed: BTreeSet::new() });
            }
            Event::AccessConfirmed(data) => {
                if let Some(review) = &mut self.review {
                    review.confirmed.insert(data.person);
                }
            }
            Event::ReviewReminded(data) => {
                if let Some(review) = &mut self.review {
                    review.reminders = data.reminder;
                }
            }
            Event::ReviewCompleted(_) => {
                self.review = None;
                self.reviewed = Some(at);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
