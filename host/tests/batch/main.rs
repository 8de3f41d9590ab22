//! `splatgraph batch`, through the real binary.

mod bad;
mod collect;
#[cfg(unix)]
mod gone;
mod once;
mod parts;
#[cfg(unix)]
mod restart;
mod scale;
mod shards;
#[path = "../support/mod.rs"]
mod support;
mod table;
mod values;

use serde_json::{Value as Json, json};
use std::fs;
use support::Place;

/// A node of the pack `stub`.
fn node(class: &str, inputs: Json) -> Json {
    json!({"class_type": format!("stub.{class}"), "inputs": inputs})
}

/// A folder with a graph that copies a text file and counts its letters.
fn copying() -> Place {
    let place = Place::with_stub();
    let graph = json!({
        "version": 1,
        "inputs": { "file": "read.path", "extra": "sum.b", "output": "save.path" },
        "outputs": { "letters": ["letters", "letters"], "sum": ["sum", "sum"] },
        "nodes": {
            "read": node("ReadText", json!({"path": "none.txt"})),
            "letters": node("Letters", json!({"text": ["read", "text"]})),
            "sum": node("Add", json!({"a": ["letters", "letters"], "b": 0})),
            "save": node("WriteText", json!({"text": ["read", "text"], "path": "{stem}.txt"})),
        },
    });
    place.write("copy.json", &graph.to_string());
    place
}

/// Text files `in/NAME.txt` that contain their own names.
fn texts(place: &Place, names: &[&str]) {
    for name in names {
        place.write(&format!("in/{name}.txt"), name);
    }
}

/// The lines of a journal about items that ended.
fn journal(place: &Place, path: &str) -> Vec<Json> {
    let lines = place.read(path);
    let lines = lines.lines().skip(1).map(|line| serde_json::from_str::<Json>(line).unwrap());
    lines.filter(|line| line.get("status").is_some() || line.get("shard").is_some()).collect()
}

/// The names of the files in a folder, sorted.
fn files(place: &Place, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(place.path("work").join(folder)).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
