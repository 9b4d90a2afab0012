//! Names what differs between the log as it was signed and the log as it is.

use std::collections::{HashMap, HashSet};
use std::fmt;

use serde::Serialize;
use tlog_tiles::Hash;
use vouchsafe_events::{EventId, Position, Stream, Version};

/// An event that is in the log now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Where it stands.
    pub position: Position,
    /// Its id, as the log says.
    pub id: EventId,
    /// Its stream, as the log says.
    pub stream: Stream,
    /// Its version, as the log says.
    pub version: Version,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "event {} (version {} of {})", self.id, self.version.number(), self.stream)
    }
}

/// One thing that differs from what was signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Difference {
    /// Another event stands where the signed one stood, or the event says something else.
    Altered {
        /// Its number among the events that were signed, from 0.
        leaf: u64,
        /// Where it stood.
        position: Position,
        /// What stands there.
        found: Found,
    },
    /// It is not there any more, though what came after it is.
    Removed {
        /// Its number among the events that were signed, from 0.
        leaf: u64,
        /// Where it stood.
        position: Position,
    },
    /// It is there, before others that were signed, though it was not signed.
    Inserted {
        /// What it is.
        found: Found,
    },
    /// It stands at another place among the others.
    Reordered {
        /// Its number among the events that were signed, from 0.
        leaf: u64,
        /// Where it stood.
        position: Position,
        /// What it is, and where it stands.
        found: Found,
    },
    /// From one on, the last ones are not there any more.
    Truncated {
        /// The number of the first that is missing, from 0.
        leaf: u64,
        /// Where it stood.
        position: Position,
        /// How many are missing.
        missing: u64,
        /// How many others stand in their place.
        instead: u64,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Altered { leaf, position, found } if *position == found.position => {
                write!(f, "altered: position {position} (event number {leaf}): {found}")
            }
            Self::Altered { leaf, position, found } => write!(
                f,
                "altered: position {position} (event number {leaf}), now at position {}: {found}",
                found.position
            ),
            Self::Removed { leaf, position } => {
                write!(f, "removed: what stood at position {position} (event number {leaf})")
            }
            Self::Inserted { found } => write!(f, "inserted: position {}: {found}", found.position),
            Self::Reordered { leaf, position, found } => write!(
                f,
                "reordered: what stood at position {position} (event number {leaf}) stands at position {}: {found}",
                found.position
            ),
            Self::Truncated { leaf, position, missing, instead } => {
                write!(
                    f,
                    "truncated: from position {position} (event number {leaf}) on, {missing} events are missing"
                )?;
                if *instead > 0 {
                    write!(f, "; {instead} others stand in their place")?;
                }
                Ok(())
            }
        }
    }
}

/// An event that was signed and does not stand where it stood.
#[derive(Clone, Debug)]
pub(super) struct Lost {
    pub(super) leaf: u64,
    pub(super) position: Position,
    pub(super) hash: Hash,
    /// How many events that do stand where they stood come before it.
    pub(super) gap: u64,
}

/// An event in the log that did not stand there.
#[derive(Clone, Debug)]
pub(super) struct New {
    pub(super) found: Found,
    pub(super) hash: Hash,
    /// How many events that do stand where they stood come before it.
    pub(super) gap: u64,
}

/// What is not where it was: in the order in which it was signed, and in the log's order.
#[derive(Debug, Default)]
pub(super) struct Unmatched {
    pub(super) lost: Vec<Lost>,
    pub(super) new: Vec<New>,
    /// How many stand where they stood.
    pub(super) matched: u64,
    /// The number of the last of those, among the signed ones.
    pub(super) last_matched: Option<u64>,
}

/// Gives each difference a name, in the order of the log as it was signed.
pub(super) fn name(unmatched: &Unmatched) -> Vec<Difference> {
    let Unmatched { lost, new, .. } = unmatched;
    let by_hash: HashMap<[u8; 32], usize> =
        new.iter().enumerate().map(|(index, new)| (new.hash.0, index)).collect();
    // Events that are still there, elsewhere: in the order in which they were signed.
    let moved: Vec<(&Lost, usize)> =
        lost.iter().filter_map(|lost| by_hash.get(&lost.hash.0).map(|index| (lost, *index))).collect();
    // Those that kept their place among the others stand elsewhere only because others came or went before them.
    let kept: Vec<usize> = moved
        .iter()
        .filter(|(lost, index)| new.get(*index).is_some_and(|new| new.gap == lost.gap))
        .map(|(_, index)| *index)
        .collect();
    let kept: HashSet<usize> = longest_rising(&kept).into_iter().collect();
    let still_there: HashSet<u64> = moved.iter().map(|(lost, _)| lost.leaf).collect();
    let mut used: HashSet<usize> = moved.iter().map(|(_, index)| *index).collect();

    let mut differences: Vec<(u64, Difference)> = Vec::new();
    for (lost, index) in moved.iter().filter(|(_, index)| !kept.contains(index)) {
        if let Some(new) = new.get(*index) {
            let (leaf, position) = (lost.leaf, lost.position);
            differences.push((leaf, Difference::Reordered { leaf, position, found: new.found.clone() }));
        }
    }

    let gone: Vec<&Lost> = lost.iter().filter(|lost| !still_there.contains(&lost.leaf)).collect();
    let last_there = still_there.iter().copied().max().max(unmatched.last_matched);
    let (mut inner, tail): (Vec<&Lost>, Vec<&Lost>) =
        gone.into_iter().partition(|lost| last_there.is_some_and(|last| lost.leaf < last));
    // What comes after the last one that is still there is news, unless it stands in the place of what is missing.
    let news_from = used.iter().copied().max().map_or(0, |last| last + 1);
    let is_news = |index: usize, new: &New| index >= news_from && new.gap == unmatched.matched;
    let news = new.iter().enumerate().filter(|(index, new)| is_news(*index, new));
    let at_place = |lost: &Lost| {
        let index = new.binary_search_by_key(&lost.position, |new| new.found.position).ok()?;
        new.get(index).map(|new| (index, new))
    };
    match tail.as_slice() {
        [] => {}
        // One alone at the end, with another event in its place, was altered rather than lost.
        [only] if at_place(only).is_some() => inner.push(only),
        [first, ..] => {
            let instead = news.filter(|(_, new)| new.found.position >= first.position).count() as u64;
            let (leaf, position, missing) = (first.leaf, first.position, tail.len() as u64);
            differences.push((leaf, Difference::Truncated { leaf, position, missing, instead }));
        }
    }
    for lost in pair_by_place(&inner, &at_place, &mut used, &mut differences) {
        let (leaf, position) = (lost.leaf, lost.position);
        // Where everything stands elsewhere, what stands between the same two events is its place.
        let instead = new.iter().enumerate().find(|(index, new)| {
            new.gap == lost.gap && !used.contains(index) && between(lost, *index, &moved)
        });
        match instead.filter(|(index, new)| !is_news(*index, new)) {
            Some((index, new)) => {
                used.insert(index);
                differences.push((leaf, Difference::Altered { leaf, position, found: new.found.clone() }));
            }
            None => differences.push((leaf, Difference::Removed { leaf, position })),
        }
    }
    for (index, new) in new.iter().enumerate().filter(|(index, new)| !is_news(*index, new)) {
        if !used.contains(&index) {
            differences.push((leaf_at(lost, new), Difference::Inserted { found: new.found.clone() }));
        }
    }
    differences.sort_by_key(|(leaf, _)| *leaf);
    differences.into_iter().map(|(_, difference)| difference).collect()
}

/// Pairs what was lost with what stands at the same position now. Answers those whose position is empty.
fn pair_by_place<'a, 'b>(
    inner: &[&'a Lost],
    at_place: &impl Fn(&Lost) -> Option<(usize, &'b New)>,
    used: &mut HashSet<usize>,
    differences: &mut Vec<(u64, Difference)>,
) -> Vec<&'a Lost> {
    let mut rest = Vec::new();
    for lost in inner {
        match at_place(lost).filter(|(index, _)| !used.contains(index)) {
            Some((index, new)) => {
                used.insert(index);
                let (leaf, position) = (lost.leaf, lost.position);
                differences.push((leaf, Difference::Altered { leaf, position, found: new.found.clone() }));
            }
            None => rest.push(*lost),
        }
    }
    rest
}

/// Whether something new stands between the same events as something lost did, of those that are still there.
fn between(lost: &Lost, index: usize, moved: &[(&Lost, usize)]) -> bool {
    let next = moved.partition_point(|(other, _)| other.leaf < lost.leaf);
    let before = next.checked_sub(1).and_then(|before| moved.get(before));
    let after = moved.get(next);
    before.is_none_or(|(other, at)| *at < index || other.gap != lost.gap)
        && after.is_none_or(|(other, at)| index < *at || other.gap != lost.gap)
}

/// About where, among the signed events, something new stands: for the order in which it is told.
fn leaf_at(lost: &[Lost], new: &New) -> u64 {
    lost.iter().find(|lost| lost.gap >= new.gap).map_or(u64::MAX, |lost| lost.leaf)
}

/// The longest part of the numbers that rises, in their order.
fn longest_rising(numbers: &[usize]) -> Vec<usize> {
    // For each length, the place of the least number that ends a rising part of it.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(numbers.len());
    for (at, number) in numbers.iter().enumerate() {
        let length = ends.partition_point(|end| numbers.get(*end).is_some_and(|end| end < number));
        before.push(length.checked_sub(1).and_then(|last| ends.get(last).copied()));
        match ends.get_mut(length) {
            Some(end) => *end = at,
            None => ends.push(at),
        }
    }
    let mut rising = Vec::new();
    let mut at = ends.last().copied();
    while let Some(place) = at {
        rising.extend(numbers.get(place).copied());
        at = before.get(place).copied().flatten();
    }
    rising.reverse();
    rising
}
