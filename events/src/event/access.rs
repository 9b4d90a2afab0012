//! Asking for access to an organisation, and getting, keeping and losing it.

use serde::{Deserialize, Serialize};

use crate::{OrganisationId, PersonId, RequestId, ReviewId, Timestamp};

/// A person asked for access.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessRequested<T> {
    /// The request.
    pub request: RequestId,
    /// Who asks.
    pub person: PersonId,
    /// What they wrote to the approvers.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub message: Option<T>,
}

/// `None`, without asking anything of the type that is absent.
pub(super) const fn none<T>() -> Option<T> {
    None
}

/// The person who asked took the request back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessRequestWithdrawn {
    /// The request.
    pub request: RequestId,
    /// Who had asked.
    pub person: PersonId,
}

/// Nobody decided the request in time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessRequestExpired {
    /// The request.
    pub request: RequestId,
    /// Who had asked.
    pub person: PersonId,
}

/// The approvers were reminded of a request that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApproversReminded {
    /// The request.
    pub request: RequestId,
    /// Which reminder this is; the first is 1.
    pub reminder: u8,
}

/// A person has access from now on. The event's actor granted it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessGranted {
    /// Who has access.
    pub person: PersonId,
    /// The request that this answers; none if nobody had asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
    /// When it ends by itself, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<Timestamp>,
}

/// A person who had access to an organisation that closed has access to its only successor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessCarriedOver {
    /// Who has access.
    pub person: PersonId,
    /// The organisation that closed.
    pub from: OrganisationId,
    /// When it ends by itself, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<Timestamp>,
}

/// A person who had access to an organisation that closed is put before the approvers of one of its successors.
/// From here on it is a request like any other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessRequestedOnClosure {
    /// The request.
    pub request: RequestId,
    /// Who had access.
    pub person: PersonId,
    /// The organisation that closed.
    pub from: OrganisationId,
}

/// A request was declined. The event's actor declined it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessDeclined<T> {
    /// The request.
    pub request: RequestId,
    /// Who had asked.
    pub person: PersonId,
    /// Why, as the person will read it.
    pub reason: T,
}

/// Access was given another end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessEndDateChanged {
    /// Whose access.
    pub person: PersonId,
    /// When it ends by itself; none if it no longer does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<Timestamp>,
}

/// Access will end by itself before long: the person is to be warned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessEndingSoon {
    /// Whose access.
    pub person: PersonId,
    /// When it ends.
    pub ends: Timestamp,
}

/// Access ended because its end date came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessEnded {
    /// Whose access.
    pub person: PersonId,
}

/// An approver ended a person's access.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessRevoked<T> {
    /// Whose access.
    pub person: PersonId,
    /// Why.
    pub reason: T,
    /// The review in which it was found to be no longer needed, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<ReviewId>,
}

/// The approvers are asked to confirm each user of the organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewOpened {
    /// The review.
    pub review: ReviewId,
    /// By when; after that it is overdue.
    pub due: Timestamp,
}

/// An approver confirmed that a person still needs access.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessConfirmed {
    /// The review.
    pub review: ReviewId,
    /// Whose access.
    pub person: PersonId,
}

/// The approvers were reminded of a review that is overdue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewReminded {
    /// The review.
    pub review: ReviewId,
    /// Which reminder this is; the first is 1.
    pub reminder: u8,
}

/// Every user was confirmed or removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewCompleted {
    /// The review.
    pub review: ReviewId,
}
