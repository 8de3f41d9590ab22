//! Measures the time of `splatgraph nodes` with all packs that are built beside it. Prints a line of JSON, with times in ms.
//!
//! `cargo build --release --workspace && cargo bench -p splatgraph --bench startup`

use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::{Value as Json, json};

const RUNS: usize = 31;

fn splatgraph(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_splatgraph"));
    command.args(arguments).env_remove("SPLATGRAPH_PACKS");
    command
}

fn main() {
    let packs = splatgraph(&["packs", "--json"]).output().expect("splatgraph runs").stdout;
    let packs: Json = serde_json::from_slice(&packs).expect("--json prints JSON");
    let packs: Vec<&str> =
        packs["loaded"].as_array().into_iter().flatten().filter_map(|pack| pack["id"].as_str()).collect();
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            let status = splatgraph(&["nodes"]).stdout(Stdio::null()).status().expect("splatgraph runs");
            assert!(status.success(), "no packs are built beside splatgraph");
            start.elapsed().as_secs_f64() * 1000.0
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!(
        "{}",
        json!({"case": "nodes", "packs": packs, "median_ms": times[RUNS / 2], "longest_ms": times[RUNS - 1]})
    );
}
