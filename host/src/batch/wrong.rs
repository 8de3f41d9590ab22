//! The problems of items, found before the first one runs.

use super::error::{Error, ErrorKind};
use crate::{graph::Problems, words};
use std::collections::HashMap;

/// The problems of items. A problem that many items have is kept once.
#[derive(Default)]
pub(super) struct Wrong {
    /// Each with the name of the first item that has it, and the number of items that have it.
    problems: Vec<(String, String, usize)>,
    positions: HashMap<String, usize>,
    only_missing: bool,
    graph: String,
    /// The number of items that are wrong.
    items: usize,
}

/// The number of problems that are listed; further ones are only counted.
const PROBLEMS_SHOWN: usize = 20;
/// The check ends when it has found this many different problems.
const PROBLEMS_KEPT: usize = 1000;
/// The check also ends after this many items that are wrong.
const ITEMS_CHECKED: usize = 20_000;

impl Wrong {
    pub(super) fn add(&mut self, found: Problems, item: &str) {
        self.only_missing = found.only_missing() && (self.only_missing || self.problems.is_empty());
        self.graph = found.graph;
        self.items += 1;
        for problem in found.problems {
            let text = problem.to_string();
            match self.positions.get(&text) {
                Some(&position) => self.problems[position].2 += 1,
                None => {
                    self.positions.insert(text.clone(), self.problems.len());
                    self.problems.push((text, item.to_owned(), 1));
                }
            }
        }
    }

    pub(super) fn is_enough(&self) -> bool {
        self.problems.len() >= PROBLEMS_KEPT || self.items >= ITEMS_CHECKED
    }

    /// The problems of the items that were checked, `items` in number.
    pub(super) fn result(self, items: usize) -> Result<(), Error> {
        if self.problems.is_empty() {
            return Ok(());
        }
        let count = self.problems.len();
        let mut messages: Vec<String> = Vec::new();
        for (text, first, have) in self.problems.into_iter().take(PROBLEMS_SHOWN) {
            messages.push(match have {
                _ if have == items => text,
                1 => format!("item `{first}`: {text}"),
                2 => format!("item `{first}` and 1 more: {text}"),
                _ => format!("item `{first}` and {} more: {text}", have - 1),
            });
        }
        if let Some(last) = messages.last_mut() {
            if count > PROBLEMS_SHOWN {
                *last += &format!("\n... and {} more", count - PROBLEMS_SHOWN);
            }
            *last += &format!("\n{} in {}; no item ran", words::count(count, "problem"), self.graph);
        }
        let kind = if self.only_missing { ErrorKind::Missing } else { ErrorKind::Usage };
        Err(Error { messages, kind })
    }
}
