//! The command line, through the real binary.

mod bench;
mod bundle;
#[cfg(unix)]
mod cancel;
mod check;
mod compare;
#[cfg(unix)]
mod completions;
mod convert;
mod debug;
mod devices;
mod files;
mod foreign;
mod forged;
mod formats;
mod graphs;
mod help;
mod hints;
mod inspect;
mod large;
mod lock;
mod new_pack;
mod nodes;
#[cfg(unix)]
mod odd_paths;
mod output;
mod packs;
mod parts;
mod previews;
mod repeat;
mod run;
#[path = "../support/mod.rs"]
mod support;
mod swap;
#[cfg(unix)]
mod terminal;
mod until;
mod workflow;

use serde_json::{Value as Json, json};
use support::Place;

/// A graph with inputs, outputs and an output node.
const GRAPH: &str = r#"{
  "version": 1,
  "title": "Add and save",
  "description": "A graph for tests.",
  "inputs": { "start": "first.value", "output": "save.path" },
  "outputs": { "sum": ["add", "sum"] },
  "nodes": {
    "first": { "class_type": "stub.Constant", "inputs": { "value": 3 } },
    "add": { "class_type": "stub.Add", "inputs": { "a": ["first", "value"], "b": 4 } },
    "save": { "class_type": "stub.WriteText", "inputs": { "text": ["add", "sum"], "path": "sum.txt" } }
  }
}
"#;

/// A graph as it is written, with the version of its pack.
fn with_packs(mut graph: Json) -> Json {
    graph["version"] = 2.into();
    graph["packs"] = json!({"stub": "0.1.0"});
    graph
}

/// The text about a picture without its lock, which has the sum of the library of the pack.
fn without_lock(text: &str) -> String {
    let lines = text.lines().map(|line| if line.trim_start().starts_with("lock: {") { "  lock: [LOCK]" } else { line });
    lines.map(|line| format!("{line}\n")).collect()
}

/// A node of the pack `stub`.
fn node(class: &str, inputs: Json) -> Json {
    json!({"class_type": format!("stub.{class}"), "inputs": inputs})
}

/// Writes a graph of these nodes and outputs.
fn graph(place: &Place, nodes: &Json, outputs: &Json) {
    place.write("graph.json", &json!({"version": 1, "outputs": outputs, "nodes": nodes}).to_string());
}
