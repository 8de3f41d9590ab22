//! The lines of a journal about items that started. If the process ends while an item runs, the next one knows it.

use super::{items::Key, lines::Step};
use crate::sha256::{from_hex, hex};
use serde_json::{Value as Json, json};
use std::collections::HashSet;

/// The items that started and did not end: a process ended while they ran.
#[derive(Default)]
pub(super) struct Steps(HashSet<Key>);

impl Steps {
    /// Takes in a line of a journal.
    pub(super) fn take_in(&mut self, line: &Step<'_>) {
        // A key of another form is none of ours.
        let Some(key) = from_hex(&line.key.0) else { return };
        if line.started.is_some() {
            self.0.insert(key);
        } else {
            self.0.remove(&key);
        }
    }

    /// An item ended.
    pub(super) fn ended(&mut self, key: impl FnOnce() -> Key) {
        if !self.0.is_empty() {
            self.0.remove(&key());
        }
    }

    /// Whether a process ended while the item ran.
    pub(super) fn are_open(&self, key: impl FnOnce() -> Key) -> bool {
        !self.0.is_empty() && self.0.contains(&key())
    }
}

/// The item starts.
pub(super) fn started(item: &str, key: &Key) -> Json {
    json!({"started": item, "key": hex(key)})
}

/// The item does not run any more, and has no result yet: it waits for its shard, or the user stopped the batch.
pub(super) fn left(item: &str, key: &Key) -> Json {
    json!({"left": item, "key": hex(key)})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_items_that_were_running_are_open() {
        let keys: [Key; 3] = [[1; 32], [2; 32], [3; 32]];
        let mut steps = Steps::default();
        for line in [started("x", &keys[0]), started("x", &keys[1]), started("x", &keys[2]), left("x", &keys[1])] {
            steps.take_in(&serde_json::from_str(&line.to_string()).unwrap());
        }
        steps.ended(|| keys[2]);
        assert_eq!(keys.map(|key| steps.are_open(|| key)), [true, false, false]);
    }
}
