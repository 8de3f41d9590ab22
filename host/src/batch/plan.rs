//! What is known about all items before the first one runs: which values are right, and which files each item reads and writes.

use super::{items::Items, vary::Shape};
use crate::{
    graph::{self, Checked, File, Given, Problems, RunFile, Series},
    registry::Registry,
};

/// The items with their graph.
#[derive(Clone, Copy)]
pub(super) struct Plan<'a> {
    pub(super) file: &'a File,
    pub(super) registry: &'a Registry,
    /// The options that all items share.
    pub(super) base: &'a Given,
    pub(super) items: &'a Items,
    /// `None` until one item is found that is right.
    pub(super) known: Option<&'a Known>,
}

/// What one item that is right tells about all others.
pub(super) struct Known {
    pub(super) first: Checked,
    pub(super) shape: Shape,
    /// `None` if each item has to be checked as a whole.
    series: Option<Series>,
    /// The inputs of the series, by the positions of axis and input.
    inputs: Vec<(usize, usize)>,
    /// For each axis, the rows with a value that is wrong, sorted.
    wrong: Vec<Vec<usize>>,
}

impl Known {
    /// `is_right` says whether the files of the item have the right extensions.
    pub(super) fn new(first: Checked, shape: Shape, file: &File, items: &Items, is_right: bool) -> Self {
        let inputs: Vec<(usize, usize)> = items.varying().collect();
        let names = inputs.iter().map(|&(axis, input)| items.axes[axis].inputs[input].name.as_str());
        let sets = items.sets().iter().map(|(name, _)| name.as_str());
        let series = if is_right { Series::new(&first, file, &shape.needed, names, sets) } else { None };
        let wrong = series.as_ref().map_or_else(Vec::new, |series| wrong_rows(series, &inputs, items));
        Self { first, shape, series, inputs, wrong }
    }
}

/// For each axis, the rows with a value that is wrong.
fn wrong_rows(series: &Series, inputs: &[(usize, usize)], items: &Items) -> Vec<Vec<usize>> {
    let mut wrong = vec![Vec::new(); items.axes.len()];
    for (at, &(axis, input)) in inputs.iter().enumerate() {
        let column = &items.axes[axis].inputs[input].column;
        let fits = |row: usize| column.value(row).is_none_or(|value| series.fits(at, &value));
        let last = column.len().saturating_sub(1);
        // What takes both ends of a range takes the numbers between.
        if column.range().is_some() && fits(0) && fits(last) {
            continue;
        }
        wrong[axis].extend((0..column.len()).filter(|row| !fits(*row)));
    }
    for rows in &mut wrong {
        rows.sort_unstable();
        rows.dedup();
    }
    wrong
}

impl Plan<'_> {
    /// Checks an item as a whole, but for files that it would write over.
    pub(super) fn checked(&self, item: usize) -> Result<Checked, Problems> {
        graph::check_without_overwriting(self.file.clone(), self.registry, &self.items.given(item, self.base))
    }

    /// Checks an item as a whole.
    pub(super) fn checked_whole(&self, item: usize) -> Result<Checked, Problems> {
        graph::check(self.file.clone(), self.registry, &self.items.given(item, self.base))
    }

    /// The files that all items have.
    pub(super) fn shared(&self) -> &[RunFile] {
        self.known.and_then(|known| known.series.as_ref()).map_or(&[], |series| &series.shared)
    }

    /// Adds the files of an item, without those that all items have. Returns false if only a whole check tells them, or whether the
    /// item is right.
    pub(super) fn own_files(&self, item: usize, files: &mut Vec<RunFile>) -> bool {
        files.clear();
        let Some((known, series)) = self.known.and_then(|known| Some((known, known.series.as_ref()?))) else {
            return false;
        };
        let is_wrong = known
            .wrong
            .iter()
            .enumerate()
            .any(|(axis, rows)| !rows.is_empty() && rows.binary_search(&self.items.row(item, axis)).is_ok());
        let value = |at: usize| {
            let (axis, input) = known.inputs[at];
            self.items.value(item, axis, input)
        };
        !is_wrong && series.files_of(item, &value, files).is_some()
    }

    /// The files that an item reads and writes, in the order of the nodes; none of an item that is wrong.
    pub(super) fn files_of(&self, item: usize) -> Vec<RunFile> {
        let mut files = Vec::new();
        if self.own_files(item, &mut files) {
            files.extend_from_slice(self.shared());
            files.sort_by_key(|file| file.node);
            return files;
        }
        let needed = self.known.map(|known| &known.shape.needed);
        match (self.checked(item), needed) {
            (Ok(checked), Some(needed)) => checked.run_files(needed),
            _ => Vec::new(),
        }
    }
}
