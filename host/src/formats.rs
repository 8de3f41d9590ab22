//! Reads and writes records in files of any kind: .safetensors, which the host knows, and kinds for which a pack has a node.
//!
//! A node that reads such files declares `#[input(path = read, extensions = ["abc"])]`, and its first output is the value. A
//! node that writes them declares `path = write`, and its only other input without a default takes the value.

use std::{collections::HashSet, path::Path};

use splatgraph_sdk::{
    DType, Error, Record, Value,
    host::{HostContext, LogLevel, context},
    spec::{InputSpec, NodeSpec, PathKind, socket_types_meet},
};

use crate::calls;
use crate::registry::{Class, Registry};

/// The extension that the host knows itself.
const OWN: &str = "safetensors";

/// Reads a record with the node for the extension of the file; `None` if no pack has such a node.
///
/// # Errors
/// The node failed, or its output is not a record.
#[must_use]
pub fn read(path: &Path, registry: &Registry) -> Option<Result<Record, Error>> {
    let (class, at) = node_for(path, registry, PathKind::Read)?;
    Some(run(&class, path, at, None).and_then(|outputs| {
        let value = outputs
            .first()
            .ok_or_else(|| Error::new(format!("expected an output of {}, got none", class.full_name)))?;
        Record::from_value(value)
    }))
}

/// Reads a record from a file of any known kind.
///
/// # Errors
/// No pack knows the extension, or the file can't be read.
pub fn load(path: &Path, registry: &Registry) -> Result<Record, Error> {
    if ending(path).as_deref() == Some(OWN) {
        return Record::load(path);
    }
    read(path, registry).unwrap_or_else(|| Err(unknown(path, registry, PathKind::Read)))
}

/// Writes a record to a file, as a whole. The extension decides the kind of the file.
///
/// # Errors
/// No pack knows the extension, its node takes another type, or the file can't be written.
pub fn save(record: Record, path: &Path, registry: &Registry) -> Result<(), Error> {
    if ending(path).as_deref() == Some(OWN) {
        return record.save(path, DType::F32);
    }
    let Some((class, at)) = node_for(path, registry, PathKind::Write) else {
        return Err(unknown(path, registry, PathKind::Write));
    };
    let value = others(&class.spec, at).find(|(_, input)| input.required());
    let Some((value_at, _)) = value.filter(|(_, input)| socket_types_meet(&record.type_name, &input.socket)) else {
        let takes = value.map_or("nothing", |(_, input)| input.socket.as_str());
        let got = if record.type_name.is_empty() { "the weights of a model" } else { &record.type_name };
        return Err(Error::new(format!("expected {takes}, which {} writes, got {got}", class.full_name)));
    };
    run(&class, path, at, Some((value_at, record.into_value()))).map(|_| ())
}

/// The node that reads or writes files with this extension, and the position of the input for the path. If several packs
/// have one, the first pack is used.
fn node_for(path: &Path, registry: &Registry, kind: PathKind) -> Option<(Class, usize)> {
    let ending = ending(path)?;
    let classes = registry.class_names().iter().filter_map(|name| registry.class(name));
    classes.into_iter().find_map(|class| {
        let at = class
            .spec
            .inputs
            .iter()
            .position(|input| input.path == Some(kind) && input.extensions.contains(&ending))?;
        converts(&class.spec, at, kind).then_some((class, at))
    })
}

/// Whether a node needs nothing but the path, and the value if it writes.
fn converts(spec: &NodeSpec, at: usize, kind: PathKind) -> bool {
    let required = others(spec, at).filter(|(_, input)| input.required()).count();
    required == usize::from(kind == PathKind::Write)
}

/// All inputs except one.
fn others(spec: &NodeSpec, but: usize) -> impl Iterator<Item = (usize, &InputSpec)> {
    spec.inputs.iter().enumerate().filter(move |(at, _)| *at != but)
}

fn run(class: &Class, path: &Path, at: usize, value: Option<(usize, Value)>) -> Result<Vec<Value>, Error> {
    let mut inputs = vec![Value::none(); class.spec.inputs.len()];
    let absolute = std::path::absolute(path)?;
    let text =
        absolute.to_str().ok_or_else(|| Error::new("expected a path in UTF-8; rename the file or its folder"))?;
    inputs[at] = Value::from_json(&text.into());
    if let Some((at, value)) = value {
        inputs[at] = value;
    }
    let _call = calls::enter(format_args!("the node {}", class.full_name));
    class.pack.nodes.create(&class.spec.name)?.run(&context(Nobody), &inputs)
}

/// The extension in lower case, without the dot.
fn ending(path: &Path) -> Option<String> {
    path.extension()?.to_str().map(str::to_lowercase)
}

fn unknown(path: &Path, registry: &Registry, kind: PathKind) -> Error {
    let classes = registry.class_names().iter().filter_map(|name| registry.class(name));
    let mut known = vec![format!(".{OWN}")];
    for class in classes {
        let inputs = class
            .spec
            .inputs
            .iter()
            .enumerate()
            .filter(|(at, input)| input.path == Some(kind) && converts(&class.spec, *at, kind));
        known.extend(inputs.flat_map(|(_, input)| &input.extensions).map(|ending| format!(".{ending}")));
    }
    let mut seen = HashSet::new();
    known.retain(|ending| seen.insert(ending.clone()));
    let done = if kind == PathKind::Write { "written" } else { "read" };
    Error::new(format!(
        "expected a file with one of the extensions that are {done} with the loaded packs: {}",
        known.join(", ")
    ))
    .about_file("converting", path)
}

/// The context of a node that runs outside a graph. It shows nothing.
struct Nobody;

impl HostContext for Nobody {
    fn progress(&self, _: u64, _: u64, _: &str) {}
    fn preview(&self, _: Value) {}
    fn cancelled(&self) -> bool {
        false
    }
    fn settings(&self) -> String {
        "{}".to_owned()
    }
    fn log(&self, _: LogLevel, _: &str) {}
}
