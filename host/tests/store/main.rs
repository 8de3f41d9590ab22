//! The store of results, through the real binary.

mod batches;
#[cfg(unix)]
mod killed;
#[path = "../random/mod.rs"]
#[cfg(unix)]
mod random;
mod runs;
#[path = "../support/mod.rs"]
mod support;
mod why;

use serde_json::{Value as Json, json};
use std::fs;
use std::path::PathBuf;
use support::Place;

/// A node of the pack `stub`.
fn node(class: &str, inputs: Json) -> Json {
    json!({"class_type": format!("stub.{class}"), "inputs": inputs})
}

/// A graph that counts the letters of a file and saves the file. The node `letters` writes a line into `tally.txt` when it runs.
fn counting() -> Place {
    let place = Place::with_stub();
    let graph = json!({
        "inputs": { "file": "read.path", "extra": "sum.b", "output": "save.path" },
        "outputs": { "letters": ["letters", "letters"], "sum": ["sum", "sum"] },
        "nodes": {
            "read": node("ReadText", json!({"path": "in.txt"})),
            "letters": node("Letters", json!({"text": ["read", "text"], "tally": place.path("work/tally.txt")})),
            "sum": node("Add", json!({"a": ["letters", "letters"], "b": 1})),
            "save": node("WriteText", json!({"text": ["read", "text"], "path": "{stem}-copy.txt"})),
        },
    });
    place.write("count.json", &graph.to_string());
    place.write("in.txt", "abc");
    place
}

/// How often the node `letters` ran.
fn tally(place: &Place) -> usize {
    fs::read_to_string(place.path("work/tally.txt")).map_or(0, |text| text.lines().count())
}

/// The entries of a class in the store `store`.
fn entries(place: &Place, class: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(place.path("work/store/results-1").join(class)).into_iter().flatten();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_none()).collect()
}
