//! Lines and columns of a text.

use super::problem::Place;
use std::cell::Cell;

/// Converts byte offsets to lines and columns.
pub(crate) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
    /// The last offset and its column. A graph may be one long line, and counting from its start each time would be slow.
    last: Cell<(usize, usize)>,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, starts, last: Cell::new((0, 1)) }
    }

    pub(crate) fn place(&self, at: usize) -> Place {
        let line = self.starts.partition_point(|&start| start <= at);
        let start = self.starts[line - 1];
        let (known, its_column) = self.last.get();
        let (from, first) = if (start..=at).contains(&known) { (known, its_column) } else { (start, 1) };
        let column = self.text[from..at].chars().count() + first;
        self.last.set((at, column));
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Place { file: None, line: number(line), column: number(column) }
    }
}
