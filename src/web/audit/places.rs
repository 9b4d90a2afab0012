//! Schools, found by their local authority first: many schools share a name, few of them an authority.

use std::collections::BTreeSet;

use vouchsafe_events::OrganisationId;
use vouchsafe_projections::{Lists, Organisation};

/// Stands for "no local authority recorded" where else an authority's code stands.
pub(super) const NONE: &str = "none";

/// The code of the authority that an organisation lies in, or [`NONE`].
pub(super) fn authority_of(organisation: &Organisation) -> &str {
    organisation.local_authority.as_ref().map_or(NONE, |found| &found.code)
}

/// The authorities that have organisations here, code and name, in order of their names; last the
/// organisations without one.
pub(super) fn authorities(lists: &Lists) -> Vec<(String, String)> {
    let mut found = BTreeSet::new();
    let mut without = false;
    for organisation in lists.organisations() {
        match &organisation.local_authority {
            Some(authority) => {
                found.insert((authority.name.to_lowercase(), authority.code.clone(), authority.name.clone()));
            }
            None => without = true,
        }
    }
    let mut codes = BTreeSet::new();
    let named = found.into_iter().filter(|(_, code, _)| codes.insert(code.clone()));
    let mut list: Vec<_> = named.map(|(_, code, name)| (code.to_string(), name.to_string())).collect();
    if without {
        list.push((NONE.to_owned(), "No local authority recorded".to_owned()));
    }
    list
}

/// The organisations in an authority.
pub(super) fn organisations_in(lists: &Lists, code: &str) -> Vec<OrganisationId> {
    let there = lists.organisations().filter(|found| authority_of(found) == code);
    there.map(|found| found.id).collect()
}

/// The organisations in an authority with the words by which they are told apart, in order of their names.
pub(super) fn schools(lists: &Lists, code: &str) -> Vec<(OrganisationId, String)> {
    let there = lists.organisations().filter(|found| authority_of(found) == code);
    let mut list: Vec<_> = there.map(|found| (found.name.to_lowercase(), found.urn, found)).collect();
    list.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    list.into_iter().map(|(_, _, found)| (found.id, words(found))).collect()
}

fn words(organisation: &Organisation) -> String {
    let urn = organisation.urn.map_or_else(String::new, |urn| format!(" (URN {urn})"));
    let closed = if organisation.closed { ", closed" } else { "" };
    format!("{}{urn}{closed}", organisation.name)
}
