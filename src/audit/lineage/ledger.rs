//! The account of one organisation: every place that somebody had there, who gave it and on what authority.

mod fold;

use std::collections::{BTreeMap, BTreeSet};

use vouchsafe_events::{Actor, OrganisationId, PersonId, Position, StandDownReason, Timestamp};

/// What somebody is at an organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Decides who has access.
    Approver,
    /// Has access.
    User,
    /// Is on the list that support keeps.
    Listed,
}

/// Where the authority for a grant lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// DfE Sign-in named them as an approver.
    DfeSignIn,
    /// An approver of the organisation.
    Colleague(PersonId),
    /// A support agent.
    Support(PersonId),
    /// Whoever holds the command line.
    Operator,
    /// The organisation that closed, where they had the same.
    CarriedOver(OrganisationId),
    /// They took this record's place on the list.
    InsteadOf(PersonId),
    /// The service, of itself.
    Service,
}

/// What a grant gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gave {
    /// The place itself.
    Place,
    /// Another end date of the access that was there.
    EndDate,
}

/// One event that gave somebody a place, or kept it for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The event.
    pub position: Position,
    /// When.
    pub at: Timestamp,
    /// To whom.
    pub person: PersonId,
    /// As what.
    pub role: Role,
    /// What it gave.
    pub gave: Gave,
    /// On what authority.
    pub source: Source,
    /// When the access ends by itself, as was said then.
    pub ends: Option<Timestamp>,
    /// The grant on which the authority of whoever gave it rested at that moment, in the same account.
    pub rests_on: Option<usize>,
    /// The spell that it belongs to.
    pub spell: usize,
}

/// How a place was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Access came to its end date.
    EndDate,
    /// An approver ended it.
    Revoked,
    /// An approver stood down, or was no longer one.
    StoodDown(StandDownReason),
    /// Support took them off the list.
    TakenOff,
    /// Another record took the place on the list.
    Replaced,
}

/// That a place was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// The event that says so.
    pub position: Position,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Actor,
    /// How.
    pub how: How,
}

/// A time during which somebody had a place without a break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spell {
    /// Who.
    pub person: PersonId,
    /// As what.
    pub role: Role,
    /// Since when.
    pub from: Timestamp,
    /// The grants, in order: the first began it.
    pub grants: Vec<usize>,
    /// How it ended by an event, if it did.
    pub end: Option<End>,
}

/// A decision about somebody else's access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// When.
    pub at: Timestamp,
    /// Who decided.
    pub by: PersonId,
    /// The event.
    pub position: Position,
}

/// The account of one organisation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Whether it is known at all.
    known: bool,
    /// Every grant, in the order of the log.
    pub grants: Vec<Grant>,
    /// Every spell, in the order in which they began.
    pub spells: Vec<Spell>,
    /// When it was closed, and until when.
    pub shut: Vec<(Timestamp, Option<Timestamp>)>,
    /// Every decision that a person took about others, in the order of the log.
    pub decisions: Vec<Decision>,
    /// The organisations that the register ever named as its successors.
    pub successors: BTreeSet<OrganisationId>,
    /// The organisations that places were carried over from.
    pub predecessors: BTreeSet<OrganisationId>,
    /// The spells that go on.
    open: BTreeMap<(PersonId, Role), usize>,
    /// Each person's spells, in the order in which they began.
    by_person: BTreeMap<PersonId, Vec<usize>>,
}

impl Ledger {
    /// Whether the organisation was open at an instant.
    pub fn is_open(&self, at: Timestamp) -> bool {
        !self.shut.iter().any(|(from, to)| *from <= at && to.is_none_or(|to| to > at))
    }

    /// When a spell's access ends by itself, as was known at an instant.
    pub fn ends(&self, spell: &Spell, at: Timestamp) -> Option<Timestamp> {
        let mut newest = spell.grants.iter().rev().filter_map(|grant| self.grants.get(*grant));
        newest.find(|grant| grant.at <= at)?.ends
    }

    /// Whether a spell went on at an instant, and the organisation was open.
    pub fn stands(&self, spell: &Spell, at: Timestamp) -> bool {
        self.is_open(at)
            && spell.from <= at
            && spell.end.is_none_or(|end| end.at > at)
            && self.ends(spell, at).is_none_or(|ends| ends > at)
    }

    /// The grants that a spell rested on at an instant: what gave the place, as was last said, and what gave it
    /// another end since then.
    pub fn in_force(&self, spell: &Spell, at: Timestamp) -> Vec<usize> {
        self.last_of(spell, |grant| grant.at <= at)
    }

    /// The grants that a person's place rested on before an event, whether the organisation was open or not.
    pub fn in_force_before(&self, person: PersonId, role: Role, position: Position) -> Vec<usize> {
        let began = |spell: &Spell| self.grants.get(*spell.grants.first()?).map(|first| first.position);
        let before = |spell: &&Spell| {
            spell.role == role
                && spell.end.is_none_or(|end| end.position >= position)
                && began(spell).is_some_and(|began| began < position)
        };
        let found = self.spells_of(person).filter(before).last();
        found.map_or_else(Vec::new, |spell| self.last_of(spell, |grant| grant.position < position))
    }

    fn last_of(&self, spell: &Spell, counts: impl Fn(&Grant) -> bool) -> Vec<usize> {
        let mut last = Vec::new();
        for index in &spell.grants {
            let Some(grant) = self.grants.get(*index).filter(|grant| counts(grant)) else { continue };
            match grant.gave {
                Gave::Place => last.clear(),
                Gave::EndDate => last.truncate(1),
            }
            last.push(*index);
        }
        last
    }

    /// A person's spells, in the order in which they began.
    pub fn spells_of(&self, person: PersonId) -> impl Iterator<Item = &Spell> {
        let theirs = self.by_person.get(&person).map_or(&[][..], Vec::as_slice);
        theirs.iter().filter_map(|spell| self.spells.get(*spell))
    }

    /// When a spell ended, as far as that is known at an instant: by an event, or by its end date.
    pub fn ended(&self, spell: &Spell, now: Timestamp) -> Option<Timestamp> {
        let by_date = self.ends(spell, now).filter(|ends| *ends <= now);
        spell.end.map(|end| end.at).filter(|at| *at <= now).or(by_date)
    }
}
