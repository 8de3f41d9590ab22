//! The manifest of a pack: plain data that goes to the host as JSON.
//!
//! Readers ignore unknown keys, and every key except the names has a default. Therefore old and new packs and hosts understand
//! each other.

use crate::changes::Change;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// A pack and its nodes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The pack's id, the part of a class before the dot: `std` in `std.LoadImage`.
    pub id: String,
    /// The pack crate's version.
    #[serde(default)]
    pub version: String,
    /// The SDK version that it was built with.
    #[serde(default)]
    pub sdk: String,
    /// One line about the pack.
    #[serde(default)]
    pub description: String,
    /// An SPDX expression.
    #[serde(default)]
    pub license: String,
    /// The nodes, in the order of `export_pack!`.
    #[serde(default)]
    pub nodes: Vec<NodeSpec>,
    /// Names of nodes that this build of the pack can't run, with the reason and what to do.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub absent: BTreeMap<String, String>,
    /// The files that the pack has for browsers, such as scripts that edit an input of a node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub web: Vec<WebFile>,
    /// Node classes of ComfyUI for which nodes of the pack stand in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaces: Vec<Replacement>,
    /// What changed since earlier versions of the pack.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
}

/// A node class of ComfyUI, and the node of the pack that stands in for it. Graphs with the class run with the node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Replacement {
    /// The class in ComfyUI.
    pub class: String,
    /// The name of the node inside the pack.
    pub node: String,
    /// The inputs of the class that have a field in the front end, in their order.
    #[serde(default)]
    pub fields: Vec<String>,
    /// For inputs of the node, the inputs of the class whose values they take. An item of a list is written `images.image0`.
    #[serde(default)]
    pub inputs: BTreeMap<String, String>,
    /// For inputs of the node, the texts of the class that have another word.
    #[serde(default)]
    pub words: BTreeMap<String, BTreeMap<String, String>>,
    /// Values of inputs of the node.
    #[serde(default)]
    pub values: BTreeMap<String, Json>,
    /// For each output of the class, the position of the node's output.
    #[serde(default)]
    pub outputs: Vec<usize>,
}

/// A file that a pack has for browsers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebFile {
    /// The path in the folder that `export_pack!` names, with `/` between its parts: `editor.js`.
    pub name: String,
    /// The number of bytes.
    #[serde(default)]
    pub size: u64,
}

/// A device that nodes can compute on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceSpec {
    /// The value of `--device`, such as `cpu`, `gpu:0` or `cuda:0`. Nodes read it from the [setting](crate::settings) `device`.
    pub id: String,
    /// The name for the user, such as `NVIDIA H100`.
    #[serde(default)]
    pub name: String,
    /// Bytes of its memory, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Why the device can't be used, and what to do about it; `None` if it can be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unavailable: Option<String>,
    /// Why only the user may choose the device; `None` if the host may choose it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_request: Option<String>,
    /// What else the pack tells about the device, by name, such as the matrices that a graphics card multiplies. `splatgraph devices --json`
    /// prints it, and the host does not read it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, Json>,
}

/// A node class.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NodeSpec {
    /// The class name inside its pack: `LoadImage`.
    pub name: String,
    /// The version of the results. Raise it if the same inputs give another result, so that the host does not use old cached results.
    #[serde(default = "one")]
    pub version: u32,
    /// A menu path: `Image/Transform`.
    #[serde(default)]
    pub category: String,
    /// The documentation; its first paragraph is a summary.
    #[serde(default)]
    pub help: String,
    /// Whether the node has an effect outside the graph, such as writing a file. Such a node always runs.
    #[serde(default)]
    pub output: bool,
    /// Whether the node saves its work when the run is cancelled. The host waits for such a node, and abandons others after a second.
    #[serde(default, skip_serializing_if = "is_false")]
    pub saves: bool,
    /// The sockets that take values, in the order of `run`'s inputs.
    #[serde(default)]
    pub inputs: Vec<InputSpec>,
    /// The sockets that give values.
    #[serde(default)]
    pub outputs: Vec<OutputSpec>,
}

fn one() -> u32 {
    1
}

/// One input of a node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct InputSpec {
    /// The key in a graph file.
    pub name: String,
    /// A type, a union `A,B`, or `*`. See [`socket_types_meet`].
    #[serde(rename = "type")]
    pub socket: String,
    /// Whether the input takes a list of values: a literal list or several links.
    #[serde(default, skip_serializing_if = "is_false")]
    pub list: bool,
    /// Whether a graph may leave the input out although it has no default.
    #[serde(default, skip_serializing_if = "is_false")]
    pub optional: bool,
    /// The value if a graph leaves the input out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Json>,
    /// The smallest number allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Json>,
    /// The largest number allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Json>,
    /// The allowed texts; empty if every text is allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<ChoiceSpec>,
    /// The kind of path, if the input is a path. The host makes such paths absolute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathKind>,
    /// For `path: write`: whether the path is the text of a [`NumberedPath`](crate::NumberedPath), in which `{b}` stands for the
    /// position in a batch.
    #[serde(default, skip_serializing_if = "is_false")]
    pub numbered: bool,
    /// For `path: model`: names of models inside the pack. The host passes them on unchanged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub builtin: Vec<String>,
    /// For paths of files: the extensions of files that the node reads or writes, without a dot. `inspect` and `convert` use them to
    /// find the node for a file. A graph may give a file with any name, unless `extensions_only` is set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extensions: Vec<String>,
    /// For `path: write`: whether the node can write no other extensions than `extensions`. The host then refuses others before
    /// anything runs.
    #[serde(default, skip_serializing_if = "is_false")]
    pub extensions_only: bool,
    /// The input from which this one counts: a node with `seed` 3 and `count` 4 uses the seeds 3, 4, 5 and 6. A batch warns about
    /// items that use the same ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts_from: Option<String>,
    /// The input that chooses this one. The host computes what feeds this input only if it is chosen; otherwise the node gets no value.
    /// An input with `chosen_when` is chosen if the other has this value. The links of a list without it are chosen by their
    /// position: the other input is a whole number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen_by: Option<String>,
    /// See `chosen_by`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen_when: Option<Json>,
    /// The documentation.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub help: String,
}

impl InputSpec {
    /// Whether a graph has to give this input.
    #[must_use]
    pub fn required(&self) -> bool {
        !self.optional && self.default.is_none()
    }
}

/// One text that an input accepts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChoiceSpec {
    /// The text in a graph file.
    pub name: String,
    /// The documentation.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub help: String,
}

/// The purpose of a path input. It decides how the host makes the path absolute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PathKind {
    /// A file to read, relative to the graph file.
    Read,
    /// A folder to read, relative to the graph file.
    ReadDir,
    /// A file to write, relative to the current directory or `--out`.
    Write,
    /// A model: a built-in name, or a file, which the host also looks for in the model folders.
    Model,
}

/// One output of a node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OutputSpec {
    /// The second half of a link.
    pub name: String,
    /// A type, or `*` if the type depends on the run.
    #[serde(rename = "type")]
    pub socket: String,
    /// Whether the output gives a list of values.
    #[serde(default, skip_serializing_if = "is_false")]
    pub list: bool,
    /// The documentation.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub help: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_false(value: &bool) -> bool {
    !value
}

/// The names of the scalar types.
pub mod scalar {
    /// Whole numbers, -2^63 to 2^64-1.
    pub const INT: &str = "INT";
    /// 64-bit floating point numbers; accepts INT.
    pub const FLOAT: &str = "FLOAT";
    /// true or false.
    pub const BOOLEAN: &str = "BOOLEAN";
    /// Text.
    pub const STRING: &str = "STRING";
    /// Any JSON value.
    pub const JSON: &str = "JSON";
    /// Anything.
    pub const ANY: &str = "*";
}

/// Whether an output of type `from` can feed an input of type `to`. Both may be unions (`A,B`) or `*`.
/// The only conversion is from INT to FLOAT.
#[must_use]
pub fn socket_types_meet(from: &str, to: &str) -> bool {
    from.split(',').any(|f| {
        to.split(',')
            .any(|t| f == t || f == scalar::ANY || t == scalar::ANY || (f == scalar::INT && t == scalar::FLOAT))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_meet_as_unions_and_ints_become_floats() {
        assert!(socket_types_meet("TOKENS", "TOKENS,LAYOUT"));
        assert!(socket_types_meet("*", "IMAGE"));
        assert!(socket_types_meet("INT", "FLOAT"));
        assert!(!socket_types_meet("FLOAT", "INT"));
        assert!(!socket_types_meet("IMAGE", "TOKENS,LAYOUT"));
    }

    #[test]
    fn unknown_keys_and_missing_ones_are_fine() {
        let manifest: Manifest = serde_json::from_str(
            r#"{"id":"a","colour":1,"nodes":[{"name":"N","inputs":[{"name":"x","type":"INT","new":2}]}]}"#,
        )
        .unwrap();
        assert_eq!(manifest.nodes[0].version, 1);
        assert!(manifest.nodes[0].inputs[0].required());
    }
}
