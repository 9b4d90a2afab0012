//! How each event changes its organisation.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use vouchsafe_events::{
    AccessGranted, Actor, ApproverBasis, ApproverEstablished, ApproverStoodDown, Event, Held, OrganisationId,
    OrganisationRegistered, PersonId, Recorded, RequestId, Slot, StandDownReason, Timestamp,
};

use super::{
    Access, Approver, Confirmation, Ended, HowEnded, Listed, Organisation, Outcome, Proposed, Request, Review,
};

impl Organisation {
    /// The organisation as it is registered.
    pub(crate) fn registered(id: OrganisationId, at: Timestamp, data: &OrganisationRegistered) -> Self {
        Self {
            id,
            name: data.name.clone(),
            kinds: data.kinds.clone(),
            urn: data.urn,
            ukprn: data.ukprn,
            dfe_sign_in: data.dfe_sign_in,
            establishment_type: data.establishment_type.clone(),
            local_authority: data.local_authority.clone(),
            closed: false,
            registered: at,
            approvers: BTreeMap::new(),
            stood_down: BTreeSet::new(),
            users: BTreeMap::new(),
            listed: BTreeMap::new(),
            proposed: BTreeMap::new(),
            successors: Vec::new(),
            carried: BTreeMap::new(),
            ended: BTreeMap::new(),
            last_signed_in: BTreeMap::new(),
            requests: BTreeMap::new(),
            review: None,
            reviewed: None,
            review_from: None,
            first_access: None,
        }
    }

    /// Takes in an event of the organisation's stream. False if it does not fit, or says nothing new: then
    /// nothing follows from it.
    #[expect(clippy::too_many_lines, reason = "one arm for each type of event")]
    pub(crate) fn apply(&mut self, recorded: &Recorded) -> bool {
        let at = recorded.envelope.at;
        let by = recorded.envelope.actor;
        match &recorded.event {
            Event::OrganisationRenamed(data) => {
                self.name = data.name.clone();
                true
            }
            Event::OrganisationKindsChanged(data) => {
                self.kinds.clone_from(&data.kinds);
                true
            }
            Event::OrganisationDescribed(data) => {
                self.ukprn = data.ukprn.or(self.ukprn);
                self.dfe_sign_in = data.dfe_sign_in.or(self.dfe_sign_in);
                if data.establishment_type.is_some() {
                    self.establishment_type.clone_from(&data.establishment_type);
                }
                if data.local_authority.is_some() {
                    self.local_authority.clone_from(&data.local_authority);
                }
                true
            }
            Event::OrganisationSucceeded(data) => {
                self.successors.clone_from(&data.successors);
                true
            }
            Event::OrganisationClosed(_) => !std::mem::replace(&mut self.closed, true),
            Event::OrganisationReopened(_) => std::mem::replace(&mut self.closed, false),
            Event::ApproverEstablished(data) => self.establish(recorded, data),
            Event::ApproverStoodDown(data) => self.stand_down(data),
            Event::ApproverCarriedOver(data) => {
                self.carried.entry(data.from).or_default().insert(data.person);
                let (person, basis) = (data.person, ApproverBasis::Predecessor);
                self.establish(recorded, &ApproverEstablished { person, basis })
            }
            Event::AccessRequested(data) => {
                let message = data.message.as_ref();
                let message = message.map(|text| recorded.hold(data.person, Slot::RequestMessage, text));
                self.request(recorded, data.request, data.person, message, None)
            }
            Event::AccessRequestedOnClosure(data) => {
                self.carried.entry(data.from).or_default().insert(data.person);
                self.request(recorded, data.request, data.person, None, Some(data.from))
            }
            Event::UserAdded(data) => {
                if let Some(old) = data.instead_of.filter(|old| *old != data.person) {
                    self.listed.remove(&old);
                }
                if let Some(from) = data.from {
                    self.carried.entry(from).or_default().insert(data.person);
                }
                self.proposed.remove(&data.person);
                self.first_access.get_or_insert(at);
                let added = Listed { since: at, by, from: data.from };
                self.listed.insert(data.person, added).is_none() || data.instead_of.is_some()
            }
            Event::UserRemoved(data) => self.listed.remove(&data.person).is_some(),
            Event::UserProposed(data) => self.proposed.insert(data.person, Proposed { at, by }).is_none(),
            Event::UserProposalDismissed(data) => self.proposed.remove(&data.person).is_some(),
            Event::AccessCarriedOver(data) => {
                self.carried.entry(data.from).or_default().insert(data.person);
                let (request, ends) = (None, data.ends);
                let from = Some(data.from);
                self.ended.remove(&data.person);
                let access = Access { since: at, by, request, from, ends, warned: false, confirmed: None };
                self.users.insert(data.person, access);
                self.first_access.get_or_insert(at);
                self.review_from.get_or_insert(at);
                true
            }
            Event::AccessRequestWithdrawn(data) => {
                self.decide(data.request, data.person, Outcome::Withdrawn { at })
            }
            Event::AccessRequestExpired(data) => {
                self.decide(data.request, data.person, Outcome::Expired { at })
            }
            Event::AccessDeclined(data) => {
                let reason = recorded.hold(data.person, Slot::DeclineReason, &data.reason);
                self.decide(data.request, data.person, Outcome::Declined { by, at, reason })
            }
            Event::ApproversReminded(data) => {
                let open = self.requests.get_mut(&data.request).filter(|request| request.outcome.is_open());
                open.map(|request| request.reminders = data.reminder).is_some()
            }
            Event::AccessGranted(data) => self.grant(recorded, data),
            Event::AccessEndDateChanged(data) => {
                let change = |access: &mut Access| (access.ends, access.warned) = (data.ends, false);
                self.users.get_mut(&data.person).map(change).is_some()
            }
            Event::AccessEndingSoon(data) => {
                let ending = self.users.get_mut(&data.person).filter(|access| access.ends == Some(data.ends));
                ending.map(|access| access.warned = true).is_some()
            }
            Event::AccessEnded(data) => self.end(recorded, data.person, HowEnded::EndDate),
            Event::AccessRevoked(data) => self.end(recorded, data.person, HowEnded::Revoked { by }),
            Event::ReviewOpened(data) if self.review.is_none() => {
                let (id, due) = (data.review, data.due);
                self.review = Some(Review { id, opened: at, due, reminders: 0, confirmed: BTreeSet::new() });
                true
            }
            Event::AccessConfirmed(data) => {
                let Some(review) = self.review.as_mut().filter(|review| review.id == data.review) else {
                    return false;
                };
                if let Some(access) = self.users.get_mut(&data.person) {
                    access.confirmed = Some(Confirmation { at, by });
                }
                review.confirmed.insert(data.person)
            }
            Event::ReviewReminded(data) => {
                let review = self.review.as_mut().filter(|review| review.id == data.review);
                review.map(|review| review.reminders = data.reminder).is_some()
            }
            Event::ReviewCompleted(data) => {
                let completed = self.review.take_if(|review| review.id == data.review).is_some();
                if completed {
                    (self.reviewed, self.review_from) = (Some(at), Some(at));
                }
                completed
            }
            _ => false,
        }
    }

    fn stand_down(&mut self, data: &ApproverStoodDown) -> bool {
        let was_one = self.approvers.remove(&data.person).is_some();
        if was_one && data.reason == StandDownReason::Own {
            self.stood_down.insert(data.person);
        }
        was_one
    }

    fn establish(&mut self, recorded: &Recorded, data: &ApproverEstablished) -> bool {
        self.stood_down.remove(&data.person);
        let (at, actor) = (recorded.envelope.at, recorded.envelope.actor);
        let made_by = match actor {
            Actor::Person(colleague) if data.basis == ApproverBasis::Colleague => Some(colleague),
            Actor::Person(_) | Actor::Reactor(_) | Actor::Operator | Actor::System => None,
        };
        match self.approvers.entry(data.person) {
            // DfE Sign-in may come to say what a colleague said before, or say it no more.
            Entry::Occupied(mut entry) => {
                let approver = entry.get_mut();
                approver.basis = data.basis;
                approver.made_by = made_by.or(approver.made_by);
                approver.by = match (data.basis, approver.made_by) {
                    (ApproverBasis::Colleague, Some(colleague)) => Actor::Person(colleague),
                    (ApproverBasis::Colleague, None)
                    | (ApproverBasis::DfeSignIn | ApproverBasis::Predecessor, _) => actor,
                };
                false
            }
            Entry::Vacant(entry) => {
                entry.insert(Approver { since: at, basis: data.basis, by: actor, made_by });
                self.first_access.get_or_insert(at);
                true
            }
        }
    }

    fn end(&mut self, recorded: &Recorded, person: PersonId, how: HowEnded) -> bool {
        let access = self.users.remove(&person);
        // Who is only an approver loses that by the stand-down which follows.
        let ends = match how {
            HowEnded::EndDate => access.is_some(),
            HowEnded::Revoked { .. } => access.is_some() || self.approvers.contains_key(&person),
        };
        if ends {
            // Of an end date the event is written some moments after it came.
            let date = access.and_then(|access| access.ends).filter(|_| how == HowEnded::EndDate);
            let at = date.unwrap_or(recorded.envelope.at);
            self.ended.insert(person, Ended { at, how });
        }
        ends
    }

    fn request(
        &mut self,
        recorded: &Recorded,
        id: RequestId,
        person: PersonId,
        message: Option<Held>,
        from: Option<OrganisationId>,
    ) -> bool {
        if self.open_request_of(person).is_some() {
            return false;
        }
        let request = Request {
            id,
            person,
            at: recorded.envelope.at,
            event: recorded.envelope.id,
            from,
            message,
            reminders: 0,
            outcome: Outcome::Open,
        };
        self.requests.insert(id, request);
        true
    }

    fn decide(&mut self, id: RequestId, person: PersonId, outcome: Outcome) -> bool {
        let fits = |request: &&mut Request| request.outcome.is_open() && request.person == person;
        let open = self.requests.get_mut(&id).filter(fits);
        open.map(|request| request.outcome = outcome).is_some()
    }

    fn grant(&mut self, recorded: &Recorded, data: &AccessGranted) -> bool {
        let (at, by) = (recorded.envelope.at, recorded.envelope.actor);
        let &AccessGranted { person, request, ends } = data;
        if let Some(request) = request {
            self.decide(request, person, Outcome::Granted { by, at, ends });
        }
        self.ended.remove(&person);
        let access = Access { since: at, by, request, from: None, ends, warned: false, confirmed: None };
        self.users.insert(person, access);
        self.first_access.get_or_insert(at);
        self.review_from.get_or_insert(at);
        true
    }
}
