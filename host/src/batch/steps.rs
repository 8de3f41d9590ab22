//! The lines of a journal about items that started. If the process ends while an item runs, the next one knows it.

use super::items::Key;
use crate::sha256::hex;
use serde_json::{Value as Json, json};
use std::collections::HashSet;

/// The items that started and did not end: a process ended while they ran.
#[derive(Default)]
pub(super) struct Steps(HashSet<String>);

impl Steps {
    /// Takes in a line of a journal. Returns false if the line is about something else.
    pub(super) fn take_in(&mut self, line: &Json) -> bool {
        let Some(key) = line["key"].as_str() else { return false };
        if line["started"].is_string() {
            self.0.insert(key.to_owned())
        } else {
            self.0.remove(key)
        };
        true
    }

    /// An item ended.
    pub(super) fn ended(&mut self, key: &Key) {
        if !self.0.is_empty() {
            self.0.remove(&hex(key));
        }
    }

    /// Whether a process ended while the item ran.
    pub(super) fn are_open(&self, key: &Key) -> bool {
        !self.0.is_empty() && self.0.contains(&hex(key))
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
            assert!(steps.take_in(&line));
        }
        steps.ended(&keys[2]);
        assert_eq!(keys.map(|key| steps.are_open(&key)), [true, false, false]);
        assert!(!steps.take_in(&json!({"item": "x"})));
    }
}
