//! Signals that cancel a run.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Place, Ran};
use crate::{graph, node};

/// Starts a run of `class`, and sends it a signal once the node has started.
fn signalled(class: &str, signal: &str, times: usize) -> (Ran, Duration) {
    let place = Place::with_stub();
    let nodes = json!({
        "bad": node(class, json!({})),
        "add": node("Add", json!({"a": ["bad", "never"]})),
        "save": node("WriteText", json!({"text": ["add", "sum"], "path": "never.txt"})),
    });
    graph(&place, &nodes, &json!({}));
    let log = fs::File::create(place.path("log")).unwrap();
    let mut command = place.command(&["run", "graph.json"]);
    let child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
    let wait_for = |text: &str| {
        let start = Instant::now();
        while !fs::read_to_string(place.path("log")).unwrap().contains(text) {
            assert!(start.elapsed() < Duration::from_secs(20), "the run never said {text:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    wait_for("bad (stub.");
    let start = Instant::now();
    for time in 0..times {
        if time > 0 {
            wait_for("cancelling");
        }
        let sent = Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }
    let output = child.wait_with_output().unwrap();
    let elapsed = start.elapsed();
    let mut ran = place.ran(&output);
    ran.stderr = fs::read_to_string(place.path("log")).unwrap();
    assert_eq!(place.files(), ["graph.json"]);
    (ran, elapsed)
}

#[test]
fn ctrl_c_stops_an_endless_node_within_a_step() {
    let (ran, elapsed) = signalled("Endless", "INT", 1);
    assert_eq!(ran.code, 130);
    // A node that takes longer than a second is abandoned. The further time is for a busy machine.
    assert!(elapsed < Duration::from_secs(2), "{elapsed:?}");
    assert!(!ran.stderr.contains("abandoned"), "{}", ran.stderr);
}

#[test]
fn a_node_that_does_not_react_is_abandoned_and_named() {
    let (ran, elapsed) = signalled("Stubborn", "TERM", 1);
    assert_eq!(ran.code, 143);
    assert!(elapsed < Duration::from_secs(3), "{elapsed:?}");
    let abandoned = ran.stderr.lines().find(|line| line.contains("abandoned")).unwrap();
    insta::assert_snapshot!(abandoned, @"abandoned because it did not stop within a second: `bad` (stub.Stubborn)");
}

#[test]
fn a_second_ctrl_c_ends_at_once() {
    let (ran, _) = signalled("Stubborn", "INT", 2);
    assert_eq!(ran.code, 130);
    // The program does not wait for the second in which nodes may stop.
    assert!(!ran.stderr.contains("abandoned"), "{}", ran.stderr);
}
