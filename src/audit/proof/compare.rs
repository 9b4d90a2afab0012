//! Holds a log against checkpoints that somebody kept: every event is read and hashed anew.

use std::collections::HashMap;
use std::fmt;

use serde::Serialize;
use tlog_tiles::Hash;
use vouchsafe_events::{Position, Stream, Version, decode};

use super::bundle::BundleError;
use super::checkpoint::Signed;
use super::difference::{Difference, Found, Lost, New, Unmatched, name};
use super::frontier::{Frontier, leaf_hash};
use super::read::Known;
use super::tree::Leaf;
use crate::store::{EventStore, Pages, StoreError, StoredEvent};

/// Why a log could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// The log.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is known of it.
    #[error(transparent)]
    Known(#[from] BundleError),
}

/// A checkpoint that the log is held against.
#[derive(Clone, Debug)]
pub struct Against {
    /// What it is called to whoever reads the outcome.
    pub name: String,
    /// The checkpoint.
    pub signed: Signed,
}

/// What became of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The log begins with exactly these events.
    Same,
    /// It has as many, but not these.
    Other,
    /// It has fewer.
    Shorter,
}

/// What the log itself shows, without any checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Flaw {
    /// An event cannot be read.
    Unread {
        /// Where it stands.
        position: Position,
    },
    /// Its bytes name another id, stream or version than the log files it under.
    Misfiled {
        /// Where it stands.
        position: Position,
    },
    /// Versions are missing in a stream, or stand twice.
    Gap {
        /// Where the next one stands.
        position: Position,
        /// The stream.
        stream: Stream,
        /// The version that should come.
        expected: Version,
        /// The version that comes.
        found: Version,
    },
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unread { position } => write!(f, "position {position}: this is no event that can be read"),
            Self::Misfiled { position } => {
                write!(
                    f,
                    "position {position}: the event says another id, stream or version than it is filed under"
                )
            }
            Self::Gap { position, stream, expected, found } => write!(
                f,
                "position {position}: version {} of {stream} should come, but version {} comes",
                expected.number(),
                found.number()
            ),
        }
    }
}

/// The most flaws that are told.
const MOST_FLAWS: usize = 1000;

/// What was found.
#[derive(Debug)]
pub struct Compared {
    /// How many events the log has.
    pub events: u64,
    /// What became of each checkpoint, in their order.
    pub outcomes: Vec<Outcome>,
    /// What the log itself shows.
    pub flaws: Vec<Flaw>,
    /// What differs, by name; none if that could not be said, because nothing is known that a checkpoint proves.
    pub differences: Option<Vec<Difference>>,
}

impl Compared {
    /// Whether everything is as it was signed.
    pub fn is_sound(&self) -> bool {
        self.flaws.is_empty() && self.outcomes.iter().all(|outcome| *outcome == Outcome::Same)
    }
}

/// Reads the whole log and holds it against the checkpoints. If it differs from one, what differs is named by what is
/// `known` of the log as it was: the first of those that a checkpoint proves.
///
/// That is held in memory for as much as differs: for a log of ten million events that all moved, some gigabytes.
pub async fn compare(
    store: &dyn EventStore,
    held: &[Against],
    known: &[Known],
) -> Result<Compared, CompareError> {
    let mut frontier = Frontier::default();
    let mut outcomes = vec![Outcome::Shorter; held.len()];
    let mut settle = |frontier: &Frontier| {
        let reached = held.iter().zip(&mut outcomes).filter(|(held, _)| held.signed.size == frontier.size());
        let mut root: Option<Hash> = None;
        for (held, outcome) in reached {
            let root = *root.get_or_insert_with(|| frontier.root());
            *outcome = if root == held.signed.root { Outcome::Same } else { Outcome::Other };
        }
    };
    settle(&frontier);
    let mut looking = Looking::default();
    let mut log = Pages::after(store, Position::START);
    while let Some(page) = log.next().await? {
        for stored in &page {
            frontier.push(leaf_hash(&stored.bytes));
            looking.look(stored);
            settle(&frontier);
        }
    }
    let sound = outcomes.iter().all(|outcome| *outcome == Outcome::Same);
    let differences = if sound { Some(Vec::new()) } else { named(store, held, known).await? };
    Ok(Compared { events: frontier.size(), outcomes, flaws: looking.flaws, differences })
}

/// What differs from the first of what is known that a checkpoint proves.
async fn named(
    store: &dyn EventStore,
    held: &[Against],
    known: &[Known],
) -> Result<Option<Vec<Difference>>, CompareError> {
    let checkpoints: Vec<Signed> = held.iter().map(|held| held.signed.clone()).collect();
    let mut best: Option<(&Known, u64)> = None;
    for known in known {
        let size = known.proven_by(&checkpoints)?.map_or(0, |signed| signed.size);
        if size > best.map_or(0, |(_, best)| best) {
            best = Some((known, size));
        }
    }
    let Some((known, size)) = best else { return Ok(None) };
    Ok(Some(name(&unmatched(store, known, size).await?)))
}

/// Walks through the log as it was and as it is, side by side, and keeps what does not stand where it stood.
async fn unmatched(store: &dyn EventStore, known: &Known, size: u64) -> Result<Unmatched, CompareError> {
    let mut unmatched = Unmatched::default();
    let mut was = known.leaves()?;
    let (mut leaf, mut then) = (0, Vec::new().into_iter());
    let mut next_then = move || -> Result<Option<(u64, Leaf)>, BundleError> {
        if leaf == size {
            return Ok(None);
        }
        if then.len() == 0 {
            then = was.next()?.unwrap_or_default().into_iter();
        }
        leaf += 1;
        Ok(then.next().map(|next| (leaf - 1, next)))
    };
    let mut log = Pages::after(store, Position::START);
    let mut now = Vec::new().into_iter();
    let mut signed = next_then()?;
    loop {
        if now.len() == 0 {
            let Some(page) = log.next().await? else { break };
            now = page.into_iter();
        }
        let Some(stored) = now.next() else { break };
        while let Some((leaf, gone)) = signed.take_if(|(_, leaf)| leaf.position < stored.position) {
            unmatched.lose(leaf, gone);
            signed = next_then()?;
        }
        let hash = leaf_hash(&stored.bytes);
        match signed.take_if(|(_, leaf)| leaf.position == stored.position) {
            Some((leaf, was)) if was.hash == hash => {
                unmatched.matched += 1;
                unmatched.last_matched = Some(leaf);
                signed = next_then()?;
            }
            Some((leaf, was)) => {
                unmatched.lose(leaf, was);
                unmatched.find(&stored, hash);
                signed = next_then()?;
            }
            None => unmatched.find(&stored, hash),
        }
    }
    while let Some((leaf, gone)) = signed {
        unmatched.lose(leaf, gone);
        signed = next_then()?;
    }
    Ok(unmatched)
}

impl Unmatched {
    fn lose(&mut self, leaf: u64, was: Leaf) {
        self.lost.push(Lost { leaf, position: was.position, hash: was.hash, gap: self.matched });
    }

    fn find(&mut self, stored: &StoredEvent, hash: Hash) {
        let found = Found {
            position: stored.position,
            id: stored.id,
            stream: stored.stream,
            version: stored.version,
        };
        self.new.push(New { found, hash, gap: self.matched });
    }
}

/// Looks at what the log shows by itself.
#[derive(Default)]
struct Looking {
    /// The last version of each stream.
    streams: HashMap<Stream, Version>,
    flaws: Vec<Flaw>,
}

impl Looking {
    fn look(&mut self, stored: &StoredEvent) {
        let position = stored.position;
        match decode(position, &stored.bytes) {
            Err(_) => self.flaw(Flaw::Unread { position }),
            Ok(recorded) => {
                let envelope = recorded.envelope;
                if (envelope.id, envelope.stream, envelope.version)
                    != (stored.id, stored.stream, stored.version)
                {
                    self.flaw(Flaw::Misfiled { position });
                }
            }
        }
        let (stream, found) = (stored.stream, stored.version);
        let expected = self.streams.insert(stream, found).map_or(Version::FIRST, Version::next);
        if expected != found {
            self.flaw(Flaw::Gap { position, stream, expected, found });
        }
    }

    fn flaw(&mut self, flaw: Flaw) {
        if self.flaws.len() < MOST_FLAWS {
            self.flaws.push(flaw);
        }
    }
}
