//! Nodes that fail.

use super::{arithmetic, checked, closures::PackOf, lines, run, runner, statuses};
use serde_json::json;
use splatgraph::run::Status;
use splatgraph_sdk::{Code, Error, Value};
use std::{
    sync::Barrier,
    time::{Duration, Instant},
};

/// Adds `t.Fail(x, how)`: `how` is `error`, `panic`, `blame`, `few` or `slow`.
fn pack() -> PackOf {
    let inputs = json!([{ "name": "x", "type": "INT", "optional": true }, { "name": "how", "type": "STRING" }]);
    let spec = json!({ "name": "Fail", "inputs": inputs, "outputs": [{ "name": "y", "type": "INT" }] });
    arithmetic().node(spec, |_, inputs| {
        let error = |error: Error| Err(Error { location: "src/fail.rs:1:2".to_owned(), ..error });
        match inputs[1].as_text() {
            Some("error") => error(Error::new("reading the moon: it is away")),
            Some("blame") => error(Error::input("x", "3 values are NaN")),
            Some("panic") => panic!("index out of bounds"),
            Some("few") => Ok(vec![]),
            _ => {
                std::thread::sleep(Duration::from_millis(100));
                Ok(vec![Value::int(1)])
            }
        }
    })
}

fn graph(how: &str) -> String {
    format!(
        r#"{{"outputs": {{"far": ["far", 0], "side": ["side", 0]}}, "nodes": {{
        "n": {{"class_type": "t.Number", "inputs": {{"value": 1}}}},
        "bad": {{"class_type": "t.Fail", "inputs": {{"x": ["n", "number"], "how": "{how}"}}}},
        "slow": {{"class_type": "t.Fail", "inputs": {{"how": "slow"}}}},
        "next": {{"class_type": "t.Add", "inputs": {{"a": ["bad", 0], "b": ["slow", 0]}}}},
        "far": {{"class_type": "t.Add", "inputs": {{"a": ["next", 0], "b": ["next", 0]}}}},
        "side": {{"class_type": "t.Add", "inputs": {{"a": ["slow", 0], "b": ["n", 0]}}}}}}}}"#
    )
}

#[test]
fn a_failure_skips_only_the_nodes_that_need_it() {
    let result = run(&runner(2, 0), &checked(&graph("error"), &pack().registry()));
    let expected = [
        ("n", Status::Done),
        ("bad", Status::Failed),
        ("slow", Status::Done),
        ("next", Status::Skipped("bad".into())),
        ("far", Status::Skipped("bad".into())),
        ("side", Status::Done),
    ];
    assert_eq!(statuses(&result), expected.map(|(id, status)| (id.to_owned(), status)));
    let outputs: Vec<_> = result.outputs.iter().map(|(name, value)| (name.as_str(), value.as_int())).collect();
    assert_eq!(outputs, [("side", Some(2))]);
    assert_eq!(result.skipped().map(|(node, _)| &**node).collect::<Vec<_>>(), ["next", "far"]);
    assert!(!result.cancelled);
}

#[test]
fn failures_are_described() {
    let failure = |how: &str| {
        let result = run(&runner(1, 0), &checked(&graph(how), &pack().registry()));
        assert_eq!(result.failures.len(), 1);
        result.failures[0].clone()
    };
    insta::assert_snapshot!(failure("error"), @"node `bad` (t.Fail) failed: reading the moon: it is away [t 0.1.0, src/fail.rs:1:2]");
    insta::assert_snapshot!(failure("blame"), @"node `bad` (t.Fail) failed: input `x`, which comes from `n.number`: 3 values are NaN [t 0.1.0, src/fail.rs:1:2]");
    insta::assert_snapshot!(failure("panic"), @"node `bad` (t.Fail) panicked: index out of bounds [t 0.1.0]");
    assert_eq!(failure("panic").error.code, Code::Panic);
    insta::assert_snapshot!(failure("few"), @"node `bad` (t.Fail) failed: expected 1 output, as the class declares, got 0; tell the author of the pack [t 0.1.0]");
}

#[test]
fn a_node_that_can_not_be_made_is_a_failure_too() {
    let pack = PackOf::new("t").declared(json!({ "name": "None", "outputs": [{ "name": "x", "type": "INT" }] }));
    let text = r#"{"outputs": {"x": ["a", 0]}, "nodes": {"a": {"class_type": "t.None"}}}"#;
    let result = run(&runner(1, 0), &checked(text, &pack.registry()));
    assert_eq!(result.failures[0].error.message, "no node None");
}

#[test]
fn events_of_a_failure() {
    let lines = lines(&runner(1, 0), &checked(&graph("error"), &pack().registry()));
    insta::assert_snapshot!(lines.join("\n"), @r"
    n started
    n finished
    bad started
    bad failed
    slow started
    slow finished
    next skipped because of bad
    far skipped because of bad
    side started
    side finished
    ");
}

#[test]
fn a_listener_that_panics_does_not_stop_the_run() {
    let checked = checked(&graph("slow"), &pack().registry());
    let events = |_| panic!("the listener is gone");
    let result = runner(2, 0).run(&checked, &Default::default(), events, &Default::default());
    assert_eq!(result.outputs.len(), 2);
}

#[test]
fn a_fast_branch_does_not_wait_for_a_slow_one() {
    static BOTH: Barrier = Barrier::new(2);
    let int = json!([{ "name": "x", "type": "INT" }]);
    let pack = arithmetic().node(json!({ "name": "Meet", "inputs": int, "outputs": int }), |_, inputs| {
        BOTH.wait();
        Ok(inputs.to_vec())
    });
    // Both nodes meet only if the second runs while the first waits.
    let text = r#"{"outputs": {"a": ["a", 0], "b": ["b", 0]}, "nodes": {
        "n": {"class_type": "t.Number", "inputs": {"value": 1}},
        "m": {"class_type": "t.Number", "inputs": {"value": 2}},
        "a": {"class_type": "t.Meet", "inputs": {"x": ["n", 0]}},
        "b": {"class_type": "t.Meet", "inputs": {"x": ["m", 0]}}}}"#;
    let start = Instant::now();
    assert_eq!(run(&runner(2, 0), &checked(text, &pack.registry())).outputs.len(), 2);
    assert!(start.elapsed() < Duration::from_secs(10));
}
