//! What happens to an organisation, and who decides there.

use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;
use vouchsafe_events as stored;

use super::words::{ApproverBasis, OrganisationKind, StandDownReason};
use super::{Publish, published};

/// The local authority that a school lies in.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct LocalAuthority {
    /// Its three-digit code.
    code: String,
    /// Its name.
    name: String,
}

impl Publish for stored::LocalAuthority {
    type Out = LocalAuthority;

    fn publish(&self) -> LocalAuthority {
        let Self { code, name } = self;
        LocalAuthority { code: code.publish(), name: name.publish() }
    }
}

published! {
    /// An organisation became known.
    OrganisationRegistered {
        /// Its name.
        name: String,
        /// What it is: one kind or several.
        kinds: Vec<OrganisationKind>,
    } optional {
        /// Its URN, if it is a school.
        urn: String,
        /// Its UKPRN, if it has one.
        ukprn: String,
        /// DfE Sign-in's id of it. Differs between DfE's environments.
        dfe_sign_in: Uuid,
        /// The two-digit establishment type of Get Information about Schools.
        establishment_type: String,
        /// Where it lies, if that is known.
        local_authority: LocalAuthority,
    }

    /// An organisation goes by another name.
    OrganisationRenamed {
        /// The new name.
        name: String,
    }

    /// An organisation closed. Nobody acts for it any more.
    OrganisationClosed {}

    /// An organisation that was closed is open again, and stands as it stood.
    OrganisationReopened {}

    /// An organisation is of other kinds than before.
    OrganisationKindsChanged {
        /// All that it is now.
        kinds: Vec<OrganisationKind>,
    }

    /// More became known of an organisation, or something other than before. What is absent stays as it was.
    OrganisationDescribed {} optional {
        /// Its UKPRN.
        ukprn: String,
        /// DfE Sign-in's id of it.
        dfe_sign_in: Uuid,
        /// The two-digit establishment type of Get Information about Schools.
        establishment_type: String,
        /// Where it lies.
        local_authority: LocalAuthority,
    }

    /// Which organisations go on with this one's work once it is closed.
    OrganisationSucceeded {
        /// All its successors, as the register has them now.
        successors: Vec<Uuid>,
    }

    /// A person became an approver of the organisation, or is one on another authority than before.
    ApproverEstablished {
        /// Who.
        person: Uuid,
        /// On what authority.
        basis: ApproverBasis,
    }

    /// A person is no longer an approver of the organisation.
    ApproverStoodDown {
        /// Who.
        person: Uuid,
        /// Why.
        reason: StandDownReason,
    }

    /// An approver of an organisation that closed is one at its only successor.
    ApproverCarriedOver {
        /// Who.
        person: Uuid,
        /// The organisation that closed.
        from: Uuid,
    }

    /// Support put a person on the organisation's user list.
    UserAdded {
        /// Who may act for the organisation now.
        person: Uuid,
    } optional {
        /// The organisation that closed, on whose list they were, if they were carried over.
        from: Uuid,
        /// The record whose place on the list they take: that one is no longer on it.
        instead_of: Uuid,
    }

    /// Support took a person off the organisation's user list.
    UserRemoved<Sealed> {
        /// Who.
        person: Uuid,
    } personal {
        /// Why, as support wrote it.
        reason: RemovedReason,
    }

    /// A support agent asked that they be put on the list themselves. A second agent decides.
    UserProposed {
        /// The agent.
        person: Uuid,
    }

    /// What a support agent asked for themselves was not done.
    UserProposalDismissed {
        /// The agent who had asked.
        person: Uuid,
    }
}
