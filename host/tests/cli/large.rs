//! Large graphs: their time grows with the number of nodes, not with its square.

use std::time::{Duration, Instant};

use serde_json::{Map, Value as Json, json};

use crate::node;
use crate::support::Place;

/// The least time of three runs.
fn time_of(place: &Place, graph: &Json) -> Duration {
    place.write("large.json", &graph.to_string());
    let run = |_| {
        let start = Instant::now();
        let ran = place.run(&["run", "large.json", "--json"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        start.elapsed()
    };
    (0..3).map(run).min().unwrap()
}

/// Compares a graph with one that is 8 times as large. Work that grows with the square of the graph takes 64 times as long, in every
/// try; a machine that does something else slows one try.
fn grows_with_its_nodes(graph: impl Fn(usize) -> Json) {
    const NODES: usize = 1500;
    let place = Place::with_stub();
    let mut tries = Vec::new();
    for _ in 0..4 {
        let start = time_of(&place, &graph(1));
        let small = time_of(&place, &graph(NODES)).saturating_sub(start).max(Duration::from_millis(5));
        let large = time_of(&place, &graph(8 * NODES)).saturating_sub(start);
        if large < small * 24 {
            return;
        }
        tries.push(format!("{large:?} instead of {small:?}, besides {start:?}"));
    }
    panic!("{}", tries.join("; "));
}

#[test]
fn a_long_chain() {
    grows_with_its_nodes(|count| {
        let first = ("n0".to_owned(), node("Constant", json!({"value": 0})));
        let next = |n: usize| (format!("n{n}"), node("Add", json!({"a": [format!("n{}", n - 1), 0], "b": 1})));
        let nodes: Map<String, Json> = std::iter::once(first).chain((1..count + 1).map(next)).collect();
        json!({"outputs": {"sum": [format!("n{count}"), "sum"]}, "nodes": nodes})
    });
}

#[test]
fn one_output_for_many_nodes() {
    grows_with_its_nodes(|count| {
        let mut nodes = Map::new();
        nodes.insert("source".into(), node("Constant", json!({"value": 0})));
        let all: Vec<String> = (0..count).map(|n| format!("n{n}")).collect();
        nodes.extend(all.iter().map(|id| (id.clone(), node("Add", json!({"a": ["source", 0], "b": 1})))));
        let outputs: Map<String, Json> = all.iter().map(|id| (id.clone(), json!([id, "sum"]))).collect();
        json!({"outputs": outputs, "nodes": nodes})
    });
}

/// A file carries its whole graph, but nodes that write none do not get its text.
#[test]
fn many_nodes_that_read_settings_beside_one_that_writes_a_file() {
    grows_with_its_nodes(|count| {
        let mut nodes = Map::new();
        nodes.insert("text".into(), node("WriteText", json!({"text": "x", "path": "x.txt"})));
        let all: Vec<String> = (0..count).map(|n| format!("n{n}")).collect();
        nodes.extend(all.iter().map(|id| (id.clone(), node("Settings", json!({})))));
        let outputs: Map<String, Json> = all.iter().map(|id| (id.clone(), json!([id, 0]))).collect();
        json!({"outputs": outputs, "nodes": nodes})
    });
}

#[test]
fn many_files() {
    grows_with_its_nodes(|count| {
        let write = |n: usize| (format!("n{n}"), node("WriteText", json!({"text": "x", "path": format!("{n}.txt")})));
        let nodes: Map<String, Json> = (0..count).map(write).collect();
        json!({"nodes": nodes})
    });
}
