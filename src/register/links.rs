//! The links download: who succeeded whom.
//!
//! The file as it is: a link is often only with one of the two schools, so that "A has the successor B" and "B has the
//! predecessor A" say the same and either is enough. Many have no date. What counts are the types that begin with
//! `Successor` or `Predecessor`. `Result of Amalgamation` does not: in the download of April 2025, 98 of its 111 rows
//! have a mirror of that same type, so it does not say which of the two came first; where the register knows, it has a
//! row of the other types beside it.

use std::collections::BTreeMap;

use jiff::civil::Date;
use vouchsafe_events::{OrganisationId, Urn};

use super::date;
use super::establishments::is_no_schools;
use super::file::{Column, Download, Fault, Row};

/// Where the columns stand.
pub(super) struct Columns {
    urn: Option<Column>,
    other: Option<Column>,
    kind: Option<Column>,
    date: Option<Column>,
}

/// A row that was understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// One school succeeds another.
    Succession {
        /// The one before.
        before: Urn,
        /// The one after.
        after: Urn,
        /// Since when, if that is said.
        since: Option<Date>,
    },
    /// A link that is no succession, or none of schools.
    Other,
}

impl Columns {
    pub(super) fn of(file: &Download) -> Self {
        Self {
            urn: file.column("URN"),
            other: file.column("LinkURN"),
            kind: file.column("LinkType"),
            date: file.column("LinkEstablishedDate"),
        }
    }

    pub(super) fn read(&self, row: Row<'_>) -> Result<Found, Fault> {
        let kind = row.must(self.kind, row.text(self.kind))?;
        let successor = kind.starts_with("Successor");
        if !successor && !kind.starts_with("Predecessor") {
            return Ok(Found::Other);
        }
        if [self.urn, self.other].iter().any(|column| row.text(*column).is_some_and(is_no_schools)) {
            return Ok(Found::Other);
        }
        let urn = row.must(self.urn, row.read(self.urn, str::parse::<Urn>)?)?;
        let other = row.must(self.other, row.read(self.other, str::parse::<Urn>)?)?;
        let since = row.read(self.date, |text| date::parse(text).ok_or("a date is written as 31-08-2021"))?;
        if urn == other {
            return Err(row.fault(self.other, "a school cannot succeed itself"));
        }
        let (before, after) = if successor { (urn, other) } else { (other, urn) };
        Ok(Found::Succession { before, after, since })
    }
}

/// All successions, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links(BTreeMap<(Urn, Urn), Option<Date>>);

impl Links {
    /// Notes a succession. Of two dates the earlier counts, and any date before none.
    pub fn add(&mut self, before: Urn, after: Urn, since: Option<Date>) {
        let known = self.0.entry((before, after)).or_default();
        *known = [*known, since].into_iter().flatten().min();
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many begin after `today`.
    pub fn future(&self, today: Date) -> usize {
        self.0.values().filter(|since| !begun(**since, today)).count()
    }

    /// The successors of each school, by `today`: in the order of their ids.
    pub fn successors(&self, today: Date) -> BTreeMap<Urn, Vec<OrganisationId>> {
        let mut found: BTreeMap<Urn, Vec<OrganisationId>> = BTreeMap::new();
        for (&(before, after), since) in &self.0 {
            if begun(*since, today) {
                found.entry(before).or_default().push(OrganisationId::of_school(after));
            }
        }
        for successors in found.values_mut() {
            successors.sort_unstable();
        }
        found
    }
}

/// Whether a link that is dated so, or not at all, has begun.
fn begun(since: Option<Date>, today: Date) -> bool {
    since.is_none_or(|since| since <= today)
}
