//! The lines of a journal about items that started. If the process ends while an item runs, the next one knows it.

use super::items::Key;
use serde_json::{Value as Json, json};
use std::collections::{BTreeSet, HashMap};

/// The items that started and did not end, in this process and in earlier ones.
#[derive(Default)]
pub(super) struct Steps {
    /// For each item, the processes in which it started and did not end.
    open: HashMap<String, BTreeSet<u64>>,
    /// The largest number of a process so far.
    process: u64,
}

impl Steps {
    /// Takes in a line of a journal. Returns false if the line is about something else.
    pub(super) fn take_in(&mut self, line: &Json) -> bool {
        let Some(process) = line.get("process").and_then(Json::as_u64) else { return false };
        self.process = self.process.max(process);
        match (line["started"].as_str(), line["ran"].as_str()) {
            (Some(key), _) => {
                self.open.entry(key.to_owned()).or_default().insert(process);
            }
            (_, Some(key)) => {
                self.open.remove(key);
            }
            // The user stopped the process, so its items are not to blame.
            _ => self.open.values_mut().for_each(|processes| _ = processes.remove(&process)),
        }
        true
    }

    /// An item ended.
    pub(super) fn ended(&mut self, key: &Key) {
        if !self.open.is_empty() {
            self.open.remove(&hex(key));
        }
    }

    /// How many processes ended while the item ran.
    pub(super) fn deaths(&self, key: &Key) -> usize {
        if self.open.is_empty() { 0 } else { self.open.get(&hex(key)).map_or(0, BTreeSet::len) }
    }

    /// The number of the next process.
    pub(super) fn next_process(&self) -> u64 {
        self.process + 1
    }
}

/// The item starts.
pub(super) fn started(item: &str, key: &Key, process: u64) -> Json {
    json!({"started": hex(key), "item": item, "process": process})
}

/// The item ran, and waits for its shard.
pub(super) fn ran(key: &Key, process: u64) -> Json {
    json!({"ran": hex(key), "process": process})
}

/// The user stopped the process.
pub(super) fn stopped(process: u64) -> Json {
    json!({"stopped": true, "process": process})
}

fn hex(key: &Key) -> String {
    key.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_processes_that_died_count() {
        let keys: [Key; 3] = [[1; 32], [2; 32], [3; 32]];
        let mut steps = Steps::default();
        let mut take = |line: Json| assert!(steps.take_in(&line));
        for key in &keys {
            take(started("x", key, 1));
        }
        take(ran(&keys[1], 1));
        take(started("x", &keys[0], 2));
        take(started("x", &keys[1], 3));
        take(started("x", &keys[2], 3));
        take(stopped(3));
        assert_eq!(keys.map(|key| steps.deaths(&key)), [2, 0, 1]);
        assert_eq!(steps.next_process(), 4);
        steps.ended(&keys[0]);
        assert_eq!(steps.deaths(&keys[0]), 0);
        assert!(!steps.take_in(&json!({"item": "x"})));
    }
}
