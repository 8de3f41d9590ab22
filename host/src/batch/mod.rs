//! Running a graph over many items: files that fit a pattern, lists, ranges, rows of a CSV file, and their products.
//!
//! [`Batch::new`] reads the values and checks every item before anything runs; [`Batch::run`] runs those that the journal
//! in the batch's folder does not have yet.
//!
//! # What a folder holds
//! - `batch.jsonl`, the journal: a line about the batch, then one for each item that is done or failed. A line is written
//!   as a whole when the item's files are; what a killed process left half written is cut off by the next. Items are known
//!   by their values, so that the same command goes on where it stopped, and one with more files runs only the new ones.
//!   Whether the content of a file changed since is not looked at.
//! - What the graph's nodes write, or with [`Collect`] shards instead, `NAME-00000.safetensors`, an output of many items
//!   stacked along its first axis.
//! - Parts of a batch ([`Part`]) have a journal and shards of their own, and may run at the same time in one folder.
//!
//! # What runs once
//! Nodes that no value of an item reaches run once, before the first item, and their results stay in memory, as do those
//! that several items share, up to [`CACHE_BYTES`]. Items that share results are run in a row, by one worker.

mod clash;
mod collect;
mod items;
mod journal;
mod record;
mod rows;
mod run;
mod table;
mod tidy;
mod values;
mod vary;
mod work;

pub use run::{Failed, Summary, Update};
pub use table::Table;

use crate::graph::{self, Checked, File, Given, Problem, identity};
use crate::registry::Registry;
use clash::Written;
use items::Items;
use std::{
    collections::HashMap,
    fmt,
    num::NonZeroUsize,
    path::{Path, PathBuf},
};
use vary::Shape;

/// Host memory for results that several items share: 2 GiB.
pub const CACHE_BYTES: u64 = 2 << 30;

/// What a batch is, besides its graph.
#[derive(Clone, Debug)]
pub struct Options {
    /// `NAME=VALUE`, `NAME=@rows.csv` and `@rows.csv`, in the order of the command line.
    pub values: Vec<String>,
    /// `node.input` and the value that it has in all items.
    pub sets: Vec<(String, String)>,
    /// The current directory, absolute.
    pub cwd: PathBuf,
    /// The folder of the journal and of what is written, absolute.
    pub folder: PathBuf,
    /// Where models are looked for; see [`graph::model_folders`].
    pub model_dirs: Vec<PathBuf>,
    /// The share of the items that is run; `None` means all.
    pub part: Option<Part>,
    /// Stacks an output into shards.
    pub collect: Option<Collect>,
    /// Leaves out the nodes that write: only scalar results are wanted.
    pub no_files: bool,
    /// A CSV file for the scalar results, relative to `folder`.
    pub table: Option<PathBuf>,
    /// Runs items again that failed before.
    pub retry_failed: bool,
    /// How many items run at the same time; `None` means one for each core.
    pub jobs: Option<NonZeroUsize>,
    /// How many threads all nodes may use together; `None` means one for each core.
    pub threads: Option<NonZeroUsize>,
}

/// Part `number` of `of`, from 1: every `of`th item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    number: usize,
    of: usize,
}

impl Part {
    /// Reads `2/8`.
    ///
    /// # Errors
    /// It is something else, or there is no such part.
    pub fn parse(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        match numbers {
            Some((number, of)) if (1..=of).contains(&number) => Ok(Self { number, of }),
            Some((_, of)) if of > 0 => Err(format!("of {of} parts the first is 1/{of} and the last {of}/{of}")),
            _ => Err("expected the number of a part and how many there are, as in 2/8".to_owned()),
        }
    }

    fn has(self, item: usize) -> bool {
        item % self.of == self.number - 1
    }
}

/// `2-of-8`, as in the names of files.
impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-of-{}", self.number, self.of)
    }
}

/// Which output is stacked into shards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collect {
    /// The named output.
    pub output: String,
    /// How many items a shard has.
    pub shard: NonZeroUsize,
}

/// Why a batch can't be run, or could not go on. Shown one message a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", messages.join("\n"))]
pub struct Error {
    /// At least one.
    pub messages: Vec<String>,
    /// 1 where something can't be read or written or a node failed, 2 for a wrong command line or graph, 3 where only
    /// packs or models are missing.
    pub exit_code: u8,
}

impl Error {
    fn usage(message: impl Into<String>) -> Self {
        Self { messages: vec![message.into()], exit_code: 2 }
    }

    fn failed(message: impl Into<String>) -> Self {
        Self { messages: vec![message.into()], exit_code: 1 }
    }
}

/// A batch whose items are all checked.
pub struct Batch {
    file: File,
    registry: Registry,
    options: Options,
    /// What all items share of the command line.
    base: Given,
    items: Items,
    shape: Shape,
    written: Written,
    /// What is odd about the graph, as far as the first item shows it.
    pub warnings: Vec<Problem>,
    /// The nodes that write, and are not run because of [`Options::collect`] or [`Options::no_files`]: id and class.
    pub left_out: Vec<(String, String)>,
}

impl Batch {
    /// Reads the values and checks all items, of every part. Nothing runs, and no file that an item names is opened.
    ///
    /// # Errors
    /// Everything that is wrong with the values, or else with the items.
    pub fn new(file: File, registry: &Registry, options: Options) -> Result<Self, Error> {
        let axes = values::axes(&options.values, &file, registry, &options.cwd)?;
        let items = Items::new(axes, options.sets.clone());
        let base = Given {
            cwd: options.cwd.clone(),
            out_dir: Some(options.folder.clone()),
            model_dirs: options.model_dirs.clone(),
            ..Given::default()
        };
        let mut wrong = Wrong::default();
        let mut checked_first: Option<(Checked, Shape)> = None;
        let mut written = Written::default();
        let mut whole = true;
        for item in 0..items.len() {
            let (copy, given) = (file.clone(), items.given(item, &base));
            // Between items it is `written` that looks for files that two of them use, but not for patterns.
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
            whole = checked.nodes.iter().flat_map(|node| &node.writes).any(|path| has_pattern(path));
            written.add(item, &checked, shape, &items)?;
        }
        wrong.result(items.len())?;
        written.refuse_to_overwrite_reads(&items)?;
        let Some((first, shape)) = checked_first else { return Err(Error::usage("there are no items")) };
        let left_out = shape.left_out(&first);
        let (registry, warnings) = (registry.clone(), first.warnings.clone());
        let batch = Self { file, registry, options, base, items, shape, written, warnings, left_out };
        batch.refuse_own_names()?;
        Ok(batch)
    }

    /// Neither an item nor the table may be written over the batch's own files.
    fn refuse_own_names(&self) -> Result<(), Error> {
        let (folder, part) = (&self.options.folder, self.options.part);
        let journal = journal::path_of(folder, part);
        let table = self.options.table.as_ref().map(|name| table::path_of(folder, name, part));
        if table.as_ref().is_some_and(|table| identity(table) == identity(&journal)) {
            let message = "--table names the journal of the batch; give it another name";
            return Err(Error::usage(format!("{message}\n  {}", journal.display())));
        }
        for (what, path) in [("journal", Some(journal)), ("table", table)] {
            let Some(path) = path else { continue };
            let Some(item) = self.written.item_of(&path) else { continue };
            let message = format!("the item `{}` would write over the {what} of the batch", self.items.name(item));
            return Err(Error::usage(format!("{message}; give it another name\n  {}", path.display())));
        }
        Ok(())
    }

    /// How many items there are, in all parts together.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Never: a batch has at least one item.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One item, as it is to be run.
    fn checked(&self, item: usize) -> Result<Checked, graph::Problems> {
        // What it writes was compared with all else before the first item ran.
        let given = self.items.given(item, &self.base);
        let mut checked = graph::check_without_overwriting(self.file.clone(), &self.registry, &given)?;
        self.shape.apply(&mut checked);
        Ok(checked)
    }
}

/// Whether a path stands for several, one for each picture.
fn has_pattern(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().contains("{b}"))
}

/// The problems of items; one that many have is told once.
#[derive(Default)]
struct Wrong {
    /// Each with the first item that has it, and how many have it.
    problems: Vec<(String, String, usize)>,
    positions: HashMap<String, usize>,
    only_missing: bool,
    graph: String,
}

/// Problems beyond these are only counted.
const PROBLEMS_SHOWN: usize = 20;
/// Checking ends at this many different problems.
const PROBLEMS_KEPT: usize = 1000;

impl Wrong {
    fn add(&mut self, found: graph::Problems, item: &str) {
        self.only_missing = found.exit_code() == 3 && (self.only_missing || self.problems.is_empty());
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
            let problems = if count == 1 { "1 problem".to_owned() } else { format!("{count} problems") };
            *last += &format!("\n{problems} in {}; nothing was run", self.graph);
        }
        Err(Error { messages, exit_code: if self.only_missing { 3 } else { 2 } })
    }
}
