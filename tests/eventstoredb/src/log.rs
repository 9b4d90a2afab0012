//! The log: what is written where, what an append is answered, and what a read finds.

mod read;
mod write;

use std::collections::HashMap;
use std::path::Path;

use bytes::Bytes;
use uuid::Uuid;

pub(crate) use self::read::{AllRead, Direction, StreamRead};
pub(crate) use self::write::{Expected, Outcome, Proposed};
use crate::disk::{Disk, StartError};

/// The number of a tombstone, and what `$tb` is set to by a soft delete: the largest there is.
pub(crate) const DELETED: i64 = i64::MAX;

/// What is between two records' beginnings, beside their names and contents: lengths before and after, kind,
/// flags, numbers, ids and a time, as in a prepare of the server's.
const OVERHEAD: usize = 77;

/// Where the first event stands: a log begins with an epoch, which is no event.
const EPOCH: u64 = 69;

/// A written event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where it begins in the log, in bytes.
    pub position: u64,
    /// The stream it is in.
    pub stream: String,
    /// Its number in the stream.
    pub number: i64,
    /// Its id.
    pub id: Uuid,
    /// Its type.
    pub kind: String,
    /// Whether it was said to be JSON.
    pub json: bool,
    /// Its content.
    pub data: Bytes,
    /// What stands beside its content.
    pub metadata: Bytes,
}

impl Record {
    /// Where the next record begins.
    pub(crate) fn end(&self) -> u64 {
        let length = OVERHEAD + self.stream.len() + self.kind.len() + self.data.len() + self.metadata.len();
        self.position + length as u64
    }
}

/// The log.
#[derive(Debug)]
pub(crate) struct Log {
    records: Vec<Record>,
    /// Which of the records are in each stream.
    streams: HashMap<String, Vec<usize>>,
    /// Where each event id was last written: what the server holds in memory to know a repeated append with.
    ids: HashMap<Uuid, (String, i64)>,
    /// Which records a scavenge took away.
    gone: Vec<bool>,
    end: u64,
    disk: Option<Disk>,
    /// Whether the server writes events of its own in between.
    busy: bool,
    appends: u64,
}

impl Log {
    /// A log in memory, or in a folder.
    pub(crate) fn open(folder: Option<&Path>, busy: bool) -> Result<Self, StartError> {
        let mut log = Self {
            records: Vec::new(),
            streams: HashMap::new(),
            ids: HashMap::new(),
            gone: Vec::new(),
            end: EPOCH,
            disk: None,
            busy,
            appends: 0,
        };
        if let Some(folder) = folder {
            let (disk, records) = Disk::open(folder)?;
            for record in records {
                log.take(record);
            }
            // What was in memory alone is forgotten by a restart.
            log.ids.clear();
            log.disk = Some(disk);
        }
        if log.records.is_empty() {
            log.own("$epoch-information", "$epoch-information", r#"{"epochNumber":0}"#);
            log.own("$users", "$User", "{}");
            log.own("$$$user-admin", "$metadata", r#"{"$acl":{"$w":"$admins"}}"#);
        }
        Ok(log)
    }

    /// Everything that was written, the server's own events too.
    pub(crate) fn records(&self) -> &[Record] {
        &self.records
    }

    /// Adds a record to what is held in memory.
    fn take(&mut self, record: Record) {
        self.end = record.end();
        self.streams.entry(record.stream.clone()).or_default().push(self.records.len());
        self.ids.insert(record.id, (record.stream.clone(), record.number));
        self.records.push(record);
        self.gone.push(false);
    }

    /// The records of a stream, in order.
    fn of<'a>(&'a self, stream: &str) -> impl DoubleEndedIterator<Item = &'a Record> + use<'a> {
        self.streams.get(stream).into_iter().flatten().filter_map(|at| self.records.get(*at))
    }

    /// The number of a stream's last event; -1 if it has none, [`DELETED`] if it ends in a tombstone.
    pub(crate) fn last(&self, stream: &str) -> i64 {
        self.of(stream).next_back().map_or(-1, |record| record.number)
    }

    /// A stream's metadata: the last event of its metadata stream.
    pub(crate) fn metadata(&self, stream: &str) -> serde_json::Value {
        let last = self.of(&format!("$${stream}")).next_back();
        last.and_then(|record| serde_json::from_slice(&record.data).ok()).unwrap_or_default()
    }

    /// The server's settings: the last event of their stream.
    pub(crate) fn settings(&self) -> serde_json::Value {
        let last = self.of("$settings").next_back();
        last.and_then(|record| serde_json::from_slice(&record.data).ok()).unwrap_or_default()
    }

    /// Whether a stream was deleted softly and not written to since.
    fn is_soft_deleted(&self, stream: &str) -> bool {
        self.metadata(stream).get("$tb").and_then(serde_json::Value::as_i64) == Some(DELETED)
    }

    /// The number of the first event of a stream that its metadata lets readers see.
    fn first_visible(&self, stream: &str) -> i64 {
        if stream.starts_with("$$") {
            // A metadata stream keeps its last event.
            return self.last(stream);
        }
        let metadata = self.metadata(stream);
        let number = |name: &str| metadata.get(name).and_then(serde_json::Value::as_i64);
        let kept = number("$maxCount").map_or(0, |kept| self.last(stream) - kept + 1);
        number("$tb").unwrap_or(0).max(kept).max(0)
    }

    /// Takes away what readers of the streams no longer see, as a scavenge does. Positions stay.
    pub(crate) fn scavenge(&mut self) {
        for at in 0..self.records.len() {
            let Some(record) = self.records.get(at) else { continue };
            let gone = record.number < self.first_visible(&record.stream);
            if let Some(mark) = self.gone.get_mut(at) {
                *mark |= gone;
            }
        }
    }
}
