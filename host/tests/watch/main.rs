//! `splatgraph watch`, through the real binary, and listening for changes, through the library.

mod files;
mod graphs;
mod packs;
#[cfg(unix)]
mod signals;
#[path = "../support/mod.rs"]
mod support;

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value as Json, json};
use support::Place;

/// A watch in progress; its rounds are read as they are printed.
struct Watching {
    child: Child,
    rounds: Receiver<Json>,
}

impl Watching {
    /// Watches `graph.json`.
    fn start(place: &Place, more: &[&str]) -> Self {
        let mut command = place.command(&["watch", "graph.json", "--json"]);
        let log = std::fs::File::create(place.path("log")).unwrap();
        let mut child = command.args(more).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, rounds) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let round = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
                if sender.send(round).is_err() {
                    break;
                }
            }
        });
        Self { child, rounds }
    }

    /// The next round.
    fn next(&self) -> Json {
        self.rounds.recv_timeout(Duration::from_secs(20)).expect("a round")
    }

    /// The next round, which has to succeed.
    fn done(&self) -> Json {
        let round = self.next();
        assert_eq!(round["status"], "done", "{round:#}");
        round
    }

    /// Checks that nothing runs for a while.
    fn stays_quiet(&self) {
        if let Ok(round) = self.rounds.recv_timeout(Duration::from_millis(700)) {
            panic!("expected no round, got {round:#}");
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
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

/// The ids of the nodes that ran.
fn ran(round: &Json) -> Vec<&str> {
    let nodes = round["nodes"].as_array().unwrap().iter();
    nodes.filter(|node| node["status"] == "done").map(|node| node["id"].as_str().unwrap()).collect()
}
