//! What the files of a bundle hold.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tlog_tiles::{HASH_SIZE, Hash};
use vouchsafe_events::{OrganisationId, PersonId, Position, Stream, Timestamp, Version};

/// What a bundle says of its own form.
pub(super) const FORM: &str = "vouchsafe bundle 1";

/// The signed checkpoint.
pub(super) const CHECKPOINT: &str = "checkpoint";
/// The verifier key, for whoever has none from elsewhere.
pub(super) const KEY: &str = "key";
/// What the bundle says that it holds.
pub(super) const CONTENTS: &str = "bundle.json";
/// The events, one a line.
pub(super) const EVENTS: &str = "events.jsonl";
/// The proof of each, one a line, in the same order; not in a bundle of the whole log.
pub(super) const PROOFS: &str = "proofs.jsonl";

/// What a bundle says that it holds.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Contents {
    pub(super) form: String,
    /// Whether it holds every event that the checkpoint is of.
    pub(super) whole: bool,
    pub(super) organisation: Option<OrganisationId>,
    pub(super) person: Option<PersonId>,
    pub(super) from: Option<Timestamp>,
    pub(super) to: Option<Timestamp>,
    /// How many events there are.
    pub(super) events: u64,
    /// Streams that are there without a gap, from one version to another.
    pub(super) streams: Vec<Claim>,
}

/// That a bundle holds every event of a stream from one version to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The stream.
    pub stream: Stream,
    /// The first version.
    pub first: Version,
    /// The last version.
    pub last: Version,
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from version {} to {}", self.stream, self.first.number(), self.last.number())
    }
}

/// A line of the events.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct EventLine {
    /// Its ordinal among the events, counted from 0.
    pub(super) leaf: u64,
    pub(super) position: Position,
    /// The stored bytes, in base64: what was hashed.
    bytes: String,
    /// The same, to be read.
    pub(super) event: Box<RawValue>,
}

impl EventLine {
    /// A line for an event that is stored as these bytes, which are `event` to be read.
    pub(super) fn new(leaf: u64, position: Position, stored: &[u8], event: Box<RawValue>) -> Self {
        Self { leaf, position, bytes: STANDARD.encode(stored), event }
    }

    /// The stored bytes; none if it does not hold any.
    pub(super) fn stored(&self) -> Option<Vec<u8>> {
        STANDARD.decode(&self.bytes).ok()
    }
}

/// A line of the proofs.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ProofLine {
    pub(super) leaf: u64,
    /// The hashes on the way to the root (RFC 6962, 2.1.1), in base64.
    pub(super) hashes: Vec<String>,
}

impl ProofLine {
    pub(super) fn new(leaf: u64, hashes: &[Hash]) -> Self {
        Self { leaf, hashes: hashes.iter().map(|hash| STANDARD.encode(hash.0)).collect() }
    }

    /// The hashes; none if one is no hash.
    pub(super) fn hashes(&self) -> Option<Vec<Hash>> {
        let hash = |text: &String| {
            let bytes: [u8; HASH_SIZE] = STANDARD.decode(text).ok()?.try_into().ok()?;
            Some(Hash(bytes))
        };
        self.hashes.iter().map(hash).collect()
    }
}
