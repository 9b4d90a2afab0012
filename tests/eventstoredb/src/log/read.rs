//! Reading.

use super::{DELETED, Log, Record};

/// Which way a read goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Forwards,
    Backwards,
}

/// What a read of a stream finds.
#[derive(Clone, Debug)]
pub(crate) enum StreamRead {
    Found {
        events: Vec<Record>,
        /// Where the stream's first event that can be read stands, if the read found none and began elsewhere.
        first: Option<i64>,
        last: i64,
    },
    NoStream,
    Deleted,
}

/// What a read of everything finds.
#[derive(Clone, Debug)]
pub(crate) enum AllRead {
    Found(Vec<Record>),
    /// No record begins there.
    InvalidPosition,
}

impl Log {
    /// Reads a stream from a number on, which is read too; from either end if there is none.
    pub(crate) fn read(
        &self,
        stream: &str,
        from: Option<i64>,
        direction: Direction,
        count: usize,
    ) -> StreamRead {
        let last = self.last(stream);
        if last == DELETED {
            return StreamRead::Deleted;
        }
        if last < 0 || self.is_soft_deleted(stream) {
            return StreamRead::NoStream;
        }
        let visible = self.first_visible(stream);
        let events: Vec<Record> = match direction {
            Direction::Forwards => {
                let from = from.unwrap_or(0).max(visible);
                self.of(stream).filter(|record| record.number >= from).take(count).cloned().collect()
            }
            Direction::Backwards => {
                let from = from.unwrap_or(last);
                let seen = |record: &&Record| record.number <= from && record.number >= visible;
                self.of(stream).rev().filter(seen).take(count).cloned().collect()
            }
        };
        let first = (direction == Direction::Forwards && events.is_empty()).then_some(visible);
        StreamRead::Found { events, first, last }
    }

    /// Reads everything from a position on: forwards what begins there is read too, backwards what ends
    /// there. From the end if there is no position.
    ///
    /// The server goes to the commit position and reads a record there: where none begins, it cannot. A
    /// record that a scavenge took away is no trouble, as a scavenged chunk maps positions to what is left.
    pub(crate) fn read_all(&self, from: Option<(u64, u64)>, direction: Direction, count: usize) -> AllRead {
        let (commit, prepare) = from.unwrap_or((self.end, self.end));
        let begins = commit == 0
            || commit >= self.end
            || self.records.binary_search_by_key(&commit, |record| record.position).is_ok();
        if !begins {
            return AllRead::InvalidPosition;
        }
        let at = match direction {
            Direction::Forwards => {
                self.records.partition_point(|record| (record.position, record.position) < (commit, prepare))
            }
            Direction::Backwards => {
                self.records.partition_point(|record| (record.end(), record.end()) <= (commit, prepare))
            }
        };
        let there = |at: usize| self.records.get(at).filter(|_| self.gone.get(at) == Some(&false)).cloned();
        AllRead::Found(match direction {
            Direction::Forwards => (at..self.records.len()).filter_map(there).take(count).collect(),
            Direction::Backwards => (0..at).rev().filter_map(there).take(count).collect(),
        })
    }
}
