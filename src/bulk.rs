//! Many people at once for a user list: from the bytes of a CSV file, or pasted text, to what would become of each
//! row. Nothing here changes anything.

mod near_miss;

use std::collections::HashMap;

use vouchsafe_events::Email;

use crate::app::Entry;
use crate::domain::PersonName;

pub use near_miss::near_miss;

/// The most rows that are taken at once.
pub const MOST_ROWS: usize = 2_000;

/// The most bytes that are taken at once: 1 MiB (ASVS 5.0, 5.1.1).
pub const MOST_BYTES: usize = 1024 * 1024;

/// Why nothing can be read from a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// There is nothing in it.
    #[error("there are no rows in it")]
    Empty,
    /// It is neither UTF-8 nor UTF-16 nor Windows-1252.
    #[error("it is not text: save it as CSV (UTF-8)")]
    NotText,
    /// It is not CSV.
    #[error("line {line} is not CSV: look for a quotation mark that is not closed")]
    NotCsv {
        /// Where.
        line: u64,
    },
    /// It has more rows than are taken at once.
    #[error("it has more than {MOST_ROWS} rows: split it")]
    TooManyRows,
}

/// One row, as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The line that it begins on, from 1.
    pub line: u64,
    /// What stands for the email address.
    pub email: String,
    /// What stands for the name; empty if nothing does.
    pub name: String,
}

/// What would become of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// They will be put on the list.
    Add {
        /// Who.
        entry: Entry,
        /// What should be looked at before.
        warning: Option<Warning>,
    },
    /// They are the agent: it will wait for a second agent.
    Propose {
        /// Who.
        entry: Entry,
    },
    /// They are on the list already.
    Listed,
    /// The same address stands in an earlier line.
    Twice {
        /// Which.
        line: u64,
    },
    /// There is no address in the row.
    NoEmail,
    /// What stands there is no address.
    NotAnEmail,
    /// The name is too long.
    NameTooLong,
}

impl Fate {
    /// Who is to be put on the list, if anybody.
    pub const fn entry(&self) -> Option<&Entry> {
        match self {
            Self::Add { entry, .. } | Self::Propose { entry } => Some(entry),
            Self::Listed | Self::Twice { .. } | Self::NoEmail | Self::NotAnEmail | Self::NameTooLong => None,
        }
    }
}

/// What should be looked at before somebody is put on a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// The domain looks like a slip of the keyboard.
    NearMiss {
        /// What was probably meant.
        meant: String,
    },
    /// The domain has letters of another alphabet in it, which can be made to look like another domain.
    OtherAlphabet {
        /// The domain as mail servers write it.
        ascii: String,
    },
}

/// What is known of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// It is on the list.
    Listed,
    /// It is the agent's own, and the two-person rule is on.
    Oneself,
    /// Nothing that matters here.
    Nothing,
}

/// Reads text as spreadsheets save it: UTF-8 with or without its mark, UTF-16 with it, or Windows-1252.
pub fn decode(bytes: &[u8]) -> Result<String, Unreadable> {
    if let Some((encoding, mark)) = encoding_rs::Encoding::for_bom(bytes) {
        let text = encoding
            .decode_without_bom_handling_and_without_replacement(bytes.get(mark..).unwrap_or_default());
        return text.map(std::borrow::Cow::into_owned).ok_or(Unreadable::NotText);
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => encoding_rs::WINDOWS_1252
            .decode_without_bom_handling_and_without_replacement(bytes)
            .ok_or(Unreadable::NotText)?
            .into_owned(),
    };
    // Windows-1252 gives a meaning to every byte, so a picture would be "text" as well.
    let strange = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
    if text.chars().any(strange) { Err(Unreadable::NotText) } else { Ok(text) }
}

/// Reads rows: a column `email` and, if there is one, a column `name`, in the order that a header says, or in this
/// order if there is no header. Semicolons and tabs part columns as well as commas do.
pub fn read(text: &str) -> Result<Vec<Row>, Unreadable> {
    // One kind of line's end, so that lines are counted right.
    let text = &text.replace("\r\n", "\n").replace('\r', "\n");
    let first = text.lines().find(|line| !line.trim().is_empty()).ok_or(Unreadable::Empty)?;
    let delimiter =
        [b',', b';', b'\t'].into_iter().find(|mark| first.contains(char::from(*mark))).unwrap_or(b',');
    if !text.matches('"').count().is_multiple_of(2) {
        return Err(Unreadable::NotCsv { line: unclosed(text) });
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let (mut email, mut name) = (0, 1);
    let mut rows = Vec::new();
    for (number, record) in reader.records().enumerate() {
        let record = record
            .map_err(|error| Unreadable::NotCsv { line: error.position().map_or(1, csv::Position::line) })?;
        if number == 0 {
            let column =
                |words: &[&str]| record.iter().position(|cell| words.contains(&cell.to_lowercase().as_str()));
            if let Some(found) = column(&["email", "email address", "e-mail", "email_address"]) {
                email = found;
                name = column(&["name", "full name", "full_name"]).unwrap_or(usize::MAX);
                continue;
            }
        }
        let cell = |at: usize| record.get(at).unwrap_or_default().to_owned();
        let row = Row {
            line: record.position().map_or(0, csv::Position::line),
            email: cell(email),
            name: cell(name),
        };
        if row.email.is_empty() && row.name.is_empty() {
            continue;
        }
        if rows.len() >= MOST_ROWS {
            return Err(Unreadable::TooManyRows);
        }
        rows.push(row);
    }
    if rows.is_empty() { Err(Unreadable::Empty) } else { Ok(rows) }
}

/// The line with the quotation mark that is not closed.
fn unclosed(text: &str) -> u64 {
    let mut open = false;
    let mut at = 1;
    for (number, line) in (1_u64..).zip(text.lines()) {
        if !line.matches('"').count().is_multiple_of(2) {
            open = !open;
            at = if open { number } else { at };
        }
    }
    at
}

/// What would become of each row. `own` are the domains that the list has already.
pub fn fates(rows: Vec<Row>, own: &[String], known: impl Fn(&Email) -> Known) -> Vec<(Row, Fate)> {
    let mut seen: HashMap<Email, u64> = HashMap::new();
    let fate = |row: &Row, seen: &mut HashMap<Email, u64>| {
        if row.email.is_empty() {
            return Fate::NoEmail;
        }
        let Ok(email) = row.email.parse::<Email>() else { return Fate::NotAnEmail };
        if let Some(line) = seen.get(&email) {
            return Fate::Twice { line: *line };
        }
        seen.insert(email.clone(), row.line);
        let name = match PersonName::parse(&row.name) {
            Ok(name) => Some(name),
            Err(crate::domain::text::TextRefused::Empty) => None,
            Err(crate::domain::text::TextRefused::TooLong { .. }) => return Fate::NameTooLong,
        };
        match known(&email) {
            Known::Listed => Fate::Listed,
            Known::Oneself => Fate::Propose { entry: Entry { email, name } },
            Known::Nothing => {
                let warning = warning(&email, own);
                Fate::Add { entry: Entry { email, name }, warning }
            }
        }
    };
    rows.into_iter()
        .map(|row| {
            let fate = fate(&row, &mut seen);
            (row, fate)
        })
        .collect()
}

/// What should be looked at in an address.
pub fn warning(email: &Email, own: &[String]) -> Option<Warning> {
    let domain = domain(email);
    if domain.split('.').any(|label| label.starts_with("xn--")) {
        return Some(Warning::OtherAlphabet { ascii: domain.to_owned() });
    }
    near_miss(domain, own).map(|meant| Warning::NearMiss { meant })
}

/// What stands after the `@`.
pub fn domain(email: &Email) -> &str {
    email.as_str().rsplit_once('@').map_or("", |(_, domain)| domain)
}

#[cfg(test)]
mod tests;
