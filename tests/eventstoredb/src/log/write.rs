//! Writing.

use bytes::Bytes;
use uuid::Uuid;

use super::{DELETED, Log, Record};

/// How many appends pass between two events of the server's own.
const OWN_EVERY: u64 = 3;

/// What a writer expects of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Any,
    NoStream,
    StreamExists,
    Exact(i64),
}

/// An event to write.
#[derive(Clone, Debug)]
pub(crate) struct Proposed {
    pub(crate) id: Uuid,
    pub(crate) kind: String,
    pub(crate) json: bool,
    pub(crate) data: Bytes,
    pub(crate) metadata: Bytes,
}

/// What an append came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was written, or was there already; the position is not told where the event is hidden by now.
    Done {
        last: i64,
        position: Option<u64>,
    },
    WrongVersion {
        current: i64,
    },
    Deleted,
}

impl Log {
    /// Appends, or answers as an earlier append of the same ids was answered.
    pub(crate) fn append(&mut self, stream: &str, expected: Expected, events: Vec<Proposed>) -> Outcome {
        let current = self.last(stream);
        if current == DELETED {
            return Outcome::Deleted;
        }
        let known = match expected {
            Expected::Any | Expected::StreamExists => {
                if expected == Expected::StreamExists {
                    if self.is_soft_deleted(stream) {
                        return Outcome::Deleted;
                    }
                    if current < 0 && self.last(&format!("$${stream}")) < 0 {
                        return Outcome::WrongVersion { current };
                    }
                }
                self.known_by_id(stream, &events)
            }
            Expected::NoStream => self.known_by_place(stream, -1, current, &events),
            Expected::Exact(number) => self.known_by_place(stream, number, current, &events),
        };
        match known {
            Known::New => {}
            Known::WrongVersion => return Outcome::WrongVersion { current },
            Known::There(last) => {
                let visible = last >= self.first_visible(stream);
                let at = self.of(stream).find(|record| record.number == last);
                return Outcome::Done { last, position: at.filter(|_| visible).map(|at| at.position) };
            }
        }
        if self.busy && self.appends % OWN_EVERY == OWN_EVERY - 1 {
            self.own("$stats-127.0.0.1:2113", "$statsCollected", r#"{"proc-cpu":1.0}"#);
        }
        self.appends += 1;
        let undelete = self.is_soft_deleted(stream);
        let written = self.write(stream, current, events);
        if undelete {
            self.own(&format!("$${stream}"), "$metadata", &format!(r#"{{"$tb":{}}}"#, current + 1));
        }
        written
    }

    /// Whether the events stand in the stream, going by the ids that are held in memory.
    fn known_by_id(&self, stream: &str, events: &[Proposed]) -> Known {
        let mut last = None;
        for event in events {
            match self.ids.get(&event.id) {
                Some((of, number)) if of == stream => last = Some(*number),
                _ if last.is_none() => return Known::New,
                _ => return Known::WrongVersion,
            }
        }
        last.map_or(Known::New, Known::There)
    }

    /// Whether the events stand in the stream right after `expected`. Their ids are looked at, not their
    /// content.
    fn known_by_place(&self, stream: &str, expected: i64, current: i64, events: &[Proposed]) -> Known {
        if expected > current {
            return Known::WrongVersion;
        }
        if expected == current {
            return Known::New;
        }
        let mut number = expected;
        for event in events {
            number += 1;
            let there = self.of(stream).find(|record| record.number == number);
            if there.is_some_and(|there| there.id == event.id) {
                continue;
            }
            let first = number == expected + 1;
            if first && expected == -1 && self.is_soft_deleted(stream) {
                return Known::New;
            }
            return Known::WrongVersion;
        }
        if events.is_empty() { Known::WrongVersion } else { Known::There(number) }
    }

    fn write(&mut self, stream: &str, current: i64, events: Vec<Proposed>) -> Outcome {
        let (mut number, mut position) = (current, self.end);
        let mut records = Vec::with_capacity(events.len());
        let mut next = self.end;
        for event in events {
            number += 1;
            position = next;
            let Proposed { id, kind, json, data, metadata } = event;
            let record =
                Record { position, stream: stream.to_owned(), number, id, kind, json, data, metadata };
            next = record.end();
            records.push(record);
        }
        if records.is_empty() {
            return Outcome::Done { last: current, position: Some(position) };
        }
        self.commit(records);
        Outcome::Done { last: number, position: Some(position) }
    }

    /// Makes records durable, then takes them in. A disk that fails ends the process: a server that cannot
    /// keep what it answers for has no business going on.
    fn commit(&mut self, records: Vec<Record>) {
        if let Some(disk) = &mut self.disk
            && let Err(error) = disk.write(&records)
        {
            use std::io::Write;
            let _ = writeln!(std::io::stderr(), "the log cannot be written: {error}");
            std::process::abort();
        }
        for record in records {
            self.take(record);
        }
    }

    /// Writes an event of the server's own.
    pub(super) fn own(&mut self, stream: &str, kind: &str, data: &str) {
        let event = Proposed {
            // Told apart by where it stands: the server's own ids matter to nobody.
            id: Uuid::from_u128(0xe5db << 64 | u128::from(self.end)),
            kind: kind.to_owned(),
            json: true,
            data: Bytes::from(data.to_owned()),
            metadata: Bytes::new(),
        };
        self.write(stream, self.last(stream), vec![event]);
    }

    /// Deletes a stream: softly, so that writing to it again brings it back, or for good.
    pub(crate) fn delete(&mut self, stream: &str, expected: Expected, hard: bool) -> Outcome {
        let current = self.last(stream);
        let wrong = match expected {
            Expected::Any => false,
            Expected::NoStream => current != -1,
            Expected::StreamExists => current < 0,
            Expected::Exact(number) => number != current,
        };
        if current == DELETED {
            return Outcome::Deleted;
        }
        if wrong || (!hard && current < 0 && self.last(&format!("$${stream}")) < 0) {
            return Outcome::WrongVersion { current };
        }
        let position = Some(self.end);
        if hard {
            let record = Record {
                position: self.end,
                stream: stream.to_owned(),
                number: DELETED,
                id: Uuid::from_u128(0xde1e_7e00 << 64 | u128::from(self.end)),
                kind: "$streamDeleted".to_owned(),
                json: false,
                data: Bytes::new(),
                metadata: Bytes::new(),
            };
            self.commit(vec![record]);
        } else {
            self.own(&format!("$${stream}"), "$metadata", &format!(r#"{{"$tb":{DELETED}}}"#));
        }
        Outcome::Done { last: current, position }
    }
}

/// Whether an append is a repetition.
enum Known {
    New,
    There(i64),
    WrongVersion,
}
