//! Packs in processes of their own, through the real binary.

#![cfg(target_os = "linux")]

mod deaths;
mod misbehaviour;
mod protocol;
mod python;
#[path = "../support/mod.rs"]
mod support;
mod twins;
mod values;

use serde_json::{Value as Json, json};
use std::fs;
use support::{Place, Ran, example_pack};

/// A place with the packs `stub` and `hostile_00`.
fn place() -> Place {
    let place = Place::with_stub();
    fs::copy(example_pack("hostile_pack"), place.path("packs").join("libhostile_00.so")).unwrap();
    place
}

/// A node of a graph.
fn node(class: &str, inputs: Json) -> Json {
    json!({"class_type": class, "inputs": inputs})
}

/// The outputs and nodes of a graph with a deed, a branch of the same pack that begins after it, and a branch of another pack.
fn with_deed(deed: &str) -> (Json, Json) {
    let nodes = json!({
        "bad": node("hostile_00.ActNow", json!({"deed": deed})),
        "add": node("stub.Add", json!({"a": 40, "b": 2})),
        "own": node("hostile_00.TakeOut", json!({"kept": ["keep", 0], "ms": 50})),
        "keep": node("hostile_00.Keep", json!({"number": 7})),
    });
    let outputs = json!({"bad": ["bad", 0], "sum": ["add", 0], "own": ["own", 0]});
    (outputs, nodes)
}

/// Writes a graph and runs it with its packs contained.
fn run(place: &Place, outputs: Json, nodes: Json, options: &[&str]) -> Ran {
    place.write("graph.json", &json!({"outputs": outputs, "nodes": nodes}).to_string());
    place.run(&[&["run", "graph.json", "--contain", "all"], options].concat())
}
