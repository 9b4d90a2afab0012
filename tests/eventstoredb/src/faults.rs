//! What a test makes go wrong.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What happens to one append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppendFault {
    /// It is refused as by a server that is too busy; nothing is written.
    Busy,
    /// It is written, and the answer is lost: the connection fails.
    AnswerLost,
    /// It is written, and the answer is that it took too long.
    TimedOutAfterCommit,
    /// It is not written, and nothing is answered for this long: what the server does with a repeated append
    /// whose first try the other nodes do not have yet.
    Dropped(Duration),
    /// It is written, but answered only after this long.
    Slow(Duration),
    /// Another node leads.
    NotLeader {
        /// That node's host.
        host: String,
        /// Its port.
        port: u16,
    },
    /// No node leads just now.
    NoLeader,
    /// It is answered with this status, and nothing is written.
    Refused(tonic::Code, String),
}

/// What happens to one read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadFault {
    /// The connection fails after this many events.
    BrokenAfter(usize),
    /// The answer ends, as if all were said, after this many events.
    EndedAfter(usize),
    /// Nothing is answered for this long.
    Silent(Duration),
    /// Another node leads.
    NotLeader {
        /// That node's host.
        host: String,
        /// Its port.
        port: u16,
    },
    /// It is answered with this status.
    Refused(tonic::Code, String),
}

/// How often the server was asked for what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Appends.
    pub appends: u64,
    /// Reads of a stream.
    pub stream_reads: u64,
    /// Reads of everything.
    pub all_reads: u64,
    /// Subscriptions.
    pub subscriptions: u64,
    /// For the cluster's members.
    pub gossip: u64,
    /// For what the server can do: once for each connection.
    pub features: u64,
    /// Requests that any node may answer: without the header `requires-leader`.
    pub from_any_node: u64,
}

#[derive(Debug, Default)]
struct State {
    appends: VecDeque<AppendFault>,
    stream_reads: VecDeque<ReadFault>,
    all_reads: VecDeque<ReadFault>,
    features: Option<tonic::Code>,
    asked: Asked,
}

/// What is to go wrong, in order, and what was asked so far.
#[derive(Debug, Default)]
pub struct Faults(Mutex<State>);

impl Faults {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next append that has nothing before it goes wrong in this way.
    pub fn append(&self, fault: AppendFault) {
        self.state().appends.push_back(fault);
    }

    /// The next read of a stream goes wrong in this way.
    pub fn stream_read(&self, fault: ReadFault) {
        self.state().stream_reads.push_back(fault);
    }

    /// The next read of everything goes wrong in this way.
    pub fn all_read(&self, fault: ReadFault) {
        self.state().all_reads.push_back(fault);
    }

    /// From now on the question what the server can do is answered with this status; none puts it right.
    pub fn features(&self, code: Option<tonic::Code>) {
        self.state().features = code;
    }

    /// What was asked so far.
    pub fn asked(&self) -> Asked {
        self.state().asked
    }

    /// How many faults are still to come.
    pub fn left(&self) -> usize {
        let state = self.state();
        state.appends.len() + state.stream_reads.len() + state.all_reads.len()
    }

    pub(crate) fn next_append(&self, leader: bool) -> Option<AppendFault> {
        let mut state = self.state();
        state.asked.appends += 1;
        state.asked.from_any_node += u64::from(!leader);
        state.appends.pop_front()
    }

    pub(crate) fn next_stream_read(&self, leader: bool) -> Option<ReadFault> {
        let mut state = self.state();
        state.asked.stream_reads += 1;
        state.asked.from_any_node += u64::from(!leader);
        state.stream_reads.pop_front()
    }

    pub(crate) fn next_all_read(&self, leader: bool) -> Option<ReadFault> {
        let mut state = self.state();
        state.asked.all_reads += 1;
        state.asked.from_any_node += u64::from(!leader);
        state.all_reads.pop_front()
    }

    pub(crate) fn subscribed(&self) {
        self.state().asked.subscriptions += 1;
    }

    pub(crate) fn gossiped(&self) {
        self.state().asked.gossip += 1;
    }

    pub(crate) fn features_asked(&self) -> Option<tonic::Code> {
        let mut state = self.state();
        state.asked.features += 1;
        state.features
    }
}
