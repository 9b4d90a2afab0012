//! Who decides at an organisation.

use vouchsafe_events::{
    AccessRequestWithdrawn, ApproverBasis, ApproverEstablished, ApproverStoodDown, Event, PersonId,
    StandDownReason, Timestamp,
};

use super::Organisation;
use crate::domain::Decided;

/// Why a colleague cannot be made an approver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MakeApproverRefused {
    /// The organisation is closed, or not known.
    OrganisationClosed,
    /// Whoever makes them one is not an approver here.
    NotAnApprover,
    /// They are one already.
    AlreadyApprover,
    /// They have no access here: they get that first.
    NoAccess,
}

/// Why an approver cannot stand down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StandDownRefused {
    /// They are not an approver here; where the organisation is closed, nobody is.
    NotAnApprover,
    /// They are the last one and have not been told what that means.
    LastApprover,
}

/// Why somebody who stood down cannot be an approver again by their own wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReturnRefused {
    /// The organisation is closed, or not known.
    OrganisationClosed,
    /// They did not stand down while DfE Sign-in named them.
    DidNotStandDown,
    /// DfE Sign-in does not name them as an approver now.
    NotInDfeSignIn,
}

impl Organisation {
    /// Takes note of whether DfE Sign-in names a person as an approver here. Its word goes before a colleague's:
    /// while it names somebody, their place rests on it, and nobody here can end it. When it names them no more,
    /// they are an approver on the word of the colleague who made them one, if one did and the access that they
    /// had then has not ended; otherwise they are none. Who stood down by choice is not made one again. A closed
    /// organisation gets no approvers, but loses them, so that nobody whom DfE Sign-in dropped meanwhile decides
    /// when it reopens.
    pub fn heard_from_dfe_sign_in(&self, person: PersonId, names_them: bool) -> Decided {
        let named = self.approvers.get(&person) == Some(&ApproverBasis::DfeSignIn);
        match (names_them, named) {
            (true, false) if self.is_open() && !self.stood_down.contains(&person) => {
                self.become_named(person)
            }
            (false, true) if self.made.contains(&person) => {
                let basis = ApproverBasis::Colleague;
                vec![Event::ApproverEstablished(ApproverEstablished { person, basis })]
            }
            (false, true) => {
                let reason = StandDownReason::DfeSignIn;
                vec![Event::ApproverStoodDown(ApproverStoodDown { person, reason })]
            }
            (true, _) | (false, false) => Vec::new(),
        }
    }

    /// The people who are approvers here because DfE Sign-in names them.
    pub fn named_by_dfe_sign_in(&self) -> impl Iterator<Item = PersonId> {
        self.approvers
            .iter()
            .filter(|(_, basis)| **basis == ApproverBasis::DfeSignIn)
            .map(|(person, _)| *person)
    }

    /// Whether a person stood down by choice while DfE Sign-in named them.
    pub fn stood_down_by_choice(&self, person: PersonId) -> bool {
        self.stood_down.contains(&person)
    }

    /// An approver makes a colleague who has access an approver too.
    pub fn make_approver(
        &self,
        person: PersonId,
        by: PersonId,
        now: Timestamp,
    ) -> Result<Decided, MakeApproverRefused> {
        if !self.is_open() {
            return Err(MakeApproverRefused::OrganisationClosed);
        }
        if !self.is_approver(by) {
            return Err(MakeApproverRefused::NotAnApprover);
        }
        if self.is_approver(person) {
            return Err(MakeApproverRefused::AlreadyApprover);
        }
        if !self.has_access(person, now) {
            return Err(MakeApproverRefused::NoAccess);
        }
        Ok(vec![Event::ApproverEstablished(ApproverEstablished { person, basis: ApproverBasis::Colleague })])
    }

    /// An approver stands down. The last one must have been told what that means (`told`).
    pub fn stand_down(&self, person: PersonId, told: bool) -> Result<Decided, StandDownRefused> {
        if !self.is_approver(person) {
            return Err(StandDownRefused::NotAnApprover);
        }
        if self.approvers.len() == 1 && !told {
            return Err(StandDownRefused::LastApprover);
        }
        let reason = StandDownReason::Own;
        Ok(vec![Event::ApproverStoodDown(ApproverStoodDown { person, reason })])
    }

    /// Somebody who stood down by choice, and whom DfE Sign-in names at this moment (`named`), is an approver
    /// again.
    pub fn return_as_approver(&self, person: PersonId, named: bool) -> Result<Decided, ReturnRefused> {
        if !self.is_open() {
            return Err(ReturnRefused::OrganisationClosed);
        }
        if !self.stood_down.contains(&person) {
            return Err(ReturnRefused::DidNotStandDown);
        }
        if !named {
            return Err(ReturnRefused::NotInDfeSignIn);
        }
        Ok(self.become_named(person))
    }

    /// A person becomes an approver because DfE Sign-in names them. A request of theirs that is still open has
    /// no more purpose.
    fn become_named(&self, person: PersonId) -> Decided {
        let basis = ApproverBasis::DfeSignIn;
        let mut decided = vec![Event::ApproverEstablished(ApproverEstablished { person, basis })];
        decided.extend(
            self.open_request_of(person)
                .map(|request| Event::AccessRequestWithdrawn(AccessRequestWithdrawn { request, person })),
        );
        decided
    }
}
