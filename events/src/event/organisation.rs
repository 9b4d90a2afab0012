//! What happens to an organisation, and who decides there.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{OrganisationId, PersonId, Ukprn, Urn};

/// What an organisation is. One may be of several kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrganisationKind {
    /// A school, known by its URN.
    School,
    /// Provides training programmes.
    LeadProvider,
    /// Delivers a lead provider's training.
    DeliveryPartner,
    /// Assures inductions.
    AppropriateBody,
}

impl OrganisationKind {
    /// Whether support keeps a user list for an organisation of this kind: DfE Sign-in does not tell apart who
    /// belongs to it. A school looks after itself.
    pub const fn has_user_list(self) -> bool {
        !matches!(self, Self::School)
    }
}

/// The local authority that a school lies in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LocalAuthority {
    /// Its three-digit code.
    pub code: Box<str>,
    /// Its name.
    pub name: Box<str>,
}

/// An organisation became known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganisationRegistered {
    /// Its name.
    pub name: Box<str>,
    /// What it is.
    pub kinds: Vec<OrganisationKind>,
    /// Its URN, if it is a school.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urn: Option<Urn>,
    /// Its UKPRN, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ukprn: Option<Ukprn>,
    /// DfE Sign-in's id of it. Differs between DfE's environments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dfe_sign_in: Option<Uuid>,
    /// The two-digit establishment type of Get Information about Schools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub establishment_type: Option<Box<str>>,
    /// Where it lies, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_authority: Option<LocalAuthority>,
}

/// An organisation goes by another name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganisationRenamed {
    /// The new name.
    pub name: Box<str>,
}

/// An organisation is of other kinds than before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganisationKindsChanged {
    /// All that it is now.
    pub kinds: Vec<OrganisationKind>,
}

/// More became known of an organisation, or something other than before. What is absent stays as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganisationDescribed {
    /// Its UKPRN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ukprn: Option<Ukprn>,
    /// DfE Sign-in's id of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dfe_sign_in: Option<Uuid>,
    /// The two-digit establishment type of Get Information about Schools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub establishment_type: Option<Box<str>>,
    /// Where it lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_authority: Option<LocalAuthority>,
}

/// The register says which organisations go on with this one's work. They take over its people once it is closed:
/// one successor takes them all, of several each decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganisationSucceeded {
    /// All its successors, as the register has them now: in the order of their ids, at least one.
    pub successors: Vec<OrganisationId>,
}

/// An organisation closed. Nobody acts for it any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganisationClosed {}

/// An organisation that was closed is open again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganisationReopened {}

/// On what authority somebody became an approver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApproverBasis {
    /// DfE Sign-in says that they are one.
    DfeSignIn,
    /// Another approver of the organisation made them one: the event's actor. Of somebody whom DfE Sign-in no
    /// longer names, the actor is who found that out, and the colleague is the one of the event before.
    Colleague,
    /// They were one at an organisation that closed and that this one succeeded.
    Predecessor,
}

/// A person became an approver of the organisation, or is one on another authority than before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApproverEstablished {
    /// Who.
    pub person: PersonId,
    /// On what authority.
    pub basis: ApproverBasis,
}

/// An approver of an organisation that closed is one at its only successor. The event's basis is always
/// [`ApproverBasis::Predecessor`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApproverCarriedOver {
    /// Who.
    pub person: PersonId,
    /// The organisation that closed.
    pub from: OrganisationId,
}

/// Why somebody is no longer an approver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StandDownReason {
    /// They chose to.
    Own,
    /// DfE Sign-in no longer says that they are one.
    DfeSignIn,
    /// Their access to the organisation was ended.
    AccessRevoked,
    /// Their access to the organisation came to its end date.
    AccessEnded,
}

/// A person is no longer an approver of the organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApproverStoodDown {
    /// Who.
    pub person: PersonId,
    /// Why.
    pub reason: StandDownReason,
}
