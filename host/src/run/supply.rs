//! The input values of a node.

use crate::graph::{Base, CheckedNode, Feed, PathRules, Resolved, Socket, identity};
use crate::words::shown;
use splatgraph_sdk::{
    Error, Kind, Value,
    spec::{InputSpec, scalar},
};
use std::{collections::HashSet, path::PathBuf, sync::OnceLock};

/// The files that nodes of a run are known to read.
pub(super) struct Reads {
    paths: Vec<PathBuf>,
    /// Their identities, which only few runs need.
    identities: OnceLock<HashSet<PathBuf>>,
}

impl Reads {
    pub(super) fn new(paths: Vec<PathBuf>) -> Self {
        Self { paths, identities: OnceLock::new() }
    }

    fn identities(&self) -> &HashSet<PathBuf> {
        self.identities.get_or_init(|| self.paths.iter().map(|path| identity(path)).collect())
    }
}

/// The inputs of a node in the order of its class. `take` returns the value of an output for an input and a link of it, by their positions.
///
/// # Errors
/// A path from another node can't be used.
pub(super) fn inputs(
    node: &CheckedNode,
    rules: &PathRules,
    reads: &Reads,
    mut take: impl FnMut(usize, usize, Socket) -> Value,
) -> Result<Vec<Value>, Error> {
    // Takes all values before the first error, so that no value waits for a node that fails here.
    let values: Vec<Value> = node
        .feeds
        .iter()
        .zip(&node.class.spec.inputs)
        .enumerate()
        .map(|(input, (feed, spec))| match feed {
            Feed::Nothing => Value::none(),
            Feed::Value(value) => Value::from_json(value),
            Feed::Link(socket) if spec.list => Value::list(items(take(input, 0, *socket))),
            Feed::Link(socket) => take(input, 0, *socket),
            Feed::Links(sockets) => {
                let mut values = Vec::with_capacity(sockets.len());
                for (link, socket) in sockets.iter().enumerate() {
                    let value = take(input, link, *socket);
                    // Another input counts these links, so each is one value.
                    if spec.chosen_by.is_some() { values.push(value) } else { values.extend(items(value)) }
                }
                Value::list(values)
            }
        })
        .collect();
    let specs = node.feeds.iter().zip(&node.class.spec.inputs);
    specs.zip(values).map(|((feed, spec), value)| linked(feed, spec, value, rules, reads)).collect()
}

/// The values of a list, or the value itself.
fn items(value: Value) -> Vec<Value> {
    value.as_list().unwrap_or_else(|| vec![value])
}

/// Makes whole numbers floats where the input takes only floats, and paths from other nodes absolute.
fn linked(feed: &Feed, spec: &InputSpec, value: Value, rules: &PathRules, reads: &Reads) -> Result<Value, Error> {
    if feed.sockets().is_empty() {
        return Ok(value);
    }
    if let Some(values) = value.as_list().filter(|_| spec.list) {
        let values: Result<Vec<Value>, Error> =
            values.into_iter().map(|value| one(spec, value, rules, reads)).collect();
        return values.map(Value::list);
    }
    one(spec, value, rules, reads)
}

fn one(spec: &InputSpec, value: Value, rules: &PathRules, reads: &Reads) -> Result<Value, Error> {
    match (value.kind(), spec.path) {
        (Kind::Int | Kind::Uint, _) if spec.socket == scalar::FLOAT => Ok(value.as_float().map_or(value, Value::float)),
        (Kind::Text, Some(kind)) => {
            let text = value.as_text().unwrap_or_default();
            // The location in the source is for errors of packs.
            let refused = |why: String| Error { location: String::new(), ..Error::input(&spec.name, why) };
            let resolved = rules.resolve(spec, kind, text, &Base::Value);
            let text = match &resolved.map_err(|problem| refused(problem.to_string()))? {
                Resolved::BuiltIn(name) => return Ok(Value::text(name)),
                Resolved::Read(path) => path.to_str().map(Value::text),
                Resolved::Write(file) if file.clashes(reads.identities()) => {
                    let path = shown(&file.path);
                    return Err(refused(format!("expected a new file, got a file that this run reads: {path}")));
                }
                Resolved::Write(file) => file.text().map(Value::text),
            };
            text.ok_or_else(|| refused("expected a path in Unicode; rename the folder".to_owned()))
        }
        _ => Ok(value),
    }
}
