//! `splatgraph watch`, through the real binary, and listening for changes, through the library.

mod files;
mod graphs;
mod packs;
#[cfg(unix)]
mod signals;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/watching.rs"]
mod watching;

use std::time::Duration;

use serde_json::{Value as Json, json};
use support::Place;
use watching::{Watching, ran};

impl Watching {
    /// Watches `graph.json`.
    fn start(place: &Place, more: &[&str]) -> Self {
        Self::of(place.command(&["watch", "graph.json", "--json"]).args(more), &place.path("log"))
    }

    /// Checks that nothing runs for a while.
    fn stays_quiet(&self) {
        if let Ok(round) = self.rounds.recv_timeout(Duration::from_millis(700)) {
            panic!("expected no round, got {round:#}");
        }
    }
}

/// A node of the pack `stub`.
fn node(class: &str, inputs: Json) -> Json {
    json!({"class_type": format!("stub.{class}"), "inputs": inputs})
}

/// Writes a graph of these nodes, with the result `result`.
fn write_graph(place: &Place, nodes: Json, result: Json) {
    place.write("graph.json", &json!({"version": 1, "outputs": {"result": result}, "nodes": nodes}).to_string());
}
