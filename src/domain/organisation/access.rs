//! Giving access without being asked, changing its end, and ending it.

use vouchsafe_events::{
    AccessEndDateChanged, AccessEnded, AccessGranted, AccessRevoked, ApproverBasis, ApproverStoodDown, Event,
    PersonId, Plain, StandDownReason, Timestamp,
};

use super::Organisation;
use crate::domain::{Decided, Reason};

/// Why a colleague cannot be given access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddRefused {
    /// The organisation is closed, or not known.
    OrganisationClosed,
    /// Whoever adds them is not an approver here.
    NotAnApprover,
    /// Nobody gives themselves access.
    Oneself,
    /// They have access already.
    HasAccess,
    /// The end date is not in the future.
    EndsInThePast,
}

/// Why the end date cannot be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndDateRefused {
    /// The organisation is closed, or not known.
    OrganisationClosed,
    /// Whoever changes it is not an approver here.
    NotAnApprover,
    /// Nobody extends their own access.
    Oneself,
    /// The person has no access that was granted here.
    NoAccess,
    /// The end date is not in the future.
    EndsInThePast,
}

/// Why access cannot be ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevokeRefused {
    /// The organisation is closed, or not known.
    OrganisationClosed,
    /// Whoever ends it is not an approver here.
    NotAnApprover,
    /// Approvers stand down instead of ending their own access.
    Oneself,
    /// The person has no access here.
    NoAccess,
    /// Support put the person on the organisation's list, and no approver gave them anything: support takes them off
    /// it.
    OnSupportsList,
    /// DfE Sign-in says that the person is an approver: until it no longer does, ending access here would
    /// not last.
    ApproverInDfeSignIn,
}

impl Organisation {
    /// An approver gives a colleague access. If the colleague has a request open, this grants it.
    pub fn add(
        &self,
        person: PersonId,
        by: PersonId,
        ends: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Decided, AddRefused> {
        if !self.is_open() {
            return Err(AddRefused::OrganisationClosed);
        }
        if !self.is_approver(by) {
            return Err(AddRefused::NotAnApprover);
        }
        if person == by {
            return Err(AddRefused::Oneself);
        }
        if self.has_access(person, now) {
            return Err(AddRefused::HasAccess);
        }
        if ends.is_some_and(|ends| ends <= now) {
            return Err(AddRefused::EndsInThePast);
        }
        Ok(self.granting(AccessGranted { person, request: self.open_request_of(person), ends }, now))
    }

    /// Access is granted. Earlier access whose end came a moment ago, and of which nobody has taken note yet,
    /// ends first.
    pub(super) fn granting(&self, granted: AccessGranted, now: Timestamp) -> Decided {
        let person = granted.person;
        let ended = self.access.contains_key(&person) && !self.granted(person, now);
        let ended = ended.then_some(Event::AccessEnded(AccessEnded { person }));
        ended.into_iter().chain([Event::AccessGranted(granted)]).collect()
    }

    /// An approver changes when a colleague's access ends. Nothing happens if it ends then already.
    pub fn change_end_date(
        &self,
        person: PersonId,
        by: PersonId,
        ends: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Decided, EndDateRefused> {
        if !self.is_open() {
            return Err(EndDateRefused::OrganisationClosed);
        }
        if !self.is_approver(by) {
            return Err(EndDateRefused::NotAnApprover);
        }
        if person == by {
            return Err(EndDateRefused::Oneself);
        }
        let access = self.access.get(&person).filter(|_| self.granted(person, now));
        let access = access.ok_or(EndDateRefused::NoAccess)?;
        if ends.is_some_and(|ends| ends <= now) {
            return Err(EndDateRefused::EndsInThePast);
        }
        if access.ends == ends {
            return Ok(Vec::new());
        }
        Ok(vec![Event::AccessEndDateChanged(AccessEndDateChanged { person, ends })])
    }

    /// An approver ends a colleague's access, at once. A colleague whom another approver made an approver is
    /// no longer one either.
    pub fn revoke(
        &self,
        person: PersonId,
        by: PersonId,
        reason: &Reason,
        now: Timestamp,
    ) -> Result<Decided, RevokeRefused> {
        if !self.is_open() {
            return Err(RevokeRefused::OrganisationClosed);
        }
        if !self.is_approver(by) {
            return Err(RevokeRefused::NotAnApprover);
        }
        if person == by {
            return Err(RevokeRefused::Oneself);
        }
        if !self.has_access(person, now) {
            return Err(RevokeRefused::NoAccess);
        }
        let basis = self.approvers.get(&person);
        if basis == Some(&ApproverBasis::DfeSignIn) {
            return Err(RevokeRefused::ApproverInDfeSignIn);
        }
        if basis.is_none() && !self.granted(person, now) {
            return Err(RevokeRefused::OnSupportsList);
        }
        let review = self.review.as_ref().map(|review| review.id);
        let reason = Plain::about(person, reason.as_str());
        let mut decided = vec![Event::AccessRevoked(AccessRevoked { person, reason, review })];
        if basis.is_some() {
            let reason = StandDownReason::AccessRevoked;
            decided.push(Event::ApproverStoodDown(ApproverStoodDown { person, reason }));
        }
        decided.extend(self.completed_without(person, now));
        Ok(decided)
    }
}
