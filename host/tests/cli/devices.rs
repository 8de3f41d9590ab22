//! `splatgraph devices`, and the options for devices.

use serde_json::{Value as Json, json};

use crate::graph;
use crate::support::Place;

fn place() -> Place {
    let place = Place::new();
    place.add_pack("second_pack", "packs");
    let nodes = json!({"a": {"class_type": "second.Told", "inputs": {}}});
    graph(&place, &nodes, &json!({"device": ["a", "device"], "bits": ["a", "bits"]}));
    place
}

/// The output without the time.
fn lines(text: &str) -> String {
    text.lines()
        .filter(|line| !line.starts_with("done:") && !line.contains(" in ") && !line.ends_with("..."))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn devices_are_listed_with_memory_and_reasons() {
    let place = place();
    insta::assert_snapshot!(place.run(&["devices"]).all(), @"
    exit code 0
    --- stdout
    second
      gpu:0  Steam 1          unavailable: its fan is broken; repair it
      gpu:1  Steam 2          used only on request
      cpu    Abacus   3.0 GB
    --- stderr
    ");
    let listed: Json = serde_json::from_str(&place.run(&["devices", "--json"]).stdout).unwrap();
    assert_eq!(
        listed["second"][2],
        json!({"id": "cpu", "name": "Abacus", "memory": 3_221_225_472_u64, "facts": {"rods": {"beads": [5, 5]}}})
    );
    insta::assert_snapshot!(Place::with_stub().run(&["devices"]).stdout.trim(), @"No loaded pack lists devices, so all nodes compute on the processor.");
}

#[test]
fn a_run_prints_its_device_and_nodes_get_it() {
    let place = place();
    let ran = place.run(&["run", "graph.json"]);
    insta::assert_snapshot!(format!("{}\n{}", lines(&ran.stdout), lines(&ran.stderr)), @"
    device  cpu
    bits    32.0
    device cpu, Abacus; not gpu:0, Steam 1: its fan is broken; repair it
    ");
    let ran = place.run(&["run", "graph.json", "--device", "gpu", "--precision", "f16"]);
    // The first device is broken.
    insta::assert_snapshot!(format!("{}\n{}", lines(&ran.stdout), lines(&ran.stderr)), @r"
    device  gpu:1
    bits    16.0
    device gpu:1, Steam 2; precision f16
    ");
    assert_eq!(place.run(&["run", "graph.json", "--quiet"]).stderr, "");
}

#[test]
fn a_device_that_cannot_be_used_is_an_error_of_the_command_line() {
    let place = place();
    insta::assert_snapshot!(place.run(&["run", "graph.json", "--device", "gpu:0"]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: the device `gpu:0` cannot be used: its fan is broken; repair it
    ");
    insta::assert_snapshot!(place.run(&["run", "graph.json", "--device", "tpu"]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: expected the device auto or one of gpu:0, gpu:1, cpu, got `tpu`
    ");
}

#[test]
fn a_batch_says_it_once() {
    let place = place();
    let ran = place.run(&["batch", "graph.json", "--table", "t.csv", "--device", "gpu:1"]);
    assert_eq!(ran.stderr.matches("device gpu:1, Steam 2").count(), 1, "{}", ran.stderr);
}

#[test]
fn a_bench_in_half_precision_compares_the_numbers_with_f32() {
    let place = place();
    let arguments = ["bench", "graph.json", "--repeat", "1", "--precision", "f16"];
    let ran = place.run(&arguments);
    assert!(ran.stdout.contains("16.0000, in f32 32.0000: -16.0000"), "{}", ran.stdout);
    let ran = place.run(&[&arguments[..], &["--json"]].concat());
    let measured: Json = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&measured["device"], &measured["precision"]), (&json!("cpu"), &json!("f16")));
    assert_eq!((&measured["outputs"]["bits"], &measured["outputs_in_f32"]["bits"]), (&json!(16.0), &json!(32.0)));
}
