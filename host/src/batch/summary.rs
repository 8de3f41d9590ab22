//! The progress and the result of a batch.

use super::table::Table;
use crate::run::Event;
use serde_json::{Value as Json, json};
use std::path::PathBuf;

/// Progress of a batch, sent from any thread.
#[non_exhaustive]
pub enum Update<'a> {
    /// The items start.
    Begun {
        /// The number of items that run.
        items: usize,
        /// The number of items that were done before.
        earlier: usize,
        /// The number of items that run again because their files are gone.
        again: usize,
        /// The number of items that run again because files that they read have other content.
        changed: usize,
    },
    /// Some of the items that start will fail, because of files that are missing or can't be written.
    Unready {
        /// The number of these items.
        items: usize,
        /// Of how many items the files were looked at; `None` means of all.
        of: Option<usize>,
        /// The name of the first one.
        first: &'a str,
        /// Its problem.
        problem: &'a str,
    },
    /// An event of a node.
    Event {
        /// The name of the item; `None` for nodes that run once for all items.
        item: Option<&'a str>,
        /// The event.
        event: &'a Event,
    },
    /// An item ended.
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
    /// The error.
    pub error: String,
}

/// How a batch ended.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The number of items in the part.
    pub items: usize,
    /// The number of items that this run did.
    pub done: usize,
    /// The number of items that were done before.
    pub earlier: usize,
    /// The items that failed, now or before.
    pub failed: Vec<Failed>,
    /// The number of files that this run wrote.
    pub files: usize,
    /// The shards that this run wrote into the folder of the batch.
    pub shards: Vec<String>,
    /// How long the batch took, in milliseconds.
    pub ms: f64,
    /// The number of nodes that ran. Nodes of several items count several times.
    pub nodes: usize,
    /// The sum of the times of all nodes, in milliseconds.
    pub node_ms: f64,
    /// Whether the batch was cancelled before all items ended.
    pub cancelled: bool,
    /// The table, if the options name one and the batch was not cancelled.
    pub table: Option<Table>,
    /// The file of the journal.
    pub journal: PathBuf,
}

impl Summary {
    /// The whole summary as JSON, without the rows of the table.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let status = match (self.cancelled, self.failed.is_empty()) {
            (true, _) => "cancelled",
            (false, true) => "done",
            (false, false) => "failed",
        };
        let failed = self.failed.iter().map(|failed| json!({"item": failed.item, "error": failed.error}));
        json!({
            "status": status,
            "items": self.items,
            "done": self.done,
            "earlier": self.earlier,
            "failed": failed.collect::<Vec<_>>(),
            "files": self.files,
            "shards": self.shards,
            "table": self.table.as_ref().map(|table| table.path.to_string_lossy()),
            "journal": self.journal.to_string_lossy(),
            "ms": self.ms,
            "nodes": self.nodes,
            "node_ms": self.node_ms,
        })
    }
}
