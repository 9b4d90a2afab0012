//! One organisation: who acts for it, who asks to, and how its review stands.

mod fold;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use vouchsafe_events::{
    Actor, ApproverBasis, EventId, Held, LocalAuthority, OrganisationId, OrganisationKind, PersonId,
    RequestId, ReviewId, Timestamp, Ukprn, Urn, Uuid,
};

/// An organisation as its stream says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organisation {
    /// Which.
    pub id: OrganisationId,
    /// Its name.
    pub name: Box<str>,
    /// What it is.
    pub kinds: Vec<OrganisationKind>,
    /// Its URN, if it is a school.
    pub urn: Option<Urn>,
    /// Its UKPRN, if it has one.
    pub ukprn: Option<Ukprn>,
    /// DfE Sign-in's id of it.
    pub dfe_sign_in: Option<Uuid>,
    /// The two-digit establishment type of Get Information about Schools.
    pub establishment_type: Option<Box<str>>,
    /// The local authority that it lies in, if that is known.
    pub local_authority: Option<LocalAuthority>,
    /// Whether it is closed: then nobody has access.
    pub closed: bool,
    /// When it became known.
    pub registered: Timestamp,
    /// Its approvers.
    pub approvers: BTreeMap<PersonId, Approver>,
    /// Who stood down as an approver by choice, and has not become one again.
    pub stood_down: BTreeSet<PersonId>,
    /// Whom an approver gave access. An end may have come that is not yet an event: see [`Self::has_access`].
    pub users: BTreeMap<PersonId, Access>,
    /// Whom support put on the organisation's user list.
    pub listed: BTreeMap<PersonId, Listed>,
    /// The support agents who asked to be put on it themselves.
    pub proposed: BTreeMap<PersonId, Proposed>,
    /// The organisations that go on with this one's work, as the register says, in the order of their ids.
    pub successors: Vec<OrganisationId>,
    /// Who came here from which organisation that closed, in the order in which they were brought over: with
    /// access, or with a request.
    pub carried: BTreeMap<OrganisationId, BTreeSet<PersonId>>,
    /// Whose access has ended and was not given again.
    pub ended: BTreeMap<PersonId, Ended>,
    /// When each person last signed in for this organisation, whether they have access or not.
    pub last_signed_in: BTreeMap<PersonId, Timestamp>,
    /// Every open request, and the newest decided ones: see [`DECIDED_KEPT`](crate::DECIDED_KEPT).
    pub requests: BTreeMap<RequestId, Request>,
    /// The review that is open, if one is.
    pub review: Option<Review>,
    /// When the last review was completed, if one was.
    pub reviewed: Option<Timestamp>,
    /// From when the time to the next review counts: when the last review was completed or, before the first, when
    /// access was first given or carried over. Somebody who is an approver alone does not begin it.
    pub review_from: Option<Timestamp>,
    /// When somebody first had access, as user or as approver.
    pub first_access: Option<Timestamp>,
}

/// How somebody is an approver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approver {
    /// Since when.
    pub since: Timestamp,
    /// On what authority, as was last said.
    pub basis: ApproverBasis,
    /// Who said so last; of somebody who is one on a colleague's word, that colleague.
    pub by: Actor,
    /// The colleague who made them one, if one did: on whose word they stay one when DfE Sign-in no longer names
    /// them.
    pub made_by: Option<PersonId>,
}

/// How somebody is on the user list that support keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Since when.
    pub since: Timestamp,
    /// Who put them there.
    pub by: Actor,
    /// The organisation that closed and that they were carried over from, if they were.
    pub from: Option<OrganisationId>,
}

/// A support agent who asked to be put on the list themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposed {
    /// When.
    pub at: Timestamp,
    /// Who asked: the agent, or who entered it for them.
    pub by: Actor,
}

/// How somebody has access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Since when.
    pub since: Timestamp,
    /// Who granted it.
    pub by: Actor,
    /// The request that it answered; none if nobody had asked.
    pub request: Option<RequestId>,
    /// The organisation that closed and that it was carried over from, if it was.
    pub from: Option<OrganisationId>,
    /// When it ends by itself, if it does.
    pub ends: Option<Timestamp>,
    /// Whether the person was warned that it ends.
    pub warned: bool,
    /// When it was last confirmed in a review, if it was.
    pub confirmed: Option<Confirmation>,
}

/// That somebody's access has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// When.
    pub at: Timestamp,
    /// How.
    pub how: HowEnded,
}

/// How access ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HowEnded {
    /// Its end date came.
    EndDate,
    /// An approver ended it.
    Revoked {
        /// Who.
        by: Actor,
    },
}

/// That somebody still needs access, as an approver said in a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// When.
    pub at: Timestamp,
    /// Who said so.
    pub by: Actor,
}

/// A request for access.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Which.
    pub id: RequestId,
    /// Who asks.
    pub person: PersonId,
    /// When they asked.
    pub at: Timestamp,
    /// The event with which they asked.
    pub event: EventId,
    /// The organisation that closed and at which they had access, if they are put before the approvers for that.
    pub from: Option<OrganisationId>,
    /// What they wrote to the approvers, sealed.
    pub message: Option<Held>,
    /// How often the approvers were reminded.
    pub reminders: u8,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It waits for an approver.
    Open,
    /// Access was granted.
    Granted {
        /// By whom.
        by: Actor,
        /// When.
        at: Timestamp,
        /// When the access that was granted ends by itself, if it does.
        ends: Option<Timestamp>,
    },
    /// It was declined.
    Declined {
        /// By whom.
        by: Actor,
        /// When.
        at: Timestamp,
        /// Why, sealed.
        reason: Held,
    },
    /// The person took it back.
    Withdrawn {
        /// When.
        at: Timestamp,
    },
    /// Nobody decided in time.
    Expired {
        /// When.
        at: Timestamp,
    },
}

/// A yearly review of the user list that is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// Which.
    pub id: ReviewId,
    /// Since when.
    pub opened: Timestamp,
    /// By when it is to be completed.
    pub due: Timestamp,
    /// How often the approvers were reminded.
    pub reminders: u8,
    /// Whose access was confirmed in it.
    pub confirmed: BTreeSet<PersonId>,
}

impl Outcome {
    /// Whether the request still waits.
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }

    /// When the request was decided, taken back or expired; none while it is open.
    pub const fn at(&self) -> Option<Timestamp> {
        match self {
            Self::Open => None,
            Self::Granted { at, .. }
            | Self::Declined { at, .. }
            | Self::Withdrawn { at }
            | Self::Expired { at } => Some(*at),
        }
    }
}

impl Access {
    /// Whether it has not ended by `now`.
    pub fn lasts(&self, now: Timestamp) -> bool {
        self.ends.is_none_or(|ends| now < ends)
    }
}

impl Organisation {
    /// Whether the person decides here: they are an approver, and the organisation is open. A closed one keeps
    /// its approvers in [`Self::approvers`], for the day that it is open again.
    pub fn is_approver(&self, person: PersonId) -> bool {
        !self.closed && self.approvers.contains_key(&person)
    }

    /// Whether the person may act for the organisation: it is open, and they are an approver, are on the list that
    /// support keeps, or have access whose end has not come by `now`.
    pub fn has_access(&self, person: PersonId, now: Timestamp) -> bool {
        let user = || self.users.get(&person).is_some_and(|access| access.lasts(now));
        self.is_approver(person) || self.is_listed(person) || (!self.closed && user())
    }

    /// Whether the person is on the list that support keeps, and the organisation is open: that is all that a
    /// one-time password opens.
    pub fn is_listed(&self, person: PersonId) -> bool {
        !self.closed && self.listed.contains_key(&person)
    }

    /// Whether the person is an approver because DfE Sign-in says so.
    pub fn is_named_by_dfe_sign_in(&self, person: PersonId) -> bool {
        self.approvers.get(&person).is_some_and(|approver| approver.basis == ApproverBasis::DfeSignIn)
    }

    /// Whether it is of this kind.
    pub fn is(&self, kind: OrganisationKind) -> bool {
        self.kinds.contains(&kind)
    }

    /// Whether support keeps a user list for it: it is of a kind that has one, whatever else it is.
    pub fn has_user_list(&self) -> bool {
        self.kinds.iter().any(|kind| kind.has_user_list())
    }

    /// Everyone who has access at `now`, each once: approvers first, then the other users, then those who are only
    /// on the list that support keeps, with neither.
    pub fn members(
        &self,
        now: Timestamp,
    ) -> impl Iterator<Item = (PersonId, Option<&Access>, Option<&Approver>)> {
        let lasting = move |person: &PersonId| self.users.get(person).filter(|access| access.lasts(now));
        let approvers =
            self.approvers.iter().map(move |(person, approver)| (*person, lasting(person), Some(approver)));
        let users = self
            .users
            .iter()
            .filter(move |(person, access)| access.lasts(now) && !self.is_approver(**person))
            .map(|(person, access)| (*person, Some(access), None));
        let only_listed = move |person: &&PersonId| lasting(person).is_none() && !self.is_approver(**person);
        let listed = self.listed.keys().filter(only_listed).map(|person| (*person, None, None));
        approvers.chain(users).chain(listed).filter(|_| !self.closed)
    }

    /// The requests that wait, in the order of their ids.
    pub fn open_requests(&self) -> impl Iterator<Item = &Request> {
        self.requests.values().filter(|request| request.outcome.is_open())
    }

    /// The person's request that waits, if one does. There is never more than one.
    pub fn open_request_of(&self, person: PersonId) -> Option<&Request> {
        self.open_requests().find(|request| request.person == person)
    }

    /// The person's newest request, whatever became of it.
    pub fn latest_request_of(&self, person: PersonId) -> Option<&Request> {
        let theirs = self.requests.values().filter(|request| request.person == person);
        theirs.max_by_key(|request| (request.at, request.id))
    }

    /// Those with access at `now` whom the open review has still to confirm; nobody if no review is open. A review
    /// asks about everybody whose place rests on a colleague's word, so not about an approver whom DfE Sign-in
    /// names and nobody gave access.
    pub fn waiting_for_review(&self, now: Timestamp) -> impl Iterator<Item = PersonId> {
        self.review.iter().flat_map(move |review| {
            let by_colleague = |(person, access, approver): (_, Option<&Access>, Option<&Approver>)| {
                let made = approver.is_some_and(|approver| approver.basis != ApproverBasis::DfeSignIn);
                (access.is_some() || made).then_some(person)
            };
            let listed = self.members(now).filter_map(by_colleague);
            listed.filter(|person| !review.confirmed.contains(person))
        })
    }
}
