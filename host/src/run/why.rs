use super::keys::{Fingerprint, Part};
use crate::graph::{CheckedNode, Feed};
use splatgraph_sdk::spec::PathKind;
use std::fmt;

/// Why a node ran, or did not.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// Ran: results are not kept.
    CacheOff,
    /// Ran: for the first time.
    FirstTime,
    /// Ran: it has another class or version than last time.
    ClassChanged,
    /// Ran: the library of its pack was loaded anew.
    PackChanged,
    /// Ran: the settings changed.
    SettingsChanged,
    /// Ran: the value of this input changed.
    InputChanged(String),
    /// Ran: what this input gets from the node named second changed.
    SourceChanged(String, String),
    /// Ran: the file that this input names changed.
    FileChanged(String),
    /// Ran: nothing changed, but its last result was not kept.
    NotKept,
    /// Ran: it writes, and names no files that could be looked at.
    Writes,
    /// Ran: a file that it wrote is gone or was changed.
    FilesTouched,
    /// Ran: whether this input changed can't be known before the run, as its path comes from another node or its file
    /// can't be read.
    Unknown(String),
    /// Did not run: nothing changed.
    Cached,
    /// Did not run: nothing changed, nor did the files that it wrote.
    Written,
    /// Did not run: nothing needs it.
    NotNeeded,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CacheOff => f.write_str("ran: results are not kept"),
            Self::FirstTime => f.write_str("ran: first time"),
            Self::ClassChanged => f.write_str("ran: its class or version changed"),
            Self::PackChanged => f.write_str("ran: its pack was loaded anew"),
            Self::SettingsChanged => f.write_str("ran: the settings changed"),
            Self::InputChanged(input) => write!(f, "ran: input `{input}` changed"),
            Self::SourceChanged(input, node) => write!(f, "ran: input `{input}` changed, which comes from `{node}`"),
            Self::FileChanged(input) => write!(f, "ran: the file of input `{input}` changed"),
            Self::NotKept => f.write_str("ran: its last result was not kept"),
            Self::Writes => f.write_str("ran: it writes"),
            Self::FilesTouched => f.write_str("ran: its files are not as it left them"),
            Self::Unknown(input) => write!(f, "ran: only a run tells whether input `{input}` changed"),
            Self::Cached => f.write_str("cached"),
            Self::Written => f.write_str("cached: its files are as it left them"),
            Self::NotNeeded => f.write_str("not needed"),
        }
    }
}

/// Why a node runs whose result is not in the cache, or whose files are not as they were.
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
    if last.generation != now.generation {
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
