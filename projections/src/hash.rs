//! Maps for look-up by id, where order does not matter.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};

use serde::{Serialize, Serializer};

/// A hash map whose hasher has no seed and costs little.
pub(crate) type Map<K, V> = HashMap<K, V, BuildHasherDefault<Mixer>>;

/// Multiplies and folds, word by word.
///
/// It does not withstand keys that are chosen to collide, and need not: all keys are ids that this product
/// made, or the output of SHA-256.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mixer(u64);

impl Mixer {
    fn word(&mut self, word: u64) {
        // The fraction of the golden ratio, in 64 bits: odd, with no pattern in its bits.
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl Hasher for Mixer {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.word(u64::from_le_bytes(*word));
        }
        for byte in rest {
            self.word(u64::from(*byte));
        }
    }

    fn write_usize(&mut self, length: usize) {
        self.word(length as u64);
    }

    fn finish(&self) -> u64 {
        // A product's low bits know little of the factors' high ones; the map looks at both ends.
        self.0 ^ (self.0 >> 32)
    }
}

/// Writes a map in the order of its keys, so that equal maps have equal bytes.
pub(crate) fn sorted<K, V, S>(map: &Map<K, V>, serializer: S) -> Result<S::Ok, S::Error>
where
    K: Ord + Hash + Serialize,
    V: Serialize,
    S: Serializer,
{
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_unstable_by_key(|(key, _)| *key);
    serializer.collect_map(entries)
}
