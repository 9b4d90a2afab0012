//! On whose authority each person has what they have: the chain back to where it began, and who would not be there
//! without somebody.
//!
//! A grant rests on the authority that whoever gave it had **at that moment**. So each step back goes to an earlier
//! event of the log, and no chain can come back to where it was, whoever made whom an approver later on. A place that
//! was carried over from an organisation that closed rests on what the person had there.

mod ledger;
mod words;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use vouchsafe_events::{OrganisationId, PersonId, Stream, Timestamp};

pub use ledger::{Decision, End, Gave, Grant, How, Ledger, Role, Source, Spell};
pub use words::{ended, given, role};

use super::Replay;
use crate::app::Unavailable;
use crate::store::EventStore;

/// How many organisations are looked into for one, at most: closures follow on each other a few times, not often.
const MOST_ORGANISATIONS: usize = 64;

/// How many steps a tree shows, at most.
pub const MOST_STEPS: usize = 1000;

/// A grant, at an organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    /// Where.
    pub organisation: OrganisationId,
    /// Which of its account.
    pub grant: usize,
}

/// A line of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// How far in: a step rests on, or gave rise to, the last one before it that is one less far in.
    pub depth: usize,
    /// The grant.
    pub node: Node,
}

/// The accounts of an organisation, of those that it succeeded, and of those that succeeded it.
#[derive(Clone, Debug)]
pub struct Lineage {
    ledgers: BTreeMap<OrganisationId, Ledger>,
    /// Whether others would have to be looked into.
    cut: bool,
}

impl Lineage {
    /// Takes accounts that were folded already.
    pub const fn new(ledgers: BTreeMap<OrganisationId, Ledger>) -> Self {
        Self { ledgers, cut: false }
    }

    /// Reads what is needed to follow authority from and to an organisation.
    pub async fn read(store: &dyn EventStore, organisation: OrganisationId) -> Result<Self, Unavailable> {
        let replay = Replay::read(store, Stream::Organisation(organisation)).await?;
        Self::around(store, organisation, Ledger::of(replay.events())).await
    }

    /// The same, where the organisation's own account is there already.
    pub async fn around(
        store: &dyn EventStore,
        organisation: OrganisationId,
        ledger: Ledger,
    ) -> Result<Self, Unavailable> {
        let mut lineage = Self::new(BTreeMap::new());
        let back: fn(&Ledger) -> &BTreeSet<OrganisationId> = |ledger| &ledger.predecessors;
        let forward: fn(&Ledger) -> &BTreeSet<OrganisationId> = |ledger| &ledger.successors;
        let mut wanted = Vec::new();
        for direction in [back, forward] {
            wanted.extend(direction(&ledger).iter().map(|id| (*id, direction)));
        }
        lineage.ledgers.insert(organisation, ledger);
        while let Some((id, direction)) = wanted.pop() {
            if lineage.ledgers.contains_key(&id) {
                continue;
            }
            if lineage.ledgers.len() >= MOST_ORGANISATIONS {
                lineage.cut = true;
                break;
            }
            let replay = Replay::read(store, Stream::Organisation(id)).await?;
            let ledger = Ledger::of(replay.events());
            wanted.extend(direction(&ledger).iter().map(|id| (*id, direction)));
            lineage.ledgers.insert(id, ledger);
        }
        Ok(lineage)
    }

    /// Whether there are more organisations than are looked into.
    pub const fn is_cut(&self) -> bool {
        self.cut
    }

    /// An organisation's account.
    pub fn ledger(&self, organisation: OrganisationId) -> Option<&Ledger> {
        self.ledgers.get(&organisation)
    }

    /// A grant.
    pub fn grant(&self, node: Node) -> Option<&Grant> {
        self.ledgers.get(&node.organisation)?.grants.get(node.grant)
    }

    /// The spell that a grant belongs to.
    pub fn spell(&self, node: Node) -> Option<&Spell> {
        let ledger = self.ledgers.get(&node.organisation)?;
        ledger.spells.get(ledger.grants.get(node.grant)?.spell)
    }

    /// What a grant rests on: nothing where authority begins.
    pub fn rests_on(&self, node: Node) -> Vec<Node> {
        let Some(grant) = self.grant(node) else { return Vec::new() };
        if let Source::CarriedOver(from) = grant.source {
            let there = self.ledgers.get(&from);
            let found = there.map(|ledger| ledger.in_force_before(grant.person, grant.role, grant.position));
            return at(from, found.unwrap_or_default());
        }
        at(node.organisation, grant.rests_on.into_iter().collect())
    }

    /// The grants that a person's places at an organisation rest on at an instant, approver first.
    pub fn places(&self, organisation: OrganisationId, person: PersonId, now: Timestamp) -> Vec<Node> {
        let Some(ledger) = self.ledgers.get(&organisation) else { return Vec::new() };
        let mut spells: Vec<_> = ledger.spells_of(person).filter(|spell| ledger.stands(spell, now)).collect();
        spells.sort_by_key(|spell| spell.role);
        spells.into_iter().flat_map(|spell| at(organisation, ledger.in_force(spell, now))).collect()
    }

    /// The chain of authority from a grant back to where it began, itself first.
    pub fn back(&self, node: Node) -> Vec<Step> {
        walk([node], |node| self.rests_on(node))
    }

    /// What came of a person's decisions at an organisation, directly or not, whether it still stands or not: the
    /// grants that they gave, those that rest on these, and so on.
    pub fn forward(&self, organisation: OrganisationId, person: PersonId) -> Vec<Step> {
        let mut on: BTreeMap<Node, Vec<Node>> = BTreeMap::new();
        for (id, ledger) in &self.ledgers {
            for node in at(*id, (0..ledger.grants.len()).collect()) {
                for under in self.rests_on(node) {
                    on.entry(under).or_default().push(node);
                }
            }
        }
        let Some(ledger) = self.ledgers.get(&organisation) else { return Vec::new() };
        // Given by them, as approver or as support agent; and what was theirs and was carried over.
        let mut first = Vec::new();
        for node in at(organisation, (0..ledger.grants.len()).collect()) {
            let Some(grant) = self.grant(node) else { continue };
            if grant.source == Source::Colleague(person) || grant.source == Source::Support(person) {
                first.push(node);
            }
            if grant.person == person && grant.role == Role::Approver {
                first.extend(on.get(&node).into_iter().flatten());
            }
        }
        first.sort_unstable_by_key(|node| self.grant(*node).map(|grant| grant.position));
        first.dedup();
        walk(first, |node| on.get(&node).cloned().unwrap_or_default())
    }

    /// Of these grants, those that somebody's place rests on at an instant: what is to be looked at again if whoever
    /// they came of should never have decided.
    pub fn standing(&self, steps: &[Step], now: Timestamp) -> Vec<Node> {
        steps.iter().map(|step| step.node).filter(|node| self.stands(*node, now)).collect()
    }

    /// Whether a place rests on this grant at an instant.
    pub fn stands(&self, node: Node, now: Timestamp) -> bool {
        let Some(ledger) = self.ledgers.get(&node.organisation) else { return false };
        let Some(spell) = self.spell(node) else { return false };
        ledger.stands(spell, now) && ledger.in_force(spell, now).contains(&node.grant)
    }
}

fn at(organisation: OrganisationId, grants: Vec<usize>) -> Vec<Node> {
    grants.into_iter().map(|grant| Node { organisation, grant }).collect()
}

/// Walks in depth, each grant once. It ends at [`MOST_STEPS`].
fn walk(first: impl IntoIterator<Item = Node>, next: impl Fn(Node) -> Vec<Node>) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut seen = BTreeSet::new();
    let mut waiting: Vec<Step> = first.into_iter().map(|node| Step { depth: 0, node }).collect();
    waiting.reverse();
    while let Some(step) = waiting.pop() {
        if steps.len() >= MOST_STEPS {
            break;
        }
        if !seen.insert(step.node) {
            continue;
        }
        steps.push(step);
        let mut below = next(step.node);
        below.reverse();
        waiting.extend(below.into_iter().map(|node| Step { depth: step.depth + 1, node }));
    }
    steps
}
