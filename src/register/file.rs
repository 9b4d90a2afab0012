//! One download: its rows, with the columns found by name.

use std::fs::File;
use std::path::Path;

use csv::StringRecord;

use super::decode::{self, Decoded, Encoding, Whole};

/// Why a file is not taken at all.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// It cannot be opened or read.
    #[error("it cannot be read")]
    Unreadable(#[source] std::io::Error),
    /// It is no text.
    #[error("it is no text file: save it as CSV, in UTF-8 or as the register gives it")]
    NotText,
    /// UTF-8 with bytes in it that are none.
    #[error("it is UTF-8 with damage: some of its characters are broken")]
    DamagedUtf8,
    /// UTF-8 that ends within a character.
    #[error("it ends in the middle of a character: it is not whole")]
    HalfACharacter,
    /// Neither UTF-8 nor Windows-1252.
    #[error("it is neither UTF-8 nor Windows-1252: line {line} has a byte that neither knows")]
    NoEncoding {
        /// Where.
        line: u64,
    },
    /// A quote is never closed.
    #[error("the quote that opens on line {line} is never closed: the file is not whole")]
    OpenQuote {
        /// Where.
        line: u64,
    },
    /// It ends within a row.
    #[error("it ends in the middle of line {line}: it is not whole")]
    HalfARow {
        /// Where.
        line: u64,
    },
    /// Its first line names no columns that are known.
    #[error(
        "its first line does not have the columns of a download of the register: URN and EstablishmentName, or URN, LinkURN, LinkType and LinkEstablishedDate"
    )]
    NoHeader,
    /// It is not CSV.
    #[error("it is no CSV that can be read")]
    Csv(#[source] csv::Error),
}

/// A row that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {why}")]
pub struct Fault {
    /// The line, from 1; the header is line 1.
    pub line: u64,
    /// The column's name.
    pub column: &'static str,
    /// What is wrong.
    pub why: String,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Schools and what else the register knows.
    Establishments,
    /// Who succeeded whom.
    Links,
}

/// The columns that make a file one of establishments, and one of links.
const ESTABLISHMENTS: [&str; 2] = ["URN", "EstablishmentName"];
const LINKS: [&str; 4] = ["URN", "LinkURN", "LinkType", "LinkEstablishedDate"];

/// A file that is whole, at its first row.
pub(super) struct Download {
    pub(super) kind: Kind,
    pub(super) encoding: Encoding,
    whole: Whole,
    header: StringRecord,
    rows: csv::Reader<Decoded<File>>,
}

impl Download {
    /// Checks that a file is whole and opens it.
    pub(super) fn open(path: &Path) -> Result<Self, Broken> {
        let open = || File::open(path).map_err(Broken::Unreadable);
        let whole = decode::check(open()?)?;
        let decoded = Decoded::new(open()?, whole.encoding);
        let mut rows = csv::ReaderBuilder::new().flexible(true).from_reader(decoded);
        let header = rows.headers().map_err(Broken::Csv)?.clone();
        let has = |names: &[&str]| names.iter().all(|name| column(&header, name).is_some());
        let kind = if has(&LINKS) {
            Kind::Links
        } else if has(&ESTABLISHMENTS) {
            Kind::Establishments
        } else {
            return Err(Broken::NoHeader);
        };
        Ok(Self { kind, encoding: whole.encoding, whole, header, rows })
    }

    /// Where a column stands, if the file has it.
    pub(super) fn column(&self, name: &'static str) -> Option<Column> {
        column(&self.header, name).map(|at| Column { at, name })
    }

    /// Goes through all rows. One that has not the header's number of columns is a fault.
    pub(super) fn each(mut self, mut row: impl FnMut(Result<Row<'_>, Fault>)) -> Result<(), Broken> {
        let mut record = StringRecord::new();
        let (mut line, mut short) = (1, false);
        while self.rows.read_record(&mut record).map_err(Broken::Csv)? {
            line = record.position().map_or(line + 1, csv::Position::line);
            short = record.len() < self.header.len();
            row(if record.len() == self.header.len() {
                Ok(Row { line, record: &record })
            } else {
                let (has, wanted) = (record.len(), self.header.len());
                let why = format!("the row has {has} columns, and the file {wanted}");
                Err(Fault { line, column: "URN", why })
            });
        }
        if short && !self.whole.ends_a_line {
            return Err(Broken::HalfARow { line });
        }
        Ok(())
    }
}

fn column(header: &StringRecord, name: &str) -> Option<usize> {
    header.iter().position(|found| found.trim() == name)
}

/// A column that a file has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    at: usize,
    name: &'static str,
}

/// One row.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) line: u64,
    record: &'a StringRecord,
}

impl<'a> Row<'a> {
    /// What stands in a column, without blanks around it; none if nothing does, or the file has no such column.
    pub(super) fn text(&self, column: Option<Column>) -> Option<&'a str> {
        column.and_then(|column| self.record.get(column.at)).map(str::trim).filter(|text| !text.is_empty())
    }

    /// What stands in a column, read.
    pub(super) fn read<T, E: ToString>(
        &self,
        column: Option<Column>,
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Option<T>, Fault> {
        let read = |text: &str| {
            read(text).map_err(|error| {
                let shown: String = text.chars().take(40).collect();
                self.fault(column, format!("{shown:?}: {}", error.to_string()))
            })
        };
        self.text(column).map(read).transpose()
    }

    /// What stands in a column that every row must have.
    pub(super) fn must<T>(&self, column: Option<Column>, found: Option<T>) -> Result<T, Fault> {
        found.ok_or_else(|| self.fault(column, "there is nothing in it"))
    }

    pub(super) fn fault(&self, column: Option<Column>, why: impl Into<String>) -> Fault {
        Fault { line: self.line, column: column.map_or("URN", |column| column.name), why: why.into() }
    }
}
