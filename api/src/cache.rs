//! A cache in memory with a bound on its bytes.
//!
//! ```text
//!   insert --> young --full--> becomes old; the previous old one is dropped
//!   get    --> young, or old: then the entry is young again
//! ```
//!
//! An entry that is requested while half of the cache is replaced stays. So one pass over many
//! entries can't drop those that are in use.

use std::{
    collections::HashMap,
    hash::Hash,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Bytes that an entry takes in addition to its key and its value.
const ENTRY_BYTES: usize = 128;

/// A cache. All threads share it.
pub struct Cache<K, V> {
    half: usize,
    halves: Mutex<Halves<K, V>>,
}

struct Halves<K, V> {
    young: HashMap<K, (V, usize)>,
    young_bytes: usize,
    old: HashMap<K, (V, usize)>,
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    /// Creates a cache of at most `bytes`. With 0 it keeps nothing.
    pub fn new(bytes: usize) -> Self {
        Self {
            half: bytes / 2,
            halves: Mutex::new(Halves {
                young: HashMap::new(),
                young_bytes: 0,
                old: HashMap::new(),
            }),
        }
    }

    /// Returns the value of a key.
    pub fn get(&self, key: &K) -> Option<V> {
        let mut halves = self.halves();
        if let Some((value, _)) = halves.young.get(key) {
            return Some(value.clone());
        }
        let (key, (value, bytes)) = halves.old.remove_entry(key)?;
        self.insert_into(&mut halves, key, value.clone(), bytes);
        Some(value)
    }

    /// Keeps a value. `bytes` is the size of the key and the value. A value that is larger than
    /// half of the cache is not kept.
    pub fn insert(&self, key: K, value: V, bytes: usize) {
        self.insert_into(&mut self.halves(), key, value, bytes + ENTRY_BYTES);
    }

    /// Drops the entries that were inserted before the last call and not requested since then.
    pub fn age(&self) {
        self.halves().age();
    }

    fn insert_into(&self, halves: &mut Halves<K, V>, key: K, value: V, bytes: usize) {
        if bytes > self.half {
            return;
        }
        if halves.young_bytes + bytes > self.half {
            halves.age();
        }
        halves.young_bytes += bytes;
        if let Some((_, replaced)) = halves.young.insert(key, (value, bytes)) {
            halves.young_bytes -= replaced;
        }
    }

    fn halves(&self) -> MutexGuard<'_, Halves<K, V>> {
        self.halves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> Halves<K, V> {
    fn age(&mut self) {
        self.old = mem::take(&mut self.young);
        self.young_bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entries that a cache of this many bytes has, each with 72 bytes of content.
    fn kept(cache: &Cache<u32, u32>, keys: std::ops::Range<u32>) -> Vec<u32> {
        keys.filter(|key| cache.get(key).is_some()).collect()
    }

    #[test]
    fn a_cache_keeps_at_most_its_bytes_and_drops_the_entries_that_are_not_requested() {
        let cache = Cache::new(2_000);
        for key in 0..1_000 {
            cache.insert(key, key, 72);
            // The first entry is in use all the time.
            assert_eq!(cache.get(&0), Some(0), "{key}");
        }
        let kept = kept(&cache, 0..1_000);
        assert!((5..=10).contains(&kept.len()), "{kept:?}");
        assert_eq!(kept.last(), Some(&999));
    }

    #[test]
    fn a_value_that_is_inserted_again_counts_once_and_a_large_one_is_not_kept() {
        let cache = Cache::new(2_000);
        cache.insert(1, 1, 72);
        for value in 0..1_000 {
            cache.insert(2, value, 72);
        }
        assert_eq!((cache.get(&1), cache.get(&2)), (Some(1), Some(999)));
        cache.insert(3, 3, 1_000);
        assert_eq!(cache.get(&3), None);
        let without = Cache::new(0);
        without.insert(1, 1, 0);
        assert_eq!(without.get(&1), None);
    }

    #[test]
    fn entries_that_are_not_requested_while_the_cache_ages_twice_are_dropped() {
        let cache = Cache::new(2_000);
        cache.insert(1, 1, 0);
        cache.insert(2, 2, 0);
        cache.age();
        assert_eq!(cache.get(&1), Some(1));
        cache.age();
        assert_eq!((cache.get(&1), cache.get(&2)), (Some(1), None));
    }
}
