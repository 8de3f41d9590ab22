//! The options of a batch.

use crate::store::Store;
use splatgraph_sdk::behind_stem;
use std::{fmt, num::NonZeroUsize, path::PathBuf, sync::Arc};

/// The options of a batch: everything but its graph.
#[derive(Clone, Debug)]
pub struct Options {
    /// `NAME=VALUE`, `NAME=@rows.csv` and `@rows.csv`, in the order of the command line.
    pub values: Vec<String>,
    /// `node.input` and the value that it has in all items.
    pub sets: Vec<(String, String)>,
    /// The current directory, absolute.
    pub cwd: PathBuf,
    /// The folder of the journal and of written files, absolute.
    pub folder: PathBuf,
    /// The folders with models; see [`model_folders`](crate::graph::model_folders).
    pub model_dirs: Vec<PathBuf>,
    /// The part of the items that runs; `None` means all.
    pub part: Option<Part>,
    /// The output that is stacked into shards, if any.
    pub collect: Option<Collect>,
    /// Leaves out the nodes that write files, so that only scalar results are computed.
    pub no_files: bool,
    /// A CSV file for the scalar results, relative to `folder`.
    pub table: Option<PathBuf>,
    /// Runs again the items that failed before.
    pub retry_failed: bool,
    /// Whether a graph from elsewhere may replace files; see [`File::is_foreign`](crate::graph::File::is_foreign).
    pub overwrite: bool,
    /// Whether files and the journal are on the disk before an item counts as done.
    pub durable: bool,
    /// How many items run at the same time; `None` means one for each core.
    pub jobs: Option<NonZeroUsize>,
    /// How many threads all nodes may use together; `None` means one for each core.
    pub threads: Option<NonZeroUsize>,
    /// Keeps results for other processes, and has theirs. With it, an item runs again if a file that it reads has other content.
    pub store: Option<Arc<Store>>,
}

impl Options {
    /// The file of the journal.
    pub(super) fn journal(&self) -> PathBuf {
        self.folder.join(self.part.map_or("batch.jsonl".to_owned(), |part| format!("batch-{part}.jsonl")))
    }

    /// The file of the table, if there is one; for a part `results-2-of-8.csv`.
    pub(super) fn table_file(&self) -> Option<PathBuf> {
        let path = self.folder.join(self.table.as_ref()?);
        Some(self.part.map_or_else(|| path.clone(), |part| behind_stem(&path, &format!("-{part}"))))
    }
}

/// Part `number` of `of`, counted from 1: every `of`th item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    number: usize,
    pub(super) of: usize,
}

impl Part {
    /// Reads a part such as `2/8`.
    ///
    /// # Errors
    /// The text is something else, or there is no such part.
    pub fn parse(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        match numbers {
            Some((number, of)) if (1..=of).contains(&number) => Ok(Self { number, of }),
            Some((_, of)) if of > 0 => Err(format!("expected a part from 1/{of} to {of}/{of}")),
            _ => Err("expected the number of a part and the number of parts, such as 2/8".to_owned()),
        }
    }

    pub(super) fn has(self, item: usize) -> bool {
        item % self.of == self.number - 1
    }
}

/// Shows `2-of-8`, as file names have it.
impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-of-{}", self.number, self.of)
    }
}

/// The output that is stacked into shards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collect {
    /// The named output.
    pub output: String,
    /// The number of items in a shard.
    pub shard: NonZeroUsize,
}
