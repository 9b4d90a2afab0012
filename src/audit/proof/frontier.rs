//! A Merkle tree that is only grown: what is needed for its root, and no more.

use tlog_tiles::{EMPTY_HASH, Hash, node_hash, record_hash};

/// The hash of a leaf: of an event's stored bytes (RFC 6962, 2.1).
pub fn leaf_hash(bytes: &[u8]) -> Hash {
    record_hash(bytes)
}

/// The roots of the complete trees, each twice or more as large as the next, that a growing tree consists of: at most
/// 64 hashes, whatever its size.
#[derive(Clone, Debug, Default)]
pub struct Frontier {
    size: u64,
    roots: Vec<Hash>,
}

impl Frontier {
    /// How many leaves there are.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.roots.pop() {
                hash = node_hash(left, hash);
            }
        }
        self.roots.push(hash);
        self.size += 1;
    }

    /// The root.
    pub fn root(&self) -> Hash {
        let mut from_the_right = self.roots.iter().rev().copied();
        let Some(last) = from_the_right.next() else { return EMPTY_HASH };
        from_the_right.fold(last, |right, left| node_hash(left, right))
    }
}
