//! Two instants of one organisation, compared: who came, who left, and by whom.

use std::collections::{BTreeMap, BTreeSet};

use vouchsafe_events::{OrganisationId, PersonId, Timestamp};

use super::Replay;
use super::lineage::{End, Grant, Ledger, Role, Spell};

/// What a person was at one of the instants.
pub type Standing = BTreeSet<Role>;

/// A person for whom something is otherwise at the second instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Who.
    pub person: PersonId,
    /// What they were at the first instant; empty if they had no access.
    pub before: Standing,
    /// What they were at the second; empty if they had no access.
    pub after: Standing,
    /// The grants of what they are at the second and were not at the first.
    pub came: Vec<Grant>,
    /// How they lost what they no longer are at the second. An organisation that closed ends nothing: see
    /// [`Changes::closed`].
    pub left: Vec<End>,
}

/// What is otherwise at the second of two instants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Who has access and had none.
    pub came: Vec<Change>,
    /// Who had access and has none.
    pub left: Vec<Change>,
    /// Who has access in another way than before.
    pub otherwise: Vec<Change>,
    /// Who had access for a time in between, and at neither of the two.
    pub between: Vec<Spell>,
    /// How many have access at both in the same way.
    pub same: usize,
    /// Whether the organisation was closed at the first instant and at the second.
    pub closed: (bool, bool),
}

/// What each person with access was at an instant: by the lists that are folded up to it, which say who, and the
/// account, which says as what.
pub fn standing(
    replay: &Replay,
    ledger: &Ledger,
    organisation: OrganisationId,
    at: Timestamp,
) -> BTreeMap<PersonId, Standing> {
    let lists = replay.lists(at);
    let Some(found) = lists.organisation(organisation) else { return BTreeMap::new() };
    let members = found.members(at).map(|(person, _, _)| {
        let roles = ledger.spells_of(person).filter(|spell| ledger.stands(spell, at)).map(|spell| spell.role);
        (person, roles.collect())
    });
    members.collect()
}

impl Changes {
    /// Compares an organisation at one instant with it at a later one.
    pub fn between(
        replay: &Replay,
        ledger: &Ledger,
        organisation: OrganisationId,
        from: Timestamp,
        to: Timestamp,
    ) -> Self {
        let before = standing(replay, ledger, organisation, from);
        let after = standing(replay, ledger, organisation, to);
        let mut changes = Self { closed: (!ledger.is_open(from), !ledger.is_open(to)), ..Self::default() };
        let of = |list: &BTreeMap<_, Standing>, person| list.get(&person).cloned().unwrap_or_default();
        let everyone: BTreeSet<PersonId> = before.keys().chain(after.keys()).copied().collect();
        for person in everyone.iter().copied() {
            let (was, is) = (of(&before, person), of(&after, person));
            if was == is {
                changes.same += 1;
                continue;
            }
            let change = Change::of(ledger, person, was, is, to);
            match (change.before.is_empty(), change.after.is_empty()) {
                (true, _) => changes.came.push(change),
                (false, true) => changes.left.push(change),
                (false, false) => changes.otherwise.push(change),
            }
        }
        let within = |spell: &&Spell| {
            spell.from > from
                && ledger.ended(spell, to).is_some_and(|end| end > spell.from)
                && !everyone.contains(&spell.person)
        };
        changes.between = ledger.spells.iter().filter(within).cloned().collect();
        changes
    }
}

impl Change {
    fn of(ledger: &Ledger, person: PersonId, before: Standing, after: Standing, to: Timestamp) -> Self {
        let spells = |role: &Role| {
            let role = *role;
            ledger.spells_of(person).filter(move |spell| spell.role == role && spell.from <= to)
        };
        let came = after.difference(&before).filter_map(|role| {
            let spell = spells(role).find(|spell| ledger.stands(spell, to))?;
            ledger.grants.get(*ledger.in_force(spell, to).first()?).cloned()
        });
        let left = before.difference(&after).filter_map(|role| {
            let ends = spells(role).filter_map(|spell| spell.end).filter(|end| end.at <= to);
            ends.max_by_key(|end| (end.at, end.position))
        });
        let (came, left) = (came.collect(), left.collect());
        Self { person, before, after, came, left }
    }
}
