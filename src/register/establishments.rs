//! The establishment download, row by row.

use vouchsafe_events::{LocalAuthority, Urn};

use super::date;
use super::file::{Column, Download, Fault, Row};
use crate::domain::organisation::Establishment;

/// The longest name that is taken, in characters. The register's longest has some 120.
const LONGEST_NAME: usize = 400;

/// Where the columns stand that are read. Others come and go.
pub(super) struct Columns {
    urn: Option<Column>,
    name: Option<Column>,
    authority_code: Option<Column>,
    authority_name: Option<Column>,
    kind: Option<Column>,
    status: Option<Column>,
    opened: Option<Column>,
    closed: Option<Column>,
    ukprn: Option<Column>,
}

/// A row that was understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A school.
    School(Establishment),
    /// One that has not opened yet: it is registered once it has.
    NotOpenYet,
    /// No school: a children's centre, whose number has five digits.
    NoSchool,
}

/// Whether a number is one of those that the register gives to what is no school.
pub(super) fn is_no_schools(number: &str) -> bool {
    number.len() == 5 && number.bytes().all(|byte| byte.is_ascii_digit())
}

impl Columns {
    pub(super) fn of(file: &Download) -> Self {
        Self {
            urn: file.column("URN"),
            name: file.column("EstablishmentName"),
            authority_code: file.column("LA (code)"),
            authority_name: file.column("LA (name)"),
            kind: file.column("TypeOfEstablishment (code)"),
            status: file.column("EstablishmentStatus (code)"),
            opened: file.column("OpenDate"),
            closed: file.column("CloseDate"),
            ukprn: file.column("UKPRN"),
        }
    }

    /// Reads a row. The dates are only looked at for being dates: whether a school is open is said by its status, and
    /// by a file without one not at all.
    pub(super) fn read(&self, row: Row<'_>) -> Result<Found, Fault> {
        if row.text(self.urn).is_some_and(is_no_schools) {
            return Ok(Found::NoSchool);
        }
        let urn = row.must(self.urn, row.read(self.urn, str::parse::<Urn>)?)?;
        let name = row.must(self.name, row.read(self.name, name)?)?;
        let ukprn = row.read(self.ukprn, str::parse)?;
        let establishment_type = row.read(self.kind, two_digits)?;
        for column in [self.opened, self.closed] {
            row.read(column, |text| date::parse(text).ok_or("a date is written as 31-08-2021"))?;
        }
        let code = row.read(self.authority_code, authority)?;
        let local_authority = code
            .zip(row.read(self.authority_name, name_of_authority)?)
            .map(|(code, name)| LocalAuthority { code, name });
        let open = match (self.status, row.text(self.status)) {
            (None, _) => None,
            (_, Some("1" | "3")) => Some(true),
            (_, Some("2")) => Some(false),
            (_, Some("4")) => return Ok(Found::NotOpenYet),
            (_, Some(_)) => return Err(row.fault(self.status, "a status is 1, 2, 3 or 4")),
            (_, None) => return Err(row.fault(self.status, "there is nothing in it")),
        };
        Ok(Found::School(Establishment { urn, name, ukprn, establishment_type, local_authority, open }))
    }
}

/// A name as it is kept: blanks made one, and nothing in it that cannot be seen.
fn name(text: &str) -> Result<Box<str>, &'static str> {
    let unseen = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let words: Vec<&str> = text.split(|c: char| c.is_whitespace() || unseen(c)).collect();
    let name = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    if name.is_empty() {
        Err("there is nothing in it that can be seen")
    } else if name.chars().count() > LONGEST_NAME {
        Err("it is too long for a name")
    } else {
        Ok(name.into())
    }
}

fn name_of_authority(text: &str) -> Result<Box<str>, &'static str> {
    name(text)
}

/// The code of an establishment type, which a spreadsheet may have robbed of its nought.
fn two_digits(text: &str) -> Result<Box<str>, &'static str> {
    match (text.len(), text.bytes().all(|byte| byte.is_ascii_digit())) {
        (1, true) => Ok(format!("0{text}").into()),
        (2, true) => Ok(text.into()),
        _ => Err("a type is two digits, like 01"),
    }
}

/// The code of a local authority: up to three digits.
fn authority(text: &str) -> Result<Box<str>, &'static str> {
    let digits = (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { Ok(format!("{text:0>3}").into()) } else { Err("a local authority is three digits, like 383") }
}
