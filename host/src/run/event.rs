//! The events of a run and its result.

use super::why::Why;
use crate::{
    graph::CheckedNode,
    words::{one_line, shortened, shortened_to},
};
use serde_json::{Value as Json, json};
use splatgraph_sdk::{Code, Error, Value, host::LogLevel};
use std::{fmt, path::PathBuf, sync::Arc};

/// The most bytes of the detail of an error, which is often a backtrace.
const LONGEST_DETAIL: usize = 100_000;

/// Something that happens during a run, sent at once and from any thread.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A node starts to run.
    Started {
        /// Its id.
        node: Arc<str>,
    },
    /// A node made progress.
    Progress {
        /// Its id.
        node: Arc<str>,
        /// Steps done.
        done: u64,
        /// All steps; 0 if the node does not know.
        total: u64,
        /// A short text about the current step.
        note: String,
    },
    /// A node shows an unfinished result.
    Preview {
        /// Its id.
        node: Arc<str>,
        /// The unfinished result.
        value: Value,
    },
    /// A node writes a line to the log.
    Log {
        /// Its id.
        node: Arc<str>,
        /// Its level.
        level: LogLevel,
        /// The line.
        text: String,
    },
    /// A node finished, or its outputs came from the cache.
    Finished {
        /// Its id.
        node: Arc<str>,
        /// How long it ran, in milliseconds.
        ms: f64,
        /// Whether the outputs came from the cache.
        cached: bool,
        /// Its outputs, in the order of its class.
        outputs: Vec<Value>,
    },
    /// A node failed.
    Failed(NodeFailure),
    /// Something happened in a graph that a node repeats. Only ends of nodes are told.
    Inside {
        /// The id of the node that repeats the graph.
        node: Arc<str>,
        /// The number of the pass, counted from 0.
        pass: usize,
        /// The event. The ids of the nodes of the graph begin with that of the node, and a colon.
        event: Box<Event>,
    },
    /// A node does not run, because a node that it needs failed.
    Skipped {
        /// Its id.
        node: Arc<str>,
        /// The id of the node that failed.
        because_of: Arc<str>,
    },
}

/// A node that failed.
#[derive(Clone, Debug)]
pub struct NodeFailure {
    /// Its id.
    pub node: Arc<str>,
    /// Its class, `pack.Node`.
    pub class: String,
    /// The id of its pack.
    pub pack: String,
    /// The version of its pack.
    pub pack_version: String,
    /// The error that the node reported.
    pub error: Error,
    /// The outputs (`node.output`) from which the input comes that the error names.
    pub came_from: Vec<String>,
}

impl NodeFailure {
    /// `came_from` are the outputs from which the input comes that the error names.
    pub(super) fn new(node: &CheckedNode, error: Error, came_from: Vec<String>) -> Self {
        let manifest = &node.class.pack.manifest;
        // A pack may give texts of any length.
        let message = shortened(&error.message);
        let (location, detail) = (shortened(&error.location), shortened_to(&error.detail, LONGEST_DETAIL));
        let error = Error { message, location, detail, ..error };
        Self {
            node: node.id.clone(),
            class: node.class.full_name.clone(),
            pack: manifest.id.clone(),
            pack_version: manifest.version.clone(),
            error,
            came_from,
        }
    }

    /// The whole failure as JSON.
    #[must_use]
    pub fn to_json(&self) -> Json {
        json!({
            "node": &*self.node,
            "class": self.class,
            "pack": self.pack,
            "pack_version": self.pack_version,
            "code": self.error.code.name(),
            "input": self.error.input,
            "came_from": self.came_from,
            "message": self.error.message,
            "location": self.error.location,
            "detail": self.error.detail,
        })
    }
}

/// Shows ``node `decode` (acme.Decode) failed: input `map`, which comes from `splat.map`: 3 values are NaN [acme 0.1.0,
/// src/decode.rs:20:9]``.
impl fmt::Display for NodeFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.error.code == Code::Panic { "panicked" } else { "failed" };
        write!(f, "node `{}` ({}) {how}: ", one_line(&self.node), self.class)?;
        if let Some(input) = &self.error.input {
            write!(f, "input `{input}`")?;
            if !self.came_from.is_empty() {
                let sources: Vec<String> =
                    self.came_from.iter().map(|source| format!("`{}`", one_line(source))).collect();
                write!(f, ", which comes from {}", sources.join(", "))?;
            }
            f.write_str(": ")?;
        }
        write!(f, "{} [{} {}", one_line(&self.error.message), self.pack, self.pack_version)?;
        // A place in the standard library says nothing about the pack.
        let in_library = |name: &&str| self.error.location.contains(&format!("/library/{name}/src/"));
        if !self.error.location.is_empty() && !["core", "alloc", "std"].iter().any(in_library) {
            write!(f, ", {}", self.error.location)?;
        }
        f.write_str("]")
    }
}

/// How a node ended in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// It ran.
    Done,
    /// Its outputs came from the cache, or only nodes with cached outputs needed it.
    Cached,
    /// It failed.
    Failed,
    /// It did not run, because the node with this id failed.
    Skipped(Arc<str>),
    /// The run was cancelled before the node finished.
    Cancelled,
    /// It did not stop when the run was cancelled, and still runs in its thread.
    Abandoned,
    /// No result and no output node needs it.
    NotNeeded,
}

impl Status {
    /// The name in JSON: `done`, `not_needed`, ...
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Cached => "cached",
            Self::Failed => "failed",
            Self::Skipped(_) => "skipped",
            Self::Cancelled => "cancelled",
            Self::Abandoned => "abandoned",
            Self::NotNeeded => "not_needed",
        }
    }
}

/// A node after a run.
#[derive(Clone, Debug)]
pub struct NodeReport {
    /// Its id.
    pub node: Arc<str>,
    /// How it ended.
    pub status: Status,
    /// How long it ran, in milliseconds.
    pub ms: f64,
    /// Why it ran or did not run.
    pub why: Why,
    /// If it repeats a graph: the nodes of the graph, each with how often it ran, and how often its results came from the cache.
    pub inside: Vec<(Arc<str>, u64, u64)>,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct RunResult {
    /// The named results in the order of the graph. Results of nodes that failed are left out.
    pub outputs: Vec<(String, Value)>,
    /// The nodes that failed.
    pub failures: Vec<NodeFailure>,
    /// Every node, in the order of the graph.
    pub nodes: Vec<NodeReport>,
    /// The files that output nodes report as written, each with the id of its node.
    pub written: Vec<(Arc<str>, PathBuf)>,
    /// The files that output nodes would write again, each with the id of its node. The nodes did not run, as nothing changed.
    pub unchanged: Vec<(Arc<str>, PathBuf)>,
    /// Whether the run was cancelled before all nodes finished.
    pub cancelled: bool,
}

impl RunResult {
    /// The name in JSON: `done`, `failed` or `cancelled`.
    #[must_use]
    pub fn status_name(&self) -> &'static str {
        match (self.cancelled, self.failures.is_empty()) {
            (true, _) => "cancelled",
            (false, true) => "done",
            (false, false) => "failed",
        }
    }

    /// The ids of the nodes that did not stop when the run was cancelled.
    pub fn abandoned(&self) -> impl Iterator<Item = &Arc<str>> {
        self.nodes.iter().filter(|report| report.status == Status::Abandoned).map(|report| &report.node)
    }

    /// The ids of the skipped nodes, each with the id of the node that failed.
    pub fn skipped(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<str>)> {
        self.nodes.iter().filter_map(|report| match &report.status {
            Status::Skipped(because_of) => Some((&report.node, because_of)),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_the_standard_library_is_left_out() {
        let shown = |location: &str| {
            let error = Error { location: location.to_owned(), ..Error::new("line 1\nline 2") };
            let (pack, pack_version) = ("acme".to_owned(), "0.1.0".to_owned());
            let class = "acme.Blur".to_owned();
            NodeFailure { node: "a\u{9b}".into(), class, pack, pack_version, error, came_from: Vec::new() }.to_string()
        };
        let before = r"node `a\u{9b}` (acme.Blur) failed: line 1\nline 2 [acme 0.1.0";
        assert_eq!(shown("src/lib.rs:3:7"), format!("{before}, src/lib.rs:3:7]"));
        assert_eq!(shown("/rustc/abc/library/core/src/ops/function.rs:250:5"), format!("{before}]"));
    }
}
