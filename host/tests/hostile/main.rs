//! Packs that crash, end the process, never answer or are damaged, through the real binary.

#![cfg(target_os = "linux")]

mod damaged;
mod deaths;
mod look_over;
mod memory;
mod state;
#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::path::PathBuf;

use serde_json::json;
use support::{Place, Ran, example_pack};

/// A graph that uses only the pack `stub`.
const GRAPH: &str = r#"{"outputs": {"sum": ["add", "sum"]}, "nodes": {
    "add": {"class_type": "stub.Add", "inputs": {"a": 1, "b": 2}}}}"#;

/// The library of the hostile pack with another id and mode.
fn hostile(number: usize, mode: &str) -> Vec<u8> {
    let mut bytes = fs::read(example_pack("hostile_pack")).unwrap();
    let id = format!("hostile_{number:02}");
    let mode = format!("mode:{mode:.<19}");
    for (old, new) in [("hostile_00", id.as_str()), ("mode:honest.............", mode.as_str())] {
        assert_eq!(old.len(), new.len(), "{new}");
        let found: Vec<usize> =
            (0..bytes.len() - old.len()).filter(|&at| bytes[at..].starts_with(old.as_bytes())).collect();
        assert!(!found.is_empty(), "the library has the text {old}");
        for at in found {
            bytes[at..at + new.len()].copy_from_slice(new.as_bytes());
        }
    }
    bytes
}

/// Adds the hostile pack with another id and mode.
fn add(place: &Place, number: usize, mode: &str) -> PathBuf {
    let path = place.path("packs").join(format!("libhostile_{number:02}.so"));
    fs::write(&path, hostile(number, mode)).unwrap();
    path
}

/// Writes a graph with the node `bad` of the pack `hostile_00`, and the result `value`.
fn write_graph(place: &Place, class: &str, inputs: serde_json::Value) {
    let node = json!({"class_type": format!("hostile_00.{class}"), "inputs": inputs});
    place.write("bad.json", &json!({"outputs": {"value": ["bad", 0]}, "nodes": {"bad": node}}).to_string());
}

/// Runs a graph whose node `bad` does a deed.
fn act(place: &Place, deed: &str, options: &[&str]) -> Ran {
    write_graph(place, "ActNow", json!({"deed": deed}));
    place.run(&[&["run", "bad.json"], options].concat())
}
