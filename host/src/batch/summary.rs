//! What a batch tells while it runs and when it ends.

use super::table::Table;
use crate::run::Event;
use std::path::PathBuf;

/// What happens while a batch runs, from any thread.
#[non_exhaustive]
pub enum Update<'a> {
    /// The items begin.
    Begun {
        /// How many are run.
        items: usize,
        /// How many were done before.
        earlier: usize,
    },
    /// A node of an item has something to say.
    Event {
        /// The item's name; `None` for what is run once for all.
        item: Option<&'a str>,
        /// What.
        event: &'a Event,
    },
    /// An item is over.
    Ended {
        /// Whether it failed.
        failed: bool,
    },
}

/// An item that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// Its name.
    pub item: String,
    /// Why.
    pub error: String,
}

/// How a batch ended.
#[derive(Clone, Debug)]
pub struct Summary {
    /// How many items the part has.
    pub items: usize,
    /// How many were done now.
    pub done: usize,
    /// How many were done before.
    pub earlier: usize,
    /// Those that failed, now or before.
    pub failed: Vec<Failed>,
    /// How many files were written now.
    pub files: usize,
    /// The shards that were written now, in the batch's folder.
    pub shards: Vec<String>,
    /// How long the batch took, in milliseconds.
    pub ms: f64,
    /// How long all nodes took together, in milliseconds.
    pub node_ms: f64,
    /// Whether it was cancelled before all items were over.
    pub cancelled: bool,
    /// The table, where one was asked for and the batch came to its end.
    pub table: Option<Table>,
    /// The journal.
    pub journal: PathBuf,
}
