//! The user list that support keeps for an organisation which DfE Sign-in does not tell apart, and what such an
//! organisation is.

use vouchsafe_events::{
    Actor, Event, OrganisationClosed, OrganisationKind, OrganisationKindsChanged, OrganisationRegistered,
    OrganisationRenamed, OrganisationReopened, PersonId, Plain, Ukprn, UserAdded, UserProposalDismissed,
    UserProposed, UserRemoved,
};

use super::Organisation;
use crate::domain::{Decided, Reason};

/// Why somebody cannot be put on a user list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListRefused {
    /// The organisation is closed, or not known.
    #[error("the organisation is closed, or not known")]
    OrganisationClosed,
    /// It is a school alone, and looks after itself.
    #[error("a school looks after its own users: its approvers decide")]
    SelfService,
    /// They are on the list already.
    #[error("they are on the list already")]
    AlreadyListed,
    /// They are an agent who has asked for themselves, and a second agent has still to decide.
    #[error("this waits for a second support agent already")]
    AlreadyProposed,
}

/// Why somebody cannot be taken off a user list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnlistRefused {
    /// They are not on it.
    #[error("they are not on the list")]
    NotListed,
}

/// Why an agent's own request cannot be dismissed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DismissRefused {
    /// There is none.
    #[error("nothing waits for a second support agent")]
    NoProposal,
}

/// Why an organisation cannot be registered or changed by support.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeRefused {
    /// It is not known.
    #[error("the organisation is not known")]
    Unknown,
    /// It is known already.
    #[error("the organisation is known already")]
    Known,
    /// It must be of at least one kind.
    #[error("an organisation must be of at least one kind")]
    NoKind,
    /// What is a school is for the register of schools to say.
    #[error("the register of schools says what is a school, what it is called and whether it is open")]
    Register,
}

/// An organisation as support registers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fresh {
    /// Its name.
    pub name: Box<str>,
    /// What it is: anything but a school.
    pub kinds: Vec<OrganisationKind>,
    /// Its UKPRN, if it has one.
    pub ukprn: Option<Ukprn>,
}

impl Organisation {
    /// Whether support keeps a user list for it: it is of a kind that has one, whatever else it is.
    pub(super) fn has_user_list(&self) -> bool {
        self.kinds.iter().any(|kind| kind.has_user_list())
    }

    fn is_school(&self) -> bool {
        self.kinds.contains(&OrganisationKind::School)
    }

    /// Somebody is put on the list. With the two-person rule an agent who adds themselves only asks for it: a
    /// second agent decides, by adding them.
    pub fn list_user(
        &self,
        person: PersonId,
        by: Actor,
        two_person_rule: bool,
    ) -> Result<Decided, ListRefused> {
        if !self.is_open() {
            return Err(ListRefused::OrganisationClosed);
        }
        if !self.has_user_list() {
            return Err(ListRefused::SelfService);
        }
        if self.listed.contains(&person) {
            return Err(ListRefused::AlreadyListed);
        }
        // Whoever entered it for them is no second person either.
        let first = by == Actor::Person(person) || self.proposed.get(&person) == Some(&by);
        if two_person_rule && first {
            if self.proposed.contains_key(&person) {
                return Err(ListRefused::AlreadyProposed);
            }
            return Ok(vec![Event::UserProposed(UserProposed { person })]);
        }
        Ok(vec![Event::UserAdded(UserAdded { person, from: None, instead_of: None })])
    }

    /// What an agent asked for themselves is not done.
    pub fn dismiss_proposal(&self, person: PersonId) -> Result<Decided, DismissRefused> {
        if !self.proposed.contains_key(&person) {
            return Err(DismissRefused::NoProposal);
        }
        Ok(vec![Event::UserProposalDismissed(UserProposalDismissed { person })])
    }

    /// Somebody is taken off the list, also where the organisation is closed.
    pub fn unlist_user(&self, person: PersonId, reason: &Reason) -> Result<Decided, UnlistRefused> {
        if !self.listed.contains(&person) {
            return Err(UnlistRefused::NotListed);
        }
        let reason = Plain::about(person, reason.as_str());
        Ok(vec![Event::UserRemoved(UserRemoved { person, reason })])
    }

    /// Support registers an organisation that is no school.
    pub fn register(&self, fresh: Fresh) -> Result<Decided, ChangeRefused> {
        if self.name.is_some() {
            return Err(ChangeRefused::Known);
        }
        if fresh.kinds.is_empty() {
            return Err(ChangeRefused::NoKind);
        }
        if fresh.kinds.contains(&OrganisationKind::School) {
            return Err(ChangeRefused::Register);
        }
        Ok(vec![Event::OrganisationRegistered(OrganisationRegistered {
            name: fresh.name,
            kinds: fresh.kinds,
            urn: None,
            ukprn: fresh.ukprn,
            dfe_sign_in: None,
            establishment_type: None,
            local_authority: None,
        })])
    }

    /// Support says what an organisation is. A school stays one, and nothing becomes one.
    pub fn change_kinds(&self, kinds: &[OrganisationKind]) -> Result<Decided, ChangeRefused> {
        if self.name.is_none() {
            return Err(ChangeRefused::Unknown);
        }
        if kinds.is_empty() {
            return Err(ChangeRefused::NoKind);
        }
        if kinds.contains(&OrganisationKind::School) != self.is_school() {
            return Err(ChangeRefused::Register);
        }
        let mut kinds = kinds.to_vec();
        kinds.sort_unstable();
        kinds.dedup();
        let mut now = self.kinds.clone();
        now.sort_unstable();
        if kinds == now {
            return Ok(Vec::new());
        }
        Ok(vec![Event::OrganisationKindsChanged(OrganisationKindsChanged { kinds })])
    }

    /// Support renames an organisation that is no school, closes it, or opens it again.
    pub fn change(&self, name: Option<Box<str>>, open: Option<bool>) -> Result<Decided, ChangeRefused> {
        let Some(now) = &self.name else { return Err(ChangeRefused::Unknown) };
        if self.is_school() {
            return Err(ChangeRefused::Register);
        }
        let mut decided = Vec::new();
        if let Some(name) = name.filter(|name| name != now) {
            decided.push(Event::OrganisationRenamed(OrganisationRenamed { name }));
        }
        match (open, self.closed) {
            (Some(true), true) => decided.push(Event::OrganisationReopened(OrganisationReopened {})),
            (Some(false), false) => decided.push(Event::OrganisationClosed(OrganisationClosed {})),
            _ => {}
        }
        Ok(decided)
    }
}
