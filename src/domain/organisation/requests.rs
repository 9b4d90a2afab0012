//! Asking for access, and the approvers' answer.

use vouchsafe_events::{
    AccessDeclined, AccessGranted, AccessRequestWithdrawn, AccessRequested, Actor, Event, PersonId, Plain,
    RequestId, Timestamp,
};

use super::{Organisation, Stage};
use crate::domain::{Decided, Message, Reason};

/// Why a person cannot ask for access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskRefused {
    /// The organisation is closed, or not known.
    OrganisationClosed,
    /// They have access already.
    HasAccess,
    /// They have asked already: this request is open.
    AlreadyAsked {
        /// The open request.
        request: RequestId,
    },
}

/// Why a request cannot be withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithdrawRefused {
    /// There is no such request here, or it is somebody else's: the two are not told apart.
    NoSuchRequest,
    /// It has ended already.
    Settled(Settled),
}

/// Why a request cannot be granted or declined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecideRefused {
    /// The organisation is closed, or not known.
    OrganisationClosed,
    /// Whoever decides is not an approver here.
    NotAnApprover,
    /// There is no such request here.
    NoSuchRequest,
    /// Nobody decides their own request.
    OwnRequest,
    /// It has ended already: the first decision stands.
    Settled(Settled),
    /// The end date is not in the future.
    EndsInThePast,
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

impl Organisation {
    /// A person asks for access.
    pub fn ask(
        &self,
        person: PersonId,
        request: RequestId,
        message: Option<&Message>,
        now: Timestamp,
    ) -> Result<Decided, AskRefused> {
        if !self.is_open() {
            return Err(AskRefused::OrganisationClosed);
        }
        if self.has_access(person, now) {
            return Err(AskRefused::HasAccess);
        }
        if let Some(request) = self.open_request_of(person) {
            return Err(AskRefused::AlreadyAsked { request });
        }
        let message = message.map(|message| Plain::about(person, message.as_str()));
        Ok(vec![Event::AccessRequested(AccessRequested { request, person, message })])
    }

    /// A person takes their request back. That gives nobody anything, so it is not refused where the
    /// organisation has closed.
    pub fn withdraw(&self, person: PersonId, request: RequestId) -> Result<Decided, WithdrawRefused> {
        match self.requests.get(&request) {
            Some(found) if found.person == person => match found.stage {
                Stage::Open { .. } => {
                    Ok(vec![Event::AccessRequestWithdrawn(AccessRequestWithdrawn { request, person })])
                }
                Stage::Settled(how) => Err(WithdrawRefused::Settled(how)),
            },
            _ => Err(WithdrawRefused::NoSuchRequest),
        }
    }

    /// An approver grants a request.
    pub fn grant(
        &self,
        request: RequestId,
        by: PersonId,
        ends: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Decided, DecideRefused> {
        let person = self.to_decide(request, by)?;
        if ends.is_some_and(|ends| ends <= now) {
            return Err(DecideRefused::EndsInThePast);
        }
        Ok(self.granting(AccessGranted { person, request: Some(request), ends }, now))
    }

    /// An approver declines a request.
    pub fn decline(
        &self,
        request: RequestId,
        by: PersonId,
        reason: &Reason,
    ) -> Result<Decided, DecideRefused> {
        let person = self.to_decide(request, by)?;
        let reason = Plain::about(person, reason.as_str());
        Ok(vec![Event::AccessDeclined(AccessDeclined { request, person, reason })])
    }

    /// Whose request it is, if `by` may decide it.
    fn to_decide(&self, request: RequestId, by: PersonId) -> Result<PersonId, DecideRefused> {
        if !self.is_open() {
            return Err(DecideRefused::OrganisationClosed);
        }
        if !self.is_approver(by) {
            return Err(DecideRefused::NotAnApprover);
        }
        let found = self.requests.get(&request).ok_or(DecideRefused::NoSuchRequest)?;
        if found.person == by {
            return Err(DecideRefused::OwnRequest);
        }
        match found.stage {
            Stage::Open { .. } => Ok(found.person),
            Stage::Settled(how) => Err(DecideRefused::Settled(how)),
        }
    }
}
