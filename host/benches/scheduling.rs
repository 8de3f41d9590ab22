//! Measures the time that the host adds to nodes that do nothing. Prints a line of JSON for each case, with the median of
//! several runs in ms.
//!
//! `cargo bench -p splatgraph --bench scheduling`

use serde_json::json;
use splatgraph::{
    graph::{File, Given, Origin, check},
    registry::{Instance, NodeSource, Pack, Registry},
    run::{CancelToken, Options, RunResult, Runner, Settings},
};
use splatgraph_sdk::{Ctx, Error, Value};
use std::{path::PathBuf, sync::Arc, time::Instant};

const NODES: usize = 1000;
const RUNS: usize = 21;

/// A node that returns its inputs.
struct Same;

impl NodeSource for Same {
    fn create(&self, _: &str) -> Result<Box<dyn Instance>, Error> {
        Ok(Box::new(Self))
    }
}

impl Instance for Same {
    fn run(&self, _: &Ctx, inputs: &[Value]) -> Result<Vec<Value>, Error> {
        Ok(inputs.to_vec())
    }
}

fn registry() -> Registry {
    let socket = json!([{ "name": "x", "type": "INT", "default": 0 }]);
    let manifest = json!({ "id": "bench", "nodes": [{ "name": "Same", "inputs": socket, "outputs": socket }] });
    let manifest = serde_json::from_value(manifest).expect("a manifest");
    Registry::new(vec![Pack { manifest, path: PathBuf::new(), nodes: Arc::new(Same) }])
}

/// Each node takes the output of the node before.
fn chain() -> String {
    let node = |n: usize| match n {
        0 => json!({ "class_type": "bench.Same", "inputs": { "x": 1 } }),
        _ => json!({ "class_type": "bench.Same", "inputs": { "x": [format!("n{}", n - 1), 0] } }),
    };
    let nodes: serde_json::Map<_, _> = (0..NODES).map(|n| (format!("n{n}"), node(n))).collect();
    json!({ "outputs": { "last": [format!("n{}", NODES - 1), 0] }, "nodes": nodes }).to_string()
}

/// No node takes from another, and all have results.
fn independent() -> String {
    let node = |n: usize| json!({ "class_type": "bench.Same", "inputs": { "x": n } });
    let nodes: serde_json::Map<_, _> = (0..NODES).map(|n| (format!("n{n}"), node(n))).collect();
    let outputs: serde_json::Map<_, _> = (0..NODES).map(|n| (format!("o{n}"), json!([format!("n{n}"), 0]))).collect();
    json!({ "outputs": outputs, "nodes": nodes }).to_string()
}

fn median(mut run: impl FnMut() -> f64) -> f64 {
    let mut times: Vec<f64> = (0..RUNS).map(|_| run()).collect();
    times.sort_by(f64::total_cmp);
    times[RUNS / 2]
}

fn time<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let start = Instant::now();
    let result = work();
    (start.elapsed().as_secs_f64() * 1e3, result)
}

fn main() {
    let registry = registry();
    let given = Given { cwd: std::env::temp_dir(), ..Given::default() };
    let print = |case: &str, ms: f64, limit: f64| {
        println!("{}", json!({ "case": case, "nodes": NODES, "ms": (ms * 1e3).round() / 1e3, "limit_ms": limit }));
    };
    let new_runner = |cache_bytes| Runner::new(Options { threads: None, cache_bytes, store: None }).expect("a runner");
    for (case, text, limit) in [("chain", chain(), 50.0), ("independent", independent(), 100.0)] {
        let read = || check(File::parse(&text, Origin::Text).expect("JSON"), &registry, &given).expect("no problems");
        print(&format!("{case}: read and checked"), median(|| time(read).0), limit);
        let checked = read();
        let run = |runner: &Runner| {
            let (ms, result): (f64, RunResult) =
                time(|| runner.run(&checked, &Settings::new(), |_| {}, &CancelToken::new()));
            assert!(result.failures.is_empty() && !result.outputs.is_empty());
            ms
        };
        // A new runner each time, so that instances are made too.
        print(&format!("{case}: first run"), median(|| run(&new_runner(0))), limit);
        print(&format!("{case}: first run, results kept"), median(|| run(&new_runner(1 << 30))), limit);
        let runner = new_runner(1 << 30);
        run(&runner);
        print(&format!("{case}: second run, cached"), median(|| run(&runner)), 10.0);
    }
}
