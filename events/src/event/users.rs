//! The user list that support keeps for an organisation which cannot look after itself.

use serde::{Deserialize, Serialize};

use crate::{OrganisationId, PersonId};

/// Support put a person on the organisation's user list. The event's actor did, or for an operator the command
/// line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserAdded {
    /// Who may act for the organisation now.
    pub person: PersonId,
    /// The organisation that closed, on whose list they were, if they were carried over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<OrganisationId>,
    /// The record whose place on the list they take, if they turned out to be that person: that one is no longer
    /// on the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<PersonId>,
}

/// Support took a person off the organisation's user list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRemoved<T> {
    /// Who.
    pub person: PersonId,
    /// Why.
    pub reason: T,
}

/// A support agent asked that they be put on the list themselves. A second agent decides: by adding the person, or
/// by dismissing it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserProposed {
    /// The agent.
    pub person: PersonId,
}

/// What a support agent asked for themselves was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserProposalDismissed {
    /// The agent who had asked.
    pub person: PersonId,
}
