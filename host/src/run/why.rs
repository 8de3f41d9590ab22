//! Why a node ran or did not run.

use super::keys::{Fingerprint, Part};
use crate::graph::{CheckedNode, Feed};
use splatgraph_sdk::spec::PathKind;
use std::fmt;

/// Why a node ran or did not run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// It ran: the runner keeps no results.
    CacheOff,
    /// It ran for the first time.
    FirstTime,
    /// It ran: its class or the version of its pack changed.
    ClassChanged,
    /// It ran: the library of its pack was reloaded.
    PackChanged,
    /// It ran: the settings changed.
    SettingsChanged,
    /// It ran: the value of this input changed.
    InputChanged(String),
    /// It ran: the value that this input (first) takes from a node (second) changed.
    SourceChanged(String, String),
    /// It ran: the file that this input names changed.
    FileChanged(String),
    /// It ran: nothing changed, but its last result was not kept.
    NotKept,
    /// It ran: its result is not in the store.
    NotStored,
    /// It ran: it is an output node, and names no files that could be compared.
    Writes,
    /// It ran: a file that it wrote is gone or changed.
    FilesTouched,
    /// It ran: this input may have changed. Its path comes from another node, or its file can't be read, so the runner
    /// can't compare it.
    Unknown(String),
    /// It did not run: nothing changed.
    Cached,
    /// It did not run: its result is in the store.
    Stored,
    /// It did not run: neither its inputs nor the files that it wrote changed.
    Written,
    /// It did not run: it has the results of this node, whose class and inputs are equal.
    EqualTo(String),
    /// It did not run: nothing needs it.
    NotNeeded,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CacheOff => f.write_str("ran: results are not kept"),
            Self::FirstTime => f.write_str("ran: first time"),
            Self::ClassChanged => f.write_str("ran: its class or version changed"),
            Self::PackChanged => f.write_str("ran: its pack was reloaded"),
            Self::SettingsChanged => f.write_str("ran: the settings changed"),
            Self::InputChanged(input) => write!(f, "ran: input `{input}` changed"),
            Self::SourceChanged(input, node) => write!(f, "ran: input `{input}`, which comes from `{node}`, changed"),
            Self::FileChanged(input) => write!(f, "ran: the file of input `{input}` changed"),
            Self::NotKept => f.write_str("ran: its last result was not kept"),
            Self::NotStored => f.write_str("ran: its result was not in the store"),
            Self::Writes => f.write_str("ran: it is an output node"),
            Self::FilesTouched => f.write_str("ran: its files changed since it wrote them"),
            Self::Unknown(input) => write!(f, "ran: input `{input}` may have changed"),
            Self::Cached => f.write_str("cached"),
            Self::Stored => f.write_str("from the store"),
            Self::Written => f.write_str("cached: its files have not changed"),
            Self::EqualTo(node) => write!(f, "equal to `{node}`"),
            Self::NotNeeded => f.write_str("not needed"),
        }
    }
}

/// Why a node runs. Its result is not in the cache, or its files changed.
pub(super) fn why_it_runs(
    node: &CheckedNode,
    id: impl Fn(usize) -> String,
    last: Option<&Fingerprint>,
    now: &Fingerprint,
) -> Why {
    let spec = &node.class.spec;
    if spec.output && !spec.inputs.iter().any(|input| input.path == Some(PathKind::Write)) {
        return Why::Writes;
    }
    let name = |input: usize| node.class.spec.inputs[input].name.clone();
    if let Some(input) = now.parts.iter().position(|part| *part == Part::Unknown) {
        return Why::Unknown(name(input));
    }
    let Some(last) = last else { return Why::FirstTime };
    if last.class != now.class || last.parts.len() != now.parts.len() {
        return Why::ClassChanged;
    }
    if last.code != now.code {
        return Why::PackChanged;
    }
    if last.settings != now.settings {
        return Why::SettingsChanged;
    }
    let changed = last.parts.iter().zip(&now.parts).position(|(last, now)| last != now);
    let Some(input) = changed else { return Why::NotKept };
    match (&last.parts[input], &now.parts[input], &node.feeds[input]) {
        (Part::Files { paths: last, .. }, Part::Files { paths: now, .. }, _) if last == now => {
            Why::FileChanged(name(input))
        }
        (Part::Links(_), Part::Links(_), Feed::Link(socket)) => Why::SourceChanged(name(input), id(socket.node)),
        _ => Why::InputChanged(name(input)),
    }
}
