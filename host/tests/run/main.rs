//! Runs of graphs whose nodes are closures.

mod cache;
mod cancel;
mod choice;
#[path = "../closures/mod.rs"]
mod closures;
mod debug;
mod failures;
mod many;
mod oracle;
#[path = "../random/mod.rs"]
mod random;
mod repeat;
mod values;

use closures::PackOf;
use serde_json::json;
use splatgraph::{
    graph::{Checked, File, Given, Origin, check},
    registry::Registry,
    run::{CancelToken, Event, Options, RunResult, Runner, Settings, Status},
};
use splatgraph_sdk::Value;
use std::sync::{Arc, Mutex};

fn checked(text: &str, registry: &Registry) -> Checked {
    let given = Given { cwd: std::env::temp_dir(), ..Given::default() };
    match check(File::parse(text, Origin::File("graph.json".into())).expect("it can be read"), registry, &given) {
        Ok(checked) => checked,
        Err(problems) => panic!("{problems}"),
    }
}

fn runner(threads: usize, cache_bytes: u64) -> Runner {
    Runner::new(Options { threads: Some(threads), cache_bytes, store: None }).expect("a runner")
}

fn run(runner: &Runner, checked: &Checked) -> RunResult {
    runner.run(checked, &Settings::new(), |_| {}, &CancelToken::new())
}

/// One line for each event, without times.
fn lines(runner: &Runner, checked: &Checked) -> Vec<String> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let for_events = lines.clone();
    let events = move |event: Event| {
        let line = match event {
            Event::Started { node } => format!("{node} started"),
            Event::Progress { node, done, total, note } => format!("{node} {done}/{total} {note}"),
            Event::Preview { node, value } => format!("{node} shows {value:?}"),
            Event::Log { node, level, text } => format!("{node} {level:?} {text}"),
            Event::Finished { node, cached, .. } => format!("{node} finished{}", if cached { " (cached)" } else { "" }),
            Event::Failed(failure) => format!("{} failed", failure.node),
            Event::Skipped { node, because_of } => format!("{node} skipped because of {because_of}"),
            Event::Inside { node, pass, event } => match *event {
                Event::Finished { node: inner, .. } => format!("{node} pass {pass}: {inner} finished"),
                _ => "?".to_owned(),
            },
            _ => "?".to_owned(),
        };
        for_events.lock().unwrap().push(line);
    };
    runner.run(checked, &Settings::new(), events, &CancelToken::new());
    let lines = lines.lock().unwrap();
    lines.clone()
}

fn statuses(result: &RunResult) -> Vec<(String, Status)> {
    result.nodes.iter().map(|report| (report.node.to_string(), report.status.clone())).collect()
}

fn whys(result: &RunResult) -> String {
    result.nodes.iter().map(|report| format!("{}: {}", report.node, report.why)).collect::<Vec<_>>().join("\n")
}

/// A pack with `t.Number(value)`, `t.Add(a, b)` and `t.Sum(numbers)`, to which tests add nodes.
fn arithmetic() -> PackOf {
    let int = |name: &str| json!({ "name": name, "type": "INT" });
    let whole = |value: &Value| i64::try_from(value.as_int().expect("a whole number")).expect("small");
    PackOf::new("t")
        .node(json!({ "name": "Number", "inputs": [int("value")], "outputs": [int("number")] }), |_, inputs| {
            Ok(inputs.to_vec())
        })
        .node(json!({ "name": "Add", "inputs": [int("a"), int("b")], "outputs": [int("sum")] }), move |_, inputs| {
            Ok(vec![Value::int(whole(&inputs[0]) + whole(&inputs[1]))])
        })
        .node(
            json!({ "name": "Sum", "inputs": [{ "name": "numbers", "type": "INT", "list": true }], "outputs": [int("sum")] }),
            move |_, inputs| {
                let numbers = inputs[0].as_list().expect("a list");
                Ok(vec![Value::int(numbers.iter().map(whole).sum())])
            },
        )
}
