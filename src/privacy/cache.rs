//! The data keys that were used of late, in the clear.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;

use vouchsafe_events::PersonId;

use super::data_key::DataKey;

/// A bounded cache. Keys are in two generations: when the younger is full it becomes the older one, and what
/// was not used since it last did is dropped (and wiped).
///
/// Every key in it was live after the store's count of erasures was `as_of`: with another count, the cache is
/// empty.
pub(super) struct Cache {
    as_of: u64,
    young: HashMap<PersonId, Arc<DataKey>>,
    old: HashMap<PersonId, Arc<DataKey>>,
    generation: usize,
}

impl Cache {
    /// A cache that holds at most `capacity` keys.
    pub(super) fn new(capacity: usize) -> Self {
        Self { as_of: 0, young: HashMap::new(), old: HashMap::new(), generation: (capacity / 2).max(1) }
    }

    /// A person's key, if it is here and no key was destroyed since.
    pub(super) fn get(&mut self, erasures: u64, person: PersonId) -> Option<Arc<DataKey>> {
        if self.as_of != erasures {
            self.young.clear();
            self.old.clear();
            self.as_of = erasures;
        }
        if let Some(key) = self.young.get(&person) {
            return Some(Arc::clone(key));
        }
        let key = self.old.remove(&person)?;
        self.keep(person, Arc::clone(&key));
        Some(key)
    }

    /// Keeps a key that was read after the count of erasures was `erasures`.
    pub(super) fn put(&mut self, erasures: u64, person: PersonId, key: Arc<DataKey>) {
        if self.as_of == erasures {
            self.keep(person, key);
        }
    }

    /// Drops a person's key.
    pub(super) fn forget(&mut self, person: PersonId) {
        self.young.remove(&person);
        self.old.remove(&person);
    }

    fn keep(&mut self, person: PersonId, key: Arc<DataKey>) {
        if self.young.len() >= self.generation {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(person, key);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn person(number: u128) -> PersonId {
        PersonId::from_uuid(Uuid::from_u128(number))
    }

    fn key() -> Arc<DataKey> {
        Arc::new(DataKey::generate().unwrap())
    }

    #[test]
    fn it_holds_what_was_used_of_late_and_no_more_than_it_may() {
        let mut cache = Cache::new(10);
        for number in 0..100 {
            cache.put(0, person(number), key());
            assert!(cache.get(0, person(0)).is_some(), "used each time, so kept");
            assert!(cache.young.len() + cache.old.len() <= 10);
        }
        assert!(cache.get(0, person(99)).is_some());
        assert!(cache.get(0, person(1)).is_none());
    }

    #[test]
    fn an_erasure_empties_it_and_keys_read_before_are_not_kept() {
        let mut cache = Cache::new(10);
        cache.put(0, person(1), key());
        assert!(cache.get(1, person(1)).is_none());
        cache.put(0, person(1), key());
        assert!(cache.get(1, person(1)).is_none());
        cache.put(1, person(1), key());
        assert!(cache.get(1, person(1)).is_some());
        cache.forget(person(1));
        assert!(cache.get(1, person(1)).is_none());
    }
}
