//! What a batch runs and how: its options, its parts, and what it collects.

use std::{fmt, num::NonZeroUsize, path::PathBuf};

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
    pub(super) of: usize,
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

    pub(super) fn has(self, item: usize) -> bool {
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
