//! What the files say, and what of it is new.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;

use jiff::civil::Date;
use vouchsafe_events::{OrganisationId, Urn};
use vouchsafe_projections::{Lists, Organisation};

use super::decode::Encoding;
use super::file::{Broken, Download, Fault, Kind};
use super::links::Links;
use super::{establishments, links};
use crate::domain::organisation::{Establishment, InRegister};

/// What all files say together. Of two that differ the later one counts.
#[derive(Debug, Default)]
pub struct Said {
    schools: BTreeMap<Urn, Establishment>,
    links: Links,
}

/// What a file is, with its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileCounts {
    /// How its characters are written.
    pub encoding: Encoding,
    /// How many rows it has, without its header.
    pub rows: u64,
    /// How many of them cannot be taken.
    pub broken: u64,
    /// What is in it.
    pub what: What,
}

/// What is in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Establishments.
    Establishments {
        /// How many are schools, open or closed.
        schools: u64,
        /// How many have not opened yet.
        not_open_yet: u64,
        /// How many are no schools.
        no_school: u64,
    },
    /// Links.
    Links {
        /// How many rows tell of a succession.
        successions: u64,
        /// How many are of another type, or none of schools.
        other: u64,
    },
}

/// What is new.
#[derive(Debug, Default)]
pub struct News {
    /// What is to be decided: of each school, what the files say.
    pub schools: Vec<(OrganisationId, InRegister)>,
    /// The rest, in numbers.
    pub counts: Counts,
}

/// What was found in the files and is not recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Schools of which the files say nothing new.
    pub as_known: usize,
    /// Successions that have not begun yet.
    pub future_links: usize,
    /// Schools that have successors and are not registered, so that nobody there has access.
    pub not_registered: usize,
}

impl Said {
    /// Takes in a file. `told` hears of each row that cannot be taken, and `read` now and then how many rows were
    /// read. A file that is broken leaves things unfinished: what was said before must not be used then.
    pub fn take_in(
        &mut self,
        path: &Path,
        told: impl FnMut(&Fault),
        read: impl FnMut(u64),
    ) -> Result<FileCounts, Broken> {
        let file = Download::open(path)?;
        match file.kind {
            Kind::Establishments => self.establishments(file, told, read),
            Kind::Links => self.links(file, told, read),
        }
    }

    fn establishments(
        &mut self,
        file: Download,
        mut told: impl FnMut(&Fault),
        mut read: impl FnMut(u64),
    ) -> Result<FileCounts, Broken> {
        let columns = establishments::Columns::of(&file);
        let (encoding, mut rows, mut broken) = (file.encoding, 0, 0);
        let (mut schools, mut not_open_yet, mut no_school) = (0, 0, 0);
        let mut lines: BTreeMap<Urn, u64> = BTreeMap::new();
        file.each(|row| {
            rows += 1;
            read(rows);
            let found = row.and_then(|row| {
                let found = columns.read(row)?;
                if let establishments::Found::School(school) = &found
                    && let Some(line) = lines.insert(school.urn, row.line)
                {
                    return Err(row.fault(None, format!("line {line} is about the same school")));
                }
                Ok(found)
            });
            match found {
                Ok(establishments::Found::School(school)) => {
                    schools += 1;
                    self.add(school);
                }
                Ok(establishments::Found::NotOpenYet) => not_open_yet += 1,
                Ok(establishments::Found::NoSchool) => no_school += 1,
                Err(fault) => {
                    broken += 1;
                    told(&fault);
                }
            }
        })?;
        let what = What::Establishments { schools, not_open_yet, no_school };
        Ok(FileCounts { encoding, rows, broken, what })
    }

    fn links(
        &mut self,
        file: Download,
        mut told: impl FnMut(&Fault),
        mut read: impl FnMut(u64),
    ) -> Result<FileCounts, Broken> {
        let columns = links::Columns::of(&file);
        let (encoding, mut rows, mut broken) = (file.encoding, 0, 0);
        let (mut successions, mut other) = (0, 0);
        file.each(|row| {
            rows += 1;
            read(rows);
            match row.and_then(|row| columns.read(row)) {
                Ok(links::Found::Succession { before, after, since }) => {
                    successions += 1;
                    self.links.add(before, after, since);
                }
                Ok(links::Found::Other) => other += 1,
                Err(fault) => {
                    broken += 1;
                    told(&fault);
                }
            }
        })?;
        Ok(FileCounts { encoding, rows, broken, what: What::Links { successions, other } })
    }

    /// Adds what is said of a school. What a later file does not say stays as the earlier one had it.
    fn add(&mut self, school: Establishment) {
        match self.schools.entry(school.urn) {
            Entry::Vacant(entry) => drop(entry.insert(school)),
            Entry::Occupied(mut entry) => {
                let known = entry.get_mut();
                known.name = school.name;
                known.ukprn = school.ukprn.or(known.ukprn);
                known.open = school.open.or(known.open);
                known.establishment_type = school.establishment_type.or(known.establishment_type.take());
                known.local_authority = school.local_authority.or(known.local_authority.take());
            }
        }
    }

    /// What of it is new to the lists. They only show: the streams decide.
    pub fn news(self, lists: &Lists, today: Date) -> News {
        let future_links = self.links.future(today);
        let mut successors = self.links.successors(today);
        let mut news = News { counts: Counts { future_links, ..Counts::default() }, ..News::default() };
        for (urn, school) in self.schools {
            let successors = successors.remove(&urn).unwrap_or_default();
            news.add(urn, InRegister { establishment: Some(school), successors }, lists);
        }
        for (urn, successors) in successors {
            news.add(urn, InRegister { establishment: None, successors }, lists);
        }
        news
    }
}

impl News {
    fn add(&mut self, urn: Urn, said: InRegister, lists: &Lists) {
        let id = OrganisationId::of_school(urn);
        let known = lists.organisation(id);
        if known.is_none() && said.establishment.is_none() {
            self.counts.not_registered += 1;
        } else if known.is_some_and(|known| !is_new(known, &said)) {
            self.counts.as_known += 1;
        } else {
            self.schools.push((id, said));
        }
    }
}

/// Whether something is said of a school that the lists do not show.
fn is_new(known: &Organisation, said: &InRegister) -> bool {
    let differs = |school: &Establishment| {
        school.name != known.name
            || school.open.is_some_and(|open| open == known.closed)
            || (school.ukprn.is_some() && school.ukprn != known.ukprn)
            || (school.establishment_type.is_some() && school.establishment_type != known.establishment_type)
            || (school.local_authority.is_some() && school.local_authority != known.local_authority)
    };
    said.establishment.as_ref().is_some_and(differs)
        || (!said.successors.is_empty() && said.successors != known.successors)
}
