//! The proof that nobody altered the history.
//!
//! The stored bytes of each event are a leaf of a Merkle tree (RFC 6962). The service signs how large the tree is and
//! what its root is ([`Signed`], a C2SP `tlog-checkpoint`). Whoever keeps such a checkpoint can later find out whether
//! the log still begins with the same events, byte for byte and in the same order, and can be shown that one event is
//! among them without being shown the others.
//!
//! A leaf's index is the event's ordinal among our events, in the log's order: never a position, which is the
//! engine's own and may have gaps.
//!
//! - [`Tree`] keeps the tree's hashes in files that anybody may delete: they are made again from the log.
//! - [`Notary`] signs checkpoints, and never one that does not continue what was signed before.
//! - [`export()`] writes events with their proofs for somebody else, and [`Bundle`] checks them, offline.
//! - [`compare()`] holds a log against checkpoints, and names what was altered.

mod array;
mod bundle;
mod checkpoint;
mod compare;
mod difference;
mod export;
mod follow;
mod form;
mod frontier;
mod notary;
mod read;
mod settings;
mod tree;

#[cfg(test)]
mod tests;

pub use bundle::{Bundle, BundleError, Fault, Proven};
pub use checkpoint::{CheckpointError, ProofKey, Signed, VerifierKey};
pub use compare::{Against, CompareError, Compared, Flaw, Outcome, compare};
pub use difference::{Difference, Found};
pub use export::{ExportError, Exported, Wanted, export};
pub use follow::FollowError;
pub use form::Claim;
pub use frontier::{Frontier, leaf_hash};
pub use notary::{Notary, ProofError};
pub use read::Known;
pub use settings::ProofSettings;
pub use tlog_tiles::Hash;
pub use tree::{Leaf, Tree, TreeError};
