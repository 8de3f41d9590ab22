//! `splatgraph bench`.

use std::fs;

use serde_json::{Value as Json, json};

use crate::support::Place;
use crate::{graph, node};

/// A graph that waits and writes a file.
fn waiting() -> Place {
    let place = Place::with_stub();
    let nodes = json!({
        "wait": node("Sleep", json!({"ms": 20})),
        "save": node("WriteText", json!({"text": ["wait", "ms"], "path": "ms.txt"})),
        "unused": node("Constant", json!({})),
    });
    graph(&place, &nodes, &json!({}));
    place
}

#[test]
fn every_run_of_every_node_is_measured_and_nothing_is_left_behind() {
    let place = waiting();
    let temporary = place.path("tmp");
    fs::create_dir(&temporary).unwrap();
    let arguments = ["bench", "graph.json", "--repeat", "3", "--json"];
    let ran = place.command(&arguments).env("TMPDIR", &temporary).output().unwrap();
    let measured: Json = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(measured["nodes"].as_array().unwrap().len(), 2, "what is not needed is not listed");
    for times in [&measured["whole"], &measured["nodes"][0]] {
        let all: Vec<f64> = times["all_ms"].as_array().unwrap().iter().map(|ms| ms.as_f64().unwrap()).collect();
        let (median, min) = (times["median_ms"].as_f64().unwrap(), times["min_ms"].as_f64().unwrap());
        assert_eq!(all.len(), 3);
        assert!(all.contains(&median) && all.iter().all(|ms| *ms >= min && *ms >= 20.0), "{times}");
    }
    assert!(measured["first_ms"].as_f64() >= Some(20.0));
    assert_eq!(measured["packs"], json!({"stub": "0.1.0"}));
    assert_eq!(place.files(), ["graph.json"]);
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
    let ran = place.run(&["bench", "graph.json", "--repeat", "1", "--warm-up", "0", "--out", "kept"]);
    assert_eq!((ran.code, place.read("kept/ms.txt").as_str()), (0, "20"));
    assert!(ran.stdout.contains("peak memory"), "{}", ran.stdout);
}

#[test]
fn a_graph_that_fails_is_not_measured() {
    let place = Place::with_stub();
    graph(&place, &json!({"bad": node("Fails", json!({}))}), &json!({"never": ["bad", "never"]}));
    insta::assert_snapshot!(place.run(&["bench", "graph.json"]).all(), @r"
    exit code 1
    --- stdout
    --- stderr
    error: node `bad` (stub.Fails) failed: input `message`: the stub fails on purpose [stub 0.1.0, host/tests/packs/stub.rs:119:9]
    ");
}
