//! Who may do what at one organisation. All of it is decided on the organisation's own stream, so that two
//! approvers cannot both decide one request and the last approver cannot stand down unnoticed.

mod access;
mod approvers;
mod listed;
mod register;
mod requests;
mod reviews;
mod succession;
mod time;
pub mod users;

use std::collections::{BTreeMap, BTreeSet};

use vouchsafe_events::{
    Actor, ApproverBasis, Event, EventId, OrganisationDescribed, OrganisationId, OrganisationKind, PersonId,
    Recorded, RequestId, ReviewId, StandDownReason, Timestamp,
};

pub use access::{AddRefused, EndDateRefused, RevokeRefused};
pub use approvers::{MakeApproverRefused, ReturnRefused, StandDownRefused};
pub use register::{Establishment, InRegister, Observed};
pub use requests::{AskRefused, DecideRefused, Settled, WithdrawRefused};
pub use reviews::ConfirmRefused;
pub use succession::{End, Leaving, Outlook, Standing, outlook};

use super::State;

/// One organisation, as far as decisions need to know it.
#[derive(Clone, Debug, Default)]
pub struct Organisation {
    name: Option<Box<str>>,
    /// Whether its name is the register's: then DfE Sign-in does not change it.
    named_by_register: bool,
    kinds: Vec<OrganisationKind>,
    /// What else registers say of it.
    described: OrganisationDescribed,
    closed: bool,
    /// When it closed, if it did since it was last open.
    closed_at: Option<Timestamp>,
    successors: Vec<OrganisationId>,
    /// Who came here from which organisation that closed.
    carried: BTreeMap<OrganisationId, BTreeSet<PersonId>>,
    approvers: BTreeMap<PersonId, ApproverBasis>,
    /// The approvers whom a colleague made one, whatever DfE Sign-in has said since.
    made: BTreeSet<PersonId>,
    /// Who stood down by choice: DfE Sign-in alone does not make them approvers again.
    stood_down: BTreeSet<PersonId>,
    access: BTreeMap<PersonId, Access>,
    /// Who is on the list that support keeps.
    listed: BTreeSet<PersonId>,
    /// The support agents who asked to be put on it themselves, and who entered that.
    proposed: BTreeMap<PersonId, Actor>,
    /// When it was last decided here, or came about, that a person loses what they had or does not get what was
    /// asked for.
    lost: BTreeMap<PersonId, Timestamp>,
    requests: BTreeMap<RequestId, Request>,
    review: Option<Review>,
    /// When the last review was completed or, before the first, when access was first given.
    reviewed: Option<Timestamp>,
}

/// Access that was granted and has not been ended by an event.
#[derive(Clone, Copy, Debug)]
struct Access {
    since: Timestamp,
    /// The event that gave it, or that changed its end since.
    event: EventId,
    ends: Option<Timestamp>,
    warned: bool,
}

/// A request for access.
#[derive(Clone, Copy, Debug)]
struct Request {
    person: PersonId,
    /// The event with which it was made.
    event: EventId,
    stage: Stage,
}

/// How a request stands.
#[derive(Clone, Copy, Debug)]
enum Stage {
    Open { since: Timestamp, reminders: u8 },
    Settled(Settled),
}

/// A review that is open.
#[derive(Clone, Debug)]
struct Review {
    id: ReviewId,
    /// The event that opened it.
    event: EventId,
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

    /// Whether a person has access at `now`: as an approver, by support's list, or because it was granted and has
    /// not ended.
    pub fn has_access(&self, person: PersonId, now: Timestamp) -> bool {
        self.is_approver(person) || (self.is_open() && (self.is_listed(person) || self.granted(person, now)))
    }

    /// Whether a person is on the list that support keeps.
    pub fn is_listed(&self, person: PersonId) -> bool {
        self.listed.contains(&person)
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

    /// Notes that a person was brought here from an organisation that closed.
    fn carry(&mut self, from: OrganisationId, person: PersonId) {
        self.carried.entry(from).or_default().insert(person);
    }

    /// Takes in what more became known.
    fn describe(&mut self, more: &OrganisationDescribed) {
        let known = &mut self.described;
        known.ukprn = more.ukprn.or(known.ukprn);
        known.dfe_sign_in = more.dfe_sign_in.or(known.dfe_sign_in);
        if more.establishment_type.is_some() {
            known.establishment_type.clone_from(&more.establishment_type);
        }
        if more.local_authority.is_some() {
            known.local_authority.clone_from(&more.local_authority);
        }
    }

    /// Settles a request, if it is known.
    fn settle(&mut self, request: RequestId, how: Settled) {
        if let Some(request) = self.requests.get_mut(&request) {
            request.stage = Stage::Settled(how);
        }
    }
}

impl State for Organisation {
    #[expect(clippy::too_many_lines, reason = "one arm for each type of event")]
    fn apply(&mut self, recorded: &Recorded) {
        let (at, by, event) = (recorded.envelope.at, recorded.envelope.actor, recorded.envelope.id);
        match &recorded.event {
            Event::OrganisationRegistered(data) => {
                self.name = Some(data.name.clone());
                self.named_by_register = by == Actor::Operator;
                self.kinds.clone_from(&data.kinds);
                self.described = OrganisationDescribed {
                    ukprn: data.ukprn,
                    dfe_sign_in: data.dfe_sign_in,
                    establishment_type: data.establishment_type.clone(),
                    local_authority: data.local_authority.clone(),
                };
            }
            Event::OrganisationKindsChanged(data) => self.kinds.clone_from(&data.kinds),
            Event::OrganisationDescribed(data) => self.describe(data),
            Event::OrganisationSucceeded(data) => self.successors.clone_from(&data.successors),
            Event::OrganisationRenamed(data) => {
                self.name = Some(data.name.clone());
                self.named_by_register = by == Actor::Operator;
            }
            Event::OrganisationClosed(_) => (self.closed, self.closed_at) = (true, Some(at)),
            Event::OrganisationReopened(_) => (self.closed, self.closed_at) = (false, None),
            Event::ApproverEstablished(data) => {
                self.stood_down.remove(&data.person);
                if data.basis == ApproverBasis::Colleague {
                    self.made.insert(data.person);
                }
                self.approvers.insert(data.person, data.basis);
            }
            Event::ApproverStoodDown(data) => {
                self.lost.insert(data.person, at);
                self.approvers.remove(&data.person);
                self.made.remove(&data.person);
                if data.reason == StandDownReason::Own {
                    self.stood_down.insert(data.person);
                }
            }
            Event::ApproverCarriedOver(data) => {
                self.carry(data.from, data.person);
                self.stood_down.remove(&data.person);
                self.approvers.insert(data.person, ApproverBasis::Predecessor);
            }
            Event::AccessCarriedOver(data) => {
                self.carry(data.from, data.person);
                self.reviewed.get_or_insert(at);
                self.access.insert(data.person, Access { since: at, event, ends: data.ends, warned: false });
            }
            Event::AccessRequestedOnClosure(data) => {
                self.carry(data.from, data.person);
                let stage = Stage::Open { since: at, reminders: 0 };
                self.requests.insert(data.request, Request { person: data.person, event, stage });
            }
            Event::UserAdded(data) => {
                data.from.into_iter().for_each(|from| self.carry(from, data.person));
                data.instead_of.iter().for_each(|old| {
                    self.listed.remove(old);
                });
                self.proposed.remove(&data.person);
                self.listed.insert(data.person);
            }
            Event::UserRemoved(data) => {
                self.lost.insert(data.person, at);
                self.listed.remove(&data.person);
            }
            Event::UserProposed(data) => {
                self.proposed.insert(data.person, by);
            }
            Event::UserProposalDismissed(data) => {
                self.proposed.remove(&data.person);
            }
            Event::AccessRequested(data) => {
                let stage = Stage::Open { since: at, reminders: 0 };
                self.requests.insert(data.request, Request { person: data.person, event, stage });
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
            Event::AccessDeclined(data) => {
                self.lost.insert(data.person, at);
                self.settle(data.request, Settled::Declined { by, at });
            }
            Event::AccessGranted(data) => {
                if let Some(request) = data.request {
                    self.settle(request, Settled::Granted { by, at });
                }
                self.reviewed.get_or_insert(at);
                self.access.insert(data.person, Access { since: at, event, ends: data.ends, warned: false });
            }
            Event::AccessEndDateChanged(data) => {
                if let Some(access) = self.access.get_mut(&data.person) {
                    *access = Access { event, ends: data.ends, warned: false, ..*access };
                }
            }
            Event::AccessEndingSoon(data) => {
                if let Some(access) = self.access.get_mut(&data.person) {
                    access.warned = true;
                }
            }
            Event::AccessEnded(data) => {
                self.lost.insert(data.person, at);
                self.access.remove(&data.person);
                // What a colleague gave has come to its end.
                self.made.remove(&data.person);
            }
            Event::AccessRevoked(data) => {
                self.lost.insert(data.person, at);
                self.access.remove(&data.person);
            }
            Event::ReviewOpened(data) => {
                self.review = Some(Review {
                    id: data.review,
                    event,
                    due: data.due,
                    reminders: 0,
                    confirmed: BTreeSet::new(),
                });
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
