//! The cache of results, in host memory.

use super::keys::Key;
use splatgraph_sdk::{Value, host::is_lost};
use std::collections::{BTreeMap, HashMap};

/// Results of nodes. When they take more host memory than the budget, the least recently used are dropped.
pub(super) struct Cache {
    /// Bytes.
    budget: u64,
    /// Bytes.
    used: u64,
    /// A clock that counts uses.
    now: u64,
    entries: HashMap<Key, Entry>,
    by_age: BTreeMap<u64, Key>,
}

struct Entry {
    outputs: Vec<Value>,
    bytes: u64,
    last_use: u64,
}

/// Roughly the bytes of an entry besides its values, so that the budget also limits the number of small results.
const ENTRY_BYTES: u64 = 256;

impl Cache {
    pub(super) fn new(budget: u64) -> Self {
        Self { budget, used: 0, now: 0, entries: HashMap::new(), by_age: BTreeMap::new() }
    }

    /// Takes all results out of the cache.
    #[cfg(feature = "serve")]
    pub(super) fn take(&mut self) -> Self {
        let budget = self.budget;
        std::mem::replace(self, Self::new(budget))
    }

    pub(super) fn is_on(&self) -> bool {
        self.budget > 0
    }

    pub(super) fn get(&mut self, key: &Key) -> Option<Vec<Value>> {
        // The process that held a value may have ended.
        if self.entries.get(key)?.outputs.iter().any(is_lost) {
            self.remove(key);
        }
        let entry = self.entries.get_mut(key)?;
        self.now += 1;
        self.by_age.remove(&entry.last_use);
        self.by_age.insert(self.now, *key);
        entry.last_use = self.now;
        Some(entry.outputs.clone())
    }

    pub(super) fn insert(&mut self, key: Key, outputs: Vec<Value>) {
        let bytes = ENTRY_BYTES + outputs.iter().map(Value::host_bytes).sum::<u64>();
        if bytes > self.budget {
            return;
        }
        self.remove(&key);
        while self.used + bytes > self.budget {
            let Some((_, oldest)) = self.by_age.first_key_value() else { break };
            let oldest = *oldest;
            self.remove(&oldest);
        }
        self.now += 1;
        self.used += bytes;
        self.by_age.insert(self.now, key);
        self.entries.insert(key, Entry { outputs, bytes, last_use: self.now });
    }

    pub(super) fn remove(&mut self, key: &Key) -> Option<Vec<Value>> {
        let entry = self.entries.remove(key)?;
        self.by_age.remove(&entry.last_use);
        self.used -= entry.bytes;
        Some(entry.outputs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(letters: usize) -> Vec<Value> {
        vec![Value::text("x".repeat(letters))]
    }

    #[test]
    fn the_least_recently_used_result_is_dropped_first() {
        let mut cache = Cache::new(3 * (1000 + ENTRY_BYTES));
        for number in 0..3 {
            cache.insert([number; 32], text(1000));
        }
        assert!(cache.get(&[0; 32]).is_some());
        cache.insert([3; 32], text(1000));
        let kept: Vec<bool> = (0..4).map(|number| cache.get(&[number; 32]).is_some()).collect();
        assert_eq!(kept, [true, false, true, true]);
    }

    #[test]
    fn the_budget_holds_and_larger_results_are_not_kept() {
        let mut cache = Cache::new(10_000);
        for number in 0..200 {
            cache.insert([number; 32], text(usize::from(number) * 10));
            assert!(cache.used <= 10_000);
            assert_eq!(cache.by_age.len(), cache.entries.len());
        }
        cache.insert([255; 32], text(10_000));
        assert!(cache.get(&[255; 32]).is_none());
    }

    #[test]
    fn an_entry_that_is_replaced_is_counted_once() {
        let mut cache = Cache::new(10_000);
        for _ in 0..3 {
            cache.insert([1; 32], text(1000));
        }
        assert_eq!(cache.used, 1000 + ENTRY_BYTES);
    }
}
