//! Items that can't succeed, because a file that they read is missing or a file can't be written where they write it.

use super::{error::Error, items::Items, items::Key, summary::Update};
use crate::words::count;
use std::collections::{BTreeMap, HashMap};

/// The items with such problems, as they were when all items were checked.
#[derive(Default)]
pub(super) struct Unready(BTreeMap<usize, Vec<String>>);

impl Unready {
    pub(super) fn add(&mut self, item: usize, problems: Vec<String>) {
        if !problems.is_empty() {
            self.0.insert(item, problems);
        }
    }

    pub(super) fn has(&self, item: usize) -> bool {
        self.0.contains_key(&item)
    }

    /// Refuses problems that every item of the batch has, if there are items to run.
    pub(super) fn refuse_shared(&self, items: &Items, to_run: &[(usize, Key)], graph: &str) -> Result<(), Error> {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        self.0.values().flatten().for_each(|problem| *counts.entry(problem).or_default() += 1);
        let first = self.0.values().next().into_iter().flatten();
        let shared = first.filter(|problem| counts[problem.as_str()] == items.len());
        let mut messages: Vec<String> = shared.cloned().collect();
        let problems = count(messages.len(), "problem");
        match messages.last_mut() {
            Some(last) if !to_run.is_empty() => *last += &format!("\n{problems} in {graph}; no item ran"),
            _ => return Ok(()),
        }
        Err(Error { messages, ..Error::usage("") })
    }

    /// What is said about these items before the first one runs.
    pub(super) fn update<'a>(&'a self, items: &'a Items, to_run: &[(usize, Key)]) -> Option<Update<'a>> {
        let mut unready = to_run.iter().filter_map(|(item, _)| Some((*item, self.0.get(item)?)));
        let (first, problems) = unready.next()?;
        Some(Update::Unready { items: 1 + unready.count(), first: items.name(first), problem: &problems[0] })
    }
}
