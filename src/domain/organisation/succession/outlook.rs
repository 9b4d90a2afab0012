//! Who goes on with the work of an organisation that closed, as far as the register tells.

use std::collections::{BTreeMap, BTreeSet};

use vouchsafe_events::OrganisationId;

/// How an organisation stands, as far as that matters to those before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether it is closed.
    pub closed: bool,
    /// Its successors.
    pub successors: Vec<OrganisationId>,
}

/// An open organisation that goes on with the work of one that closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Which.
    pub at: OrganisationId,
    /// The closed organisations on the way there: successors that have been succeeded.
    pub via: BTreeSet<OrganisationId>,
}

/// Who goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// One open organisation, and every way leads there.
    One(End),
    /// Several; or one so far, while another successor closed without one, is not known yet, or leads in a circle.
    Several(Vec<End>),
    /// None that is known yet.
    Waits,
    /// None: there is no successor, or it closed and has none.
    Nowhere,
    /// None: the successors succeed each other in a circle.
    Circle,
}

/// Follows the successors of an organisation that closed, over closed ones, to open ones. `look` says how one
/// stands; none if it is not registered. It ends whatever the register says, since none is looked at twice.
pub fn outlook(from: OrganisationId, look: impl Fn(OrganisationId) -> Option<Standing>) -> Outlook {
    let mut ways: BTreeMap<OrganisationId, BTreeSet<OrganisationId>> = BTreeMap::new();
    let (mut open, mut waits, mut dead) = (BTreeSet::new(), false, false);
    let mut next = vec![from];
    while let Some(at) = next.pop() {
        if ways.contains_key(&at) || open.contains(&at) {
            continue;
        }
        match look(at) {
            None => waits = true,
            Some(found) if !found.closed && at != from => drop(open.insert(at)),
            Some(found) => {
                dead |= found.successors.is_empty();
                next.extend(&found.successors);
                ways.insert(at, found.successors.into_iter().collect());
            }
        }
    }
    let circle = has_circle(&ways);
    let mut ends: Vec<End> =
        open.into_iter().map(|at| End { at, via: leading_to(at, from, &ways) }).collect();
    match (ends.len(), waits, circle) {
        (0, true, _) => Outlook::Waits,
        (0, false, true) => Outlook::Circle,
        (0, false, false) => Outlook::Nowhere,
        (1, false, false) if !dead => ends.pop().map_or(Outlook::Nowhere, Outlook::One),
        _ => Outlook::Several(ends),
    }
}

/// Whether ways lead in a circle: some are left when those that lead nowhere else are taken away, again and again.
fn has_circle(ways: &BTreeMap<OrganisationId, BTreeSet<OrganisationId>>) -> bool {
    let mut left = ways.clone();
    loop {
        let here: BTreeSet<_> = left.keys().copied().collect();
        let before = left.len();
        left.retain(|_, to| to.iter().any(|to| here.contains(to)));
        if left.len() == before {
            return before > 0;
        }
    }
}

/// The organisations from which ways lead to one, other than where they begin.
fn leading_to(
    end: OrganisationId,
    from: OrganisationId,
    ways: &BTreeMap<OrganisationId, BTreeSet<OrganisationId>>,
) -> BTreeSet<OrganisationId> {
    let mut found = BTreeSet::from([end]);
    loop {
        let more: Vec<_> = ways
            .iter()
            .filter(|(at, to)| **at != from && !found.contains(at) && to.iter().any(|to| found.contains(to)))
            .map(|(at, _)| *at)
            .collect();
        if more.is_empty() {
            break;
        }
        found.extend(more);
    }
    found.remove(&end);
    found
}
