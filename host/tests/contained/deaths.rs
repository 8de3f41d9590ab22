//! What a contained pack does to itself hurts nobody else.

use crate::support::Place;
use crate::{node, place, run, with_deed};
use serde_json::json;
use std::fs;
use std::time::{Duration, Instant};

/// Runs a graph with a node that does a deed, and with another branch. Returns the message.
fn act(place: &Place, deed: &str, options: &[&str]) -> String {
    let (outputs, nodes) = with_deed(deed);
    let ran = run(place, outputs, nodes, &[&["--quiet", "--json"], options].concat());
    assert_eq!(ran.code, 1, "{deed}: {}", ran.all());
    let result: serde_json::Value =
        serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{deed}: {}", ran.all()));
    // The other branches finish, also that of the same pack.
    assert_eq!(
        (&result["outputs"]["sum"], &result["outputs"]["own"]),
        (&json!(42), &json!(7)),
        "{deed}: {}",
        ran.all()
    );
    let failures = result["failures"].as_array().unwrap();
    assert_eq!((failures.len(), &failures[0]["node"]), (1, &json!("bad")), "{deed}: {}", ran.all());
    failures[0]["message"].as_str().unwrap().to_owned()
}

#[test]
fn a_node_that_ends_its_process_fails_with_words() {
    let place = place();
    let ended = "the pack `hostile_00` failed in the node ActNow: its process ended";
    for (deed, how) in [
        ("exit-0", "with exit code 0"),
        ("exit-3", "with exit code 3"),
        ("quick-exit-0", "with exit code 0"),
        ("exit-0-in-a-thread", "with exit code 0"),
        ("child", "with exit code 0"),
        ("abort", "by signal 6 (SIGABRT)"),
        ("segv", "by signal 11 (SIGSEGV)"),
        ("overflow", "by signal 6 (SIGABRT); it printed last:"),
        ("kill", "by signal 9 (SIGKILL), perhaps because the machine had no memory left"),
    ] {
        let message = act(&place, deed, &[]);
        assert!(message.starts_with(&format!("{ended} {how}")), "{deed}: {message}");
    }
    assert!(act(&place, "overflow", &[]).contains("has overflowed its stack"), "the last lines are told");
    let message = act(&place, "memory", &["--pack-memory", "600"]);
    assert!(message.contains("by signal 6 (SIGABRT)") && message.contains("memory allocation of"), "{message}");
    let message = act(&place, "close-all", &[]);
    assert!(message.starts_with("the pack `hostile_00` failed in the node ActNow: its process"), "{message}");
}

#[test]
fn a_node_that_takes_too_long_is_ended() {
    let place = place();
    let start = Instant::now();
    let message = act(&place, "hang", &["--node-timeout", "1.5"]);
    assert_eq!(message, "expected the node to end within 1.5 seconds, got a longer run; its process was ended");
    assert!(start.elapsed() < Duration::from_secs(60));
}

#[test]
fn what_a_pack_changes_in_its_process_stays_there() {
    let place = place();
    for deed in ["move", "umask", "close-std", "close-1", "print", "panic"] {
        let nodes = json!({
            "bad": node("hostile_00.ActNow", json!({"deed": deed})),
            "add": node("stub.Add", json!({"a": ["bad", 0], "b": 2})),
        });
        let ran = run(&place, json!({"sum": ["add", 0]}), nodes, &["--in-process", "stub"]);
        if deed == "panic" {
            assert!(ran.code == 1 && ran.stderr.contains("panicked"), "{}", ran.all());
        } else {
            assert!(
                ran.code == 0 && ran.stdout.contains("sum") && !ran.stderr.contains("put back"),
                "{deed}: {}",
                ran.all()
            );
        }
        if deed == "print" {
            assert!(ran.stderr.contains("pack `hostile_00`: the hostile pack prints to stdout"), "{}", ran.all());
        }
    }
}

#[test]
fn what_a_process_held_is_made_again() {
    let place = place();
    let trace = place.path("trace");
    let nodes = json!({
        "keep": node("hostile_00.Keep", json!({"number": 5, "trace": trace})),
        "first": node("hostile_00.TakeOut", json!({"kept": ["keep", 0]})),
        // Ends the process when `first` is done, and before `second` begins.
        "bad": node("hostile_00.ActNow", json!({"deed": "segv", "after": ["first", 0]})),
        "long": node("stub.Add", json!({"a": ["first", 0], "b": 1495})),
        "wait": node("stub.Sleep", json!({"ms": ["long", 0]})),
        "short": node("stub.Add", json!({"a": ["wait", 0], "b": -1500})),
        "second": node("hostile_00.TakeOut", json!({"kept": ["keep", 0], "ms": ["short", 0]})),
    });
    let ran = run(
        &place,
        json!({"second": ["second", 0]}),
        nodes,
        &["--json", "--quiet", "--until", "second", "--until", "bad"],
    );
    let result: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.all()));
    assert_eq!(result["failures"].as_array().unwrap().len(), 1, "{}", ran.all());
    assert_eq!(result["outputs"]["second.number"], json!(5), "{}", ran.all());
    assert_eq!(fs::read_to_string(trace).unwrap(), "made\nmade\n");
}

#[test]
fn a_batch_loses_no_item() {
    let place = place();
    let nodes = json!({
        "act": node("hostile_00.ActNow", json!({"deed": ""})),
        "keep": node("hostile_00.Keep", json!({"number": 1})),
        "out": node("hostile_00.TakeOut", json!({"kept": ["keep", 0], "ms": 5})),
    });
    let graph = json!({"inputs": {"deed": "act.deed", "number": "keep.number"}, "outputs": {"done": ["act", 0], "number": ["out", 0]}, "nodes": nodes});
    place.write("graph.json", &graph.to_string());
    let deeds = ["", "segv", "", "exit-0", "", "abort", "", "overflow"].repeat(5);
    let rows: Vec<String> = deeds.iter().enumerate().map(|(number, deed)| format!("{deed},{number}")).collect();
    place.write("rows.csv", &format!("deed,number\n{}\n", rows.join("\n")));
    let ran = place.run(&[
        "batch",
        "graph.json",
        "@rows.csv",
        "--contain",
        "all",
        "--jobs",
        "4",
        "--table",
        "table.csv",
        "--quiet",
    ]);
    assert_eq!(ran.code, 1, "{}", ran.all());
    assert!(!ran.stderr.contains("that held an input"), "{}", ran.all());
    // Each item that does something bad fails, and no other.
    let failed = ran.stderr.matches("error: item `").count();
    assert_eq!((failed, ran.stderr.matches("failed in the node ActNow").count()), (20, 20), "{}", ran.all());
    let table = place.read("graph-batch/table.csv");
    assert!(table.lines().count() > 20, "{table}");
}
