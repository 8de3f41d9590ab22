//! A batch whose items are all checked, before anything runs.

use super::{
    clash::Written,
    error::{Error, ErrorKind},
    items::Items,
    journal,
    options::Options,
    overlap::Overlaps,
    table,
    unready::Unready,
    values,
    vary::Shape,
};
use crate::{
    graph::{self, Checked, Disk, File, Given, Kind, Problem, Problems, WrittenFile, identity},
    registry::Registry,
    words,
};
use std::collections::HashMap;

/// A batch whose items are all checked.
pub struct Batch {
    pub(super) file: File,
    registry: Registry,
    pub(super) options: Options,
    /// The options that all items share.
    base: Given,
    pub(super) items: Items,
    pub(super) shape: Shape,
    pub(super) written: Written,
    pub(super) unready: Unready,
    /// Warnings about the graph, as the first item shows them, and about items that use the same seeds.
    pub warnings: Vec<Problem>,
    /// The output nodes that do not run because of [`Options::collect`] or [`Options::no_files`], each by id and class.
    pub left_out: Vec<(String, String)>,
}

impl Batch {
    /// Reads the values and checks the items of all parts. Runs nothing, and opens no file that an item names. An item whose
    /// files are missing is no error yet, as it may be done already.
    ///
    /// # Errors
    /// All problems of the values, or else of the items.
    pub fn new(file: File, registry: &Registry, options: Options) -> Result<Self, Error> {
        let file = file.adapted(registry);
        let axes = values::axes(&options.values, &file, registry, &options.cwd)?;
        let items = Items::new(axes, options.sets.clone());
        let base = Given {
            cwd: options.cwd.clone(),
            out_dir: Some(options.folder.clone()),
            model_dirs: options.model_dirs.clone(),
            // `run` compares the files with those of earlier runs.
            overwrite: true,
            ..Given::default()
        };
        let mut wrong = Wrong::default();
        let mut checked_first: Option<(Checked, Shape)> = None;
        let mut written = Written::default();
        let (mut unready, mut disk) = (Unready::default(), Disk::default());
        let mut overlaps = Overlaps::default();
        let mut whole = true;
        for item in 0..items.len() {
            let (copy, given) = (file.clone(), items.given(item, &base));
            // `written` finds files that two items use, but does not know patterns.
            let checked = match whole {
                true => graph::check(copy, registry, &given),
                false => graph::check_without_overwriting(copy, registry, &given),
            };
            let checked = match checked {
                Ok(checked) => checked,
                Err(problems) => {
                    wrong.add(problems, items.name(item));
                    if wrong.is_enough() {
                        break;
                    }
                    continue;
                }
            };
            let shape = match &checked_first {
                Some((_, shape)) => shape,
                None => {
                    let shape = Shape::new(&checked, &items, &options)?;
                    &checked_first.insert((checked.clone(), shape)).1
                }
            };
            // Nodes that an item does not run may name any file.
            let problems = checked.file_problems(&shape.needed, &mut disk);
            let (names, files): (Vec<_>, Vec<_>) = problems.into_iter().partition(|of| of.kind == Kind::Extension);
            if !names.is_empty() {
                wrong.add(Problems::new(names, file.origin.to_string()), items.name(item));
            }
            unready.add(item, files.iter().map(ToString::to_string).collect());
            whole = checked.nodes.iter().flat_map(|node| &node.writes).any(WrittenFile::has_number);
            written.add(item, &checked, shape, &items)?;
            overlaps.add(item, &checked, shape, &items);
        }
        wrong.result(items.len())?;
        written.refuse_to_overwrite_reads(&items)?;
        let Some((first, shape)) = checked_first else {
            return Err(Error::usage("expected at least one item, got none"));
        };
        let left_out = shape.left_out(&first);
        let (registry, mut warnings) = (registry.clone(), first.warnings.clone());
        warnings.extend(overlaps.warning(&first, &items));
        let batch = Self { file, registry, options, base, items, shape, written, unready, warnings, left_out };
        batch.refuse_own_names()?;
        Ok(batch)
    }

    /// Refuses items and tables that would write over the files of the batch itself.
    fn refuse_own_names(&self) -> Result<(), Error> {
        let (folder, part) = (&self.options.folder, self.options.part);
        let journal = journal::path_of(folder, part);
        let table = self.options.table.as_ref().map(|name| table::path_of(folder, name, part));
        if table.as_ref().is_some_and(|table| identity(table) == identity(&journal)) {
            let message = "the table would write over the journal of the batch; give the table another name";
            return Err(Error::usage(format!("{message}\n  {}", words::shown(&journal))));
        }
        for (what, path) in [("journal", Some(journal)), ("table", table)] {
            let Some(path) = path else { continue };
            let Some(item) = self.written.item_of(&path) else { continue };
            let message = format!("the item `{}` would write over the {what} of the batch", self.items.name(item));
            return Err(Error::usage(format!("{message}; give its file another name\n  {}", words::shown(&path))));
        }
        Ok(())
    }

    /// The number of items in all parts together.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Always false: a batch has at least one item.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// An item that is ready to run.
    pub(super) fn checked(&self, item: usize) -> Result<Checked, Problems> {
        // `new` compared the files that it writes with all others.
        let given = self.items.given(item, &self.base);
        let mut checked = graph::check_without_overwriting(self.file.clone(), &self.registry, &given)?;
        self.shape.apply(&mut checked);
        Ok(checked)
    }
}

/// The problems of items. A problem that many items have is kept once.
#[derive(Default)]
struct Wrong {
    /// Each with the name of the first item that has it, and the number of items that have it.
    problems: Vec<(String, String, usize)>,
    positions: HashMap<String, usize>,
    only_missing: bool,
    graph: String,
}

/// The number of problems that are listed; further ones are only counted.
const PROBLEMS_SHOWN: usize = 20;
/// The check ends when it has found this many different problems.
const PROBLEMS_KEPT: usize = 1000;

impl Wrong {
    fn add(&mut self, found: Problems, item: &str) {
        self.only_missing = found.only_missing() && (self.only_missing || self.problems.is_empty());
        self.graph = found.graph;
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

    fn is_enough(&self) -> bool {
        self.problems.len() >= PROBLEMS_KEPT
    }

    fn result(self, items: usize) -> Result<(), Error> {
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
