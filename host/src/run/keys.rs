//! Keys of results in the cache: digests of everything that a result depends on.

use super::{digest::Digests, settings::Settings};
use crate::{
    graph::{Checked, CheckedNode, Feed, Repeated},
    sha256::hex,
};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use splatgraph_sdk::{
    Record, Value, checkpoint,
    settings::changes_results,
    spec::{InputSpec, PathKind},
};
use std::{
    io,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

/// Names a result in the cache.
pub(super) type Key = [u8; 32];

/// Whether a later run may want the results of a node (its position in [`Checked::nodes`]).
pub(super) type Keep<'a> = dyn Fn(usize) -> bool + 'a;

/// Everything that the result of a node depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint {
    pub(super) class: Key,
    /// The generation of the pack; see [`NodeSource::generation`](crate::registry::NodeSource::generation).
    pub(super) generation: u64,
    pub(super) settings: Key,
    /// One for each input, in the order of the class.
    pub(super) parts: Vec<Part>,
}

/// Everything that one input depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Value(Key),
    /// The value, and the contents of the files that it names.
    Files {
        paths: Key,
        content: Key,
    },
    Links(Key),
    /// The input is a path from another node, a file that can't be read, or the output of a node with such an input.
    Unknown,
}

impl Fingerprint {
    /// The key of the result; `None` if a part is unknown.
    pub(super) fn key(&self) -> Option<Key> {
        let mut hash = Sha256::new();
        hash.update(self.class);
        hash.update(self.generation.to_le_bytes());
        hash.update(self.settings);
        for part in &self.parts {
            let (tag, first, second) = match part {
                Part::Value(value) => (0, value, None),
                Part::Files { paths, content } => (1, paths, Some(content)),
                Part::Links(links) => (2, links, None),
                Part::Unknown => return None,
            };
            hash.update([tag]);
            hash.update(first);
            hash.update(second.unwrap_or(&[0; 32]));
        }
        Some(hash.finalize().into())
    }
}

/// The values of a pass, on which results in a repeated graph depend.
#[derive(Clone, Copy)]
pub(super) enum PassValues<'a> {
    /// Those of any pass, for the fingerprint of the node that repeats the graph: its own inputs have the values.
    Any,
    /// Those of one pass, or of none.
    Are(&'a [Value]),
}

/// The fingerprints of the nodes that the roots need, made in one pass from sources to consumers.
///
/// A node that `keep` rejects has no fingerprint: no later run wants its results, so its files need not be read.
pub(super) fn fingerprints(
    checked: &Checked,
    digests: &mut Digests,
    settings: &Settings,
    keep: &Keep<'_>,
    values: PassValues<'_>,
) -> Vec<Option<Fingerprint>> {
    let given = settings;
    let mut relevant: Vec<_> = settings.iter().filter(|(name, _)| changes_results(name)).collect();
    relevant.sort_by_key(|(name, _)| name.as_str());
    let settings = sha(relevant.iter().flat_map(|(name, value)| [name.to_string(), value.to_string()]));
    let mut all: Vec<Option<Fingerprint>> = vec![None; checked.nodes.len()];
    let mut keys: Vec<Option<Key>> = vec![None; checked.nodes.len()];
    for node in sources_first(checked) {
        if !keep(node) || checked.values == Some(node) {
            continue;
        }
        let at = &checked.nodes[node];
        let parts = at.class.spec.inputs.iter().zip(&at.feeds);
        let parts = parts.map(|(spec, feed)| match of_pass(checked, feed, values) {
            Some((output, value)) => pass_part(spec, output, value, digests),
            None => part(spec, feed, &keys, digests),
        });
        let parts = parts.collect();
        let manifest = &at.class.pack.manifest;
        let class = match &at.repeat {
            Some(repeated) => repeated_class(repeated, digests, given),
            None => sha([at.class.full_name.clone(), manifest.version.clone(), at.class.spec.version.to_string()]),
        };
        let generation = at.class.pack.nodes.generation();
        let fingerprint = Fingerprint { class, generation, settings, parts };
        keys[node] = fingerprint.key();
        all[node] = Some(fingerprint);
    }
    all
}

/// The output of the values of a pass that feeds an input, with its value if it is known.
fn of_pass<'a>(checked: &Checked, feed: &Feed, values: PassValues<'a>) -> Option<(usize, Option<&'a Value>)> {
    let Feed::Link(socket) = feed else { return None };
    if Some(socket.node) != checked.values {
        return None;
    }
    match values {
        PassValues::Any => Some((socket.output, None)),
        PassValues::Are(values) => Some((socket.output, Some(values.get(socket.output)?))),
    }
}

/// What an input depends on that has a value of a pass.
fn pass_part(spec: &InputSpec, output: usize, value: Option<&Value>, digests: &mut Digests) -> Part {
    let Some(value) = value else { return Part::Value(sha(["a value of the pass".to_owned(), output.to_string()])) };
    match (value.to_json(), spec.path) {
        (Some(json), Some(PathKind::Read | PathKind::ReadDir | PathKind::Model)) => {
            let paths = sha([json.to_string()]);
            content(spec, &json, digests).map_or(Part::Unknown, |content| Part::Files { paths, content })
        }
        _ => content_sum(value).map_or(Part::Unknown, Part::Value),
    }
}

/// The class of a node that repeats a graph: everything in the graph on which the results depend.
fn repeated_class(repeated: &Repeated, digests: &mut Digests, settings: &Settings) -> Key {
    /// Counts classes that are equal to no other.
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let inner = fingerprints(&repeated.checked, digests, settings, &|_| true, PassValues::Any);
    let mut texts = vec![format!("{:?}{:?}", repeated.repeat.mode, repeated.repeat.index)];
    for (name, socket) in &repeated.checked.outputs {
        texts.push(format!("{name}.{}", socket.output));
    }
    for &root in &repeated.checked.roots {
        match inner[root].as_ref().map(Fingerprint::key) {
            Some(Some(key)) => texts.push(hex(&key)),
            // The root is the values themselves.
            None => texts.push("values".to_owned()),
            Some(None) => texts.push(NEXT.fetch_add(1, Ordering::Relaxed).to_string()),
        }
    }
    for (_, socket) in &repeated.checked.outputs {
        texts.push(inner[socket.node].as_ref().and_then(Fingerprint::key).map_or_else(String::new, |key| hex(&key)));
    }
    sha(texts)
}

/// The sum of the content of a value that JSON can hold, or of a record; `None` for other values.
fn content_sum(value: &Value) -> Option<Key> {
    let mut sum = Sha256::new();
    if let Some(json) = value.to_json() {
        sum.update(json.to_string());
    } else if let Some(items) = value.as_list() {
        for item in items {
            sum.update(content_sum(&item)?);
        }
    } else {
        let record = Record::from_value(value).ok()?;
        sum.update(serde_json::json!([record.type_name, record.header]).to_string());
        for (name, tensor) in &record.fields {
            sum.update(serde_json::json!([name, tensor.dtype().name(), tensor.shape()]).to_string());
            sum.update(tensor.bytes());
        }
    }
    Some(sum.finalize().into())
}

fn part(spec: &InputSpec, feed: &Feed, keys: &[Option<Key>], digests: &mut Digests) -> Part {
    match feed {
        Feed::Nothing => Part::Value([0; 32]),
        Feed::Value(value) => {
            let paths = sha([value.to_string()]);
            match spec.path {
                None | Some(PathKind::Write) => Part::Value(paths),
                Some(_) => {
                    content(spec, value, digests).map_or(Part::Unknown, |content| Part::Files { paths, content })
                }
            }
        }
        Feed::Link(_) | Feed::Links(_) if spec.path.is_some() => Part::Unknown,
        Feed::Link(_) | Feed::Links(_) => {
            let mut hash = Sha256::new();
            // A link and a list with one link are different inputs.
            hash.update([u8::from(matches!(feed, Feed::Links(_)))]);
            for socket in feed.sockets() {
                let Some(key) = keys[socket.node] else { return Part::Unknown };
                hash.update(key);
                hash.update(socket.output.to_le_bytes());
            }
            Part::Links(hash.finalize().into())
        }
    }
}

/// The digest of all files that a value names, with the parts of models in several files. Built-in models are covered by the version of the pack.
fn content(spec: &InputSpec, value: &Json, digests: &mut Digests) -> io::Result<Key> {
    let mut hash = Sha256::new();
    let texts: Vec<&str> = match value {
        Json::Array(items) => items.iter().filter_map(Json::as_str).collect(),
        _ => value.as_str().into_iter().collect(),
    };
    for text in texts {
        if !(spec.path == Some(PathKind::Model) && spec.builtin.iter().any(|name| name == text)) {
            let path = Path::new(text);
            hash.update(digests.of(path)?);
            for part in checkpoint::parts(path) {
                hash.update(digests.of(&part)?);
            }
        }
    }
    Ok(hash.finalize().into())
}

fn sha(texts: impl IntoIterator<Item = String>) -> Key {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update(text.len().to_le_bytes());
        hash.update(text);
    }
    hash.finalize().into()
}

/// The nodes that the roots need, each after its sources. Works without recursion, so long chains are safe.
pub(super) fn sources_first(checked: &Checked) -> Vec<usize> {
    let sources = |node: &CheckedNode| -> Vec<usize> {
        node.feeds.iter().flat_map(Feed::sockets).map(|socket| socket.node).collect()
    };
    let mut order = Vec::with_capacity(checked.nodes.len());
    let mut seen = vec![false; checked.nodes.len()];
    // A node, and whether its sources are on the stack already.
    let mut stack: Vec<(usize, bool)> = checked.roots.iter().map(|&root| (root, false)).collect();
    while let Some((node, expanded)) = stack.pop() {
        if expanded {
            order.push(node);
        } else if !std::mem::replace(&mut seen[node], true) {
            stack.push((node, true));
            stack.extend(sources(&checked.nodes[node]).into_iter().filter(|&source| !seen[source]).map(|s| (s, false)));
        }
    }
    order
}
