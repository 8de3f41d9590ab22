//! A batch whose items are all checked, before anything runs.

use super::{
    clash::Written,
    error::Error,
    items::Items,
    options::Options,
    overlap,
    plan::{Known, Plan},
    values,
    vary::Shape,
    wrong::Wrong,
};
use crate::{
    graph::{Checked, File, Given, Problem, Problems, WrittenFile, identity},
    registry::Registry,
    words,
};
use std::{
    path::Path,
    sync::{Mutex, PoisonError},
};

/// A batch whose items are all checked.
pub struct Batch {
    pub(super) file: File,
    registry: Registry,
    pub(super) options: Options,
    /// The options that all items share.
    base: Given,
    pub(super) items: Items,
    known: Known,
    pub(super) written: Mutex<Written>,
    /// Warnings about the values and the graph, as the first item shows them, and about items that use the same seeds.
    pub warnings: Vec<Problem>,
    /// The output nodes that do not run because of [`Options::collect`] or [`Options::no_files`], each by id and class.
    pub left_out: Vec<(String, String)>,
}

impl Batch {
    /// Reads the values and checks the items of all parts. Runs nothing, and opens no file that an item names. The values are
    /// compared with the graph one by one, and the names of all files with each other. Whether files to read are there is looked at
    /// when the items run, as an item may be done already.
    ///
    /// # Errors
    /// All problems of the values, or else of the items.
    pub fn new(file: File, registry: &Registry, options: Options) -> Result<Self, Error> {
        let file = file.adapted(registry);
        let mut warnings = Vec::new();
        let axes = values::axes(&options.values, &file, registry, &options.cwd, &mut warnings)?;
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
        let mut known: Option<Known> = None;
        let mut written = Written::default();
        let (mut files, mut checked_items, mut shared) = (Vec::new(), items.len(), 0);
        for item in 0..items.len() {
            let plan = Plan { file: &file, registry, base: &base, items: &items, known: known.as_ref() };
            if plan.own_files(item, &mut files) && !written.may_be_own_reads(&files, plan.shared()) {
                written.add(&files);
                // Two items are enough to find files that all items write.
                if shared < 2 {
                    written.add(plan.shared());
                    shared += 1;
                }
                continue;
            }
            // `written` finds files that two nodes use, but does not know patterns.
            let checked = match plan.checked(item) {
                Ok(of)
                    if known.is_none()
                        || of.nodes.iter().flat_map(|node| &node.writes).any(WrittenFile::has_number) =>
                {
                    plan.checked_whole(item)
                }
                checked => checked,
            };
            let checked = match checked {
                Ok(checked) => checked,
                Err(problems) => {
                    wrong.add(problems, &items.name(item));
                    if wrong.is_enough() {
                        checked_items = item + 1;
                        break;
                    }
                    continue;
                }
            };
            let first_shape = match &known {
                Some(_) => None,
                None => Some(Shape::new(&checked, &items, &options)?),
            };
            let shape = first_shape.as_ref().or(known.as_ref().map(|known| &known.shape));
            let needed = shape.map_or(&[][..], |shape| &shape.needed);
            written.add(&checked.run_files(needed));
            // Nodes that an item does not run may name any file.
            let names = checked.extension_problems(needed);
            let is_right = names.is_empty();
            if !is_right {
                wrong.add(Problems::new(names, file.origin.to_string()), &items.name(item));
            }
            if let Some(shape) = first_shape {
                known = Some(Known::new(checked, shape, &file, &items, is_right));
                shared = 1;
            }
        }
        wrong.result(checked_items)?;
        let Some(known) = known else {
            return Err(Error::usage("expected at least one item, got none"));
        };
        written.refuse_clashes(&Plan { file: &file, registry, base: &base, items: &items, known: Some(&known) })?;
        let left_out = known.shape.left_out(&known.first);
        warnings.extend(known.first.warnings.iter().cloned());
        warnings.extend(overlap::warning(&known.first, &known.shape, &file, &items));
        let (registry, written) = (registry.clone(), Mutex::new(written));
        let batch = Self { file, registry, options, base, items, known, written, warnings, left_out };
        batch.refuse_own_names()?;
        Ok(batch)
    }

    /// The items with their graph.
    pub(super) fn plan(&self) -> Plan<'_> {
        let Self { file, registry, base, items, known, .. } = self;
        Plan { file, registry, base, items, known: Some(known) }
    }

    pub(super) fn shape(&self) -> &Shape {
        &self.known.shape
    }

    /// The item that writes a file, if any.
    pub(super) fn writer_of(&self, path: &Path) -> Option<usize> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).item_of(path, &self.plan())
    }

    /// Refuses items and tables that would write over the files of the batch itself.
    fn refuse_own_names(&self) -> Result<(), Error> {
        let (journal, table) = (self.options.journal(), self.options.table_file());
        if table.as_ref().is_some_and(|table| identity(table) == identity(&journal)) {
            let message = "the table would write over the journal of the batch; give the table another name";
            return Err(Error::usage(format!("{message}\n  {}", words::shown(&journal))));
        }
        for (what, path) in [("journal", Some(journal)), ("table", table)] {
            let Some(path) = path else { continue };
            let Some(item) = self.writer_of(&path) else { continue };
            let message = format!("the item `{}` would write over the {what} of the batch", self.items.name(item));
            return Err(Error::usage(format!("{message}; give its file another name\n  {}", words::shown(&path))));
        }
        Ok(())
    }

    /// The graph of the first item, as it was checked.
    #[must_use]
    pub fn first(&self) -> &Checked {
        &self.known.first
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
        let mut checked = self.plan().checked(item)?;
        self.shape().apply(&mut checked);
        Ok(checked)
    }
}
