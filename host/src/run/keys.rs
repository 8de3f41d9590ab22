//! Keys of results in the cache and in the store: digests of everything that a result depends on. With the code of packs by their
//! files ([`Codes`]), a key is the same in all processes.

use super::{
    code::{Codes, machine},
    digest::Digests,
    settings::Settings,
};
use crate::graph::{Checked, CheckedNode, Feed, Repeated};
use crate::sha256::hex;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use splatgraph_sdk::{
    Record, Value, checkpoint,
    settings::changes_results,
    spec::{InputSpec, PathKind},
};
use std::{collections::BTreeMap, io, path::Path};

/// Names a result in the cache and in the store.
pub(super) use crate::store::Key;

/// Whether a later run may want the results of a node (its position in [`Checked::nodes`]).
pub(super) type Keep<'a> = dyn Fn(usize) -> bool + 'a;

/// Everything that the result of a node depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint {
    pub(super) class: Key,
    /// The code of the pack; `None` if its files can't be read.
    pub(super) code: Option<Key>,
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
    /// The key of the result; `None` if the code or a part is unknown.
    pub(super) fn key(&self) -> Option<Key> {
        let mut hash = Sha256::new();
        hash.update(self.class);
        hash.update(self.code?);
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
    (digests, codes): (&mut Digests, &mut Codes),
    settings: &Settings,
    keep: &Keep<'_>,
    values: PassValues<'_>,
) -> Vec<Option<Fingerprint>> {
    let given = settings;
    let settings = sha(relevant(settings).into_iter().flat_map(<[String; 2]>::from));
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
        let (class, code) = match &at.repeat {
            Some(repeated) => repeated_class(repeated, (digests, codes), given),
            None => {
                let class = [at.class.full_name.clone(), manifest.version.clone(), at.class.spec.version.to_string()];
                (sha(class), codes.of(&at.class.pack, digests))
            }
        };
        let fingerprint = Fingerprint { class, code, settings, parts };
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

/// The class of a node that repeats a graph: everything in the graph on which the results depend. The code of its packs is in there, so
/// the second key only says that all of it is known.
fn repeated_class(
    repeated: &Repeated,
    (digests, codes): (&mut Digests, &mut Codes),
    settings: &Settings,
) -> (Key, Option<Key>) {
    let checked = &repeated.checked;
    let inner = fingerprints(checked, (digests, codes), settings, &|_| true, PassValues::Any);
    let mut texts = vec![format!("{:?}{:?}", repeated.repeat.mode, repeated.repeat.index)];
    let mut is_known = true;
    let outputs = checked.outputs.iter().map(|(name, socket)| (name.as_str(), socket.node, socket.output));
    for (name, node, output) in checked.roots.iter().map(|root| ("", *root, 0)).chain(outputs) {
        // Without a fingerprint, it is the values of a pass themselves.
        let key = inner[node].as_ref().map(Fingerprint::key);
        is_known &= key != Some(None);
        texts.push(format!("{name}.{output} {}", key.flatten().map_or_else(String::new, |key| hex(&key))));
    }
    (sha(texts), is_known.then_some([0; 32]))
}

/// The SHA-256 of the content of a value that JSON can hold, of a record, or of a list of these; `None` for other values.
#[must_use]
pub fn content_sum(value: &Value) -> Option<[u8; 32]> {
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

/// The settings that change results, and the machine.
pub(super) fn relevant(settings: &Settings) -> BTreeMap<String, String> {
    let changing = settings.iter().filter(|(name, _)| changes_results(name));
    let changing = changing.map(|(name, value)| (name.clone(), value.to_string()));
    changing.chain([("machine".to_owned(), machine())]).collect()
}

/// The digest of all files that the graph names and the roots need; `None` if one of them can't be read.
pub(super) fn content_of_files(checked: &Checked, digests: &mut Digests) -> Option<Key> {
    let mut hash = Sha256::new();
    for node in sources_first(checked) {
        let at = &checked.nodes[node];
        for (spec, feed) in at.class.spec.inputs.iter().zip(&at.feeds) {
            if let (Some(PathKind::Read | PathKind::ReadDir | PathKind::Model), Feed::Value(value)) = (spec.path, feed)
            {
                hash.update(content(spec, value, digests).ok()?);
            }
        }
        if let Some(repeated) = &at.repeat {
            hash.update(content_of_files(&repeated.checked, digests)?);
        }
    }
    Some(hash.finalize().into())
}

/// Digests of all files that graphs read.
#[derive(Default)]
pub(crate) struct FileContents(Digests);

impl FileContents {
    /// The digest of the files of one graph; `None` if one of them can't be read.
    pub(crate) fn of(&mut self, checked: &Checked) -> Option<Key> {
        content_of_files(checked, &mut self.0)
    }
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
