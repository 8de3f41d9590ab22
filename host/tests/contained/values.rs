//! What goes to a contained pack and comes back.

use crate::support::Place;
use crate::{node, place, run};
use serde_json::{Value as Json, json};

/// The results of a graph in process and contained, which must be the same.
fn both(place: &Place, outputs: Json, nodes: Json) -> Json {
    place.write("graph.json", &json!({"outputs": outputs, "nodes": nodes}).to_string());
    let results = [&[][..], &["--contain", "all"]].map(|options| {
        let ran = place.run(&[&["run", "graph.json", "--json", "--quiet"], options].concat());
        let result: Json = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.all()));
        let mut failures = result["failures"].clone();
        for failure in failures.as_array_mut().unwrap() {
            // The backtrace is that of another process.
            failure.as_object_mut().unwrap().remove("detail");
        }
        json!([result["outputs"], failures])
    });
    assert_eq!(results[0], results[1]);
    results[0].clone()
}

#[test]
fn every_kind_of_value_survives() {
    let place = place();
    let result = both(
        &place,
        json!({"all": ["all", 0], "sum": ["add", 0], "mean": ["mean", 0], "own": ["own", 0]}),
        json!({
            "all": node("stub.EveryKind", json!({"share": 0.1, "on": false, "words": "\u{1f600} \"x\"", "way": "right", "numbers": {"__value__": [1, -2]}, "anything": {"a": [1, 2.5]}})),
            "add": node("stub.Add", json!({"a": -9007199254740993_i64, "b": 3})),
            "image": node("stub.PlainImage", json!({"size": 64})),
            "half": node("hostile_00.Halve", json!({"image": ["image", 0]})),
            "quarter": node("hostile_00.Halve", json!({"image": ["half", 0]})),
            "mean": node("stub.Mean", json!({"image": ["quarter", 0]})),
            "keep": node("hostile_00.Keep", json!({"number": 12})),
            "own": node("hostile_00.TakeOut", json!({"kept": ["keep", 0]})),
        }),
    );
    assert_eq!(result[0]["mean"], json!(0.125));
    assert_eq!((&result[0]["own"], &result[0]["sum"]), (&json!(12), &json!(-9_007_199_254_740_990_i64)));
    assert_eq!(result[0]["all"], json!("0.1 false \u{1f600} \"x\" right [1, -2] true"));
}

#[test]
fn errors_keep_their_words_and_their_place() {
    let place = place();
    for class in ["stub.Fails", "stub.Panics", "stub.Misses", "stub.NanImage"] {
        let nodes = json!({
            "bad": node(class, json!({})),
            "mean": node("stub.Mean", json!({"image": ["image", 0]})),
            "image": node("stub.NanImage", json!({})),
        });
        let failures = both(&place, json!({"bad": ["bad", 0], "mean": ["mean", 0]}), nodes)[1].clone();
        assert!(!failures.as_array().unwrap().is_empty(), "{class}: {failures}");
    }
}

#[test]
fn long_values_are_refused_in_words_or_shortened() {
    let place = place();
    let ran = run(
        &place,
        json!({"list": ["list", 0]}),
        json!({"list": node("hostile_00.LongList", json!({}))}),
        &["--quiet"],
    );
    assert!(ran.code == 1 && ran.stderr.contains("expected a message of at most 67108864 bytes, got"), "{}", ran.all());
    let ran = run(
        &place,
        json!({"text": ["text", 0]}),
        json!({"text": node("hostile_00.LongText", json!({}))}),
        &["--quiet"],
    );
    assert!(ran.code == 1 && ran.stderr.contains("expected a message of at most 67108864 bytes, got"), "{}", ran.all());
    let ran = run(
        &place,
        json!({"never": ["error", 0]}),
        json!({"error": node("hostile_00.LongError", json!({}))}),
        &["--quiet"],
    );
    assert!(ran.code == 1 && ran.stderr.len() < 200_000, "{}", ran.stderr.len());
}

#[test]
fn a_pack_that_is_not_there_cannot_be_contained() {
    let place = place();
    place.write("graph.json", &json!({"nodes": {"a": node("stub.Add", json!({"a": 1}))}}).to_string());
    let ran = place.run(&["run", "graph.json", "--contain", "acme"]);
    insta::assert_snapshot!(ran.all(), @r"
    exit code 2
    --- stdout
    --- stderr
    error: --contain: expected the id of a pack (hostile_00, stub), got `acme`
    ");
    let ran = place.run(&["run", "graph.json", "--contain", "all", "--node-timeout", "0"]);
    assert!(ran.code == 2 && ran.stderr.contains("expected seconds above 0, such as 2.5, got `0`"), "{}", ran.all());
}

#[test]
fn only_a_host_starts_a_worker() {
    let place = place();
    let library = place.path("packs").join("libhostile_00.so");
    let ran = place.run(&["worker", library.to_str().unwrap()]);
    assert!(ran.code == 1 && ran.stderr.contains("only a host starts it"), "{}", ran.all());
}

#[test]
fn a_process_waits_for_a_debugger() {
    use std::io::{BufRead, BufReader, Read};
    let place = place();
    let nodes = json!({"sum": node("stub.Add", json!({"a": 40, "b": 2}))});
    place.write("graph.json", &json!({"outputs": {"sum": ["sum", 0]}, "nodes": nodes}).to_string());
    let mut command = place.command(&["run", "graph.json", "--json", "--quiet", "--wait-for-debugger", "stub"]);
    command.args(["--node-timeout", "0.1"]).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    log.read_line(&mut line).unwrap();
    let id =
        line.strip_prefix("pack `stub`: process ").and_then(|rest| rest.split(' ').next()).expect(&line).to_owned();
    let words = format!(
        "pack `stub`: process {id} is stopped before it loads the pack; attach a debugger, such as `gdb -p {id}`, and let the process \
         go on with `kill -CONT {id}`\n"
    );
    assert_eq!(line, words);
    // The signal arrives a moment later.
    let state = || std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    let start = std::time::Instant::now();
    while !state().contains(") T ") {
        assert!(start.elapsed() < std::time::Duration::from_secs(20), "{}", state());
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none(), "the host waits");
    assert!(std::process::Command::new("kill").args(["-CONT", &id]).status().unwrap().success());
    let mut output = String::new();
    child.stdout.take().unwrap().read_to_string(&mut output).unwrap();
    assert!(child.wait().unwrap().success() && output.contains("42"), "{output}");
}
