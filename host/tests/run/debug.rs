//! Recording a run.

use super::{checked, closures::PackOf, runner};
use serde_json::{Value as Json, json};
use splatgraph::{
    debug::Recorder,
    run::{CancelToken, Event, Runner, Settings},
};
use splatgraph_sdk::{Record, Tensor, Value};
use std::{path::Path, sync::Arc};

/// A pack with `t.Divide` and `t.Add` for floats.
fn pack() -> PackOf {
    let float = |name: &str| json!({ "name": name, "type": "FLOAT" });
    let of = |name: &str| json!({ "name": name, "inputs": [float("a"), float("b")], "outputs": [float("x")] });
    let number = |value: &Value| value.as_float().expect("a number");
    PackOf::new("t")
        .node(of("Divide"), move |_, inputs| Ok(vec![Value::float(number(&inputs[0]) / number(&inputs[1]))]))
        .node(of("Add"), move |_, inputs| Ok(vec![Value::float(number(&inputs[0]) + number(&inputs[1]))]))
}

/// The nodes that made NaN, and `run.json`.
fn recorded(runner: &Runner, folder: &Path, added: f64) -> (Vec<String>, Json) {
    let text = json!({
        "outputs": { "x": ["late", "x"] },
        "nodes": {
            "early": { "class_type": "t.Divide", "inputs": { "a": 0.0, "b": 1.0 } },
            "bad": { "class_type": "t.Divide", "inputs": { "a": ["early", "x"], "b": ["early", "x"] } },
            "late": { "class_type": "t.Add", "inputs": { "a": ["bad", "x"], "b": added } },
        },
    });
    let checked = checked(&text.to_string(), &pack().registry());
    let recorder = Arc::new(Recorder::new(folder, &checked).expect("a recorder"));
    let for_events = recorder.clone();
    let settings = Settings::new();
    let result = runner.run(&checked, &settings, move |event| for_events.record(&event), &CancelToken::new());
    let findings = recorder.finish(&result, &settings).expect("run.json is written");
    let run = std::fs::read(folder.join("run.json")).expect("run.json");
    (findings.made_nan.into_iter().map(|made| made.node).collect(), serde_json::from_slice(&run).expect("JSON"))
}

#[test]
fn only_nodes_of_this_run_are_blamed_for_nan() {
    let folder = tempfile::tempdir().unwrap();
    let runner = runner(1, 1 << 20);
    assert_eq!(recorded(&runner, folder.path(), 1.0).0, ["bad"]);
    // Now the output of `bad` comes from the cache, and `late` takes NaN from it.
    let (made_nan, run) = recorded(&runner, folder.path(), 2.0);
    assert_eq!(made_nan, [""; 0]);
    let statuses: Vec<&Json> = run["nodes"].as_array().unwrap().iter().map(|node| &node["status"]).collect();
    assert_eq!(statuses, ["cached", "cached", "done"]);
    let nan: Vec<&Json> = run["nodes"].as_array().unwrap().iter().map(|node| &node["outputs"][0]["nan"]).collect();
    assert_eq!(nan, [&Json::Null, &json!(1), &json!(1)]);
}

#[test]
fn outputs_after_the_end_are_not_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let checked = checked(
        r#"{"outputs": {"x": ["a", "x"]}, "nodes": {"a": {"class_type": "t.Add", "inputs": {"a": 1.0, "b": 2.0}}}}"#,
        &pack().registry(),
    );
    let recorder = Recorder::new(folder.path(), &checked).expect("a recorder");
    let cancel = CancelToken::new();
    cancel.cancel();
    let result = runner(1, 0).run(&checked, &Settings::new(), |_| {}, &cancel);
    recorder.finish(&result, &Settings::new()).expect("run.json is written");
    let data = Tensor::from_vec([1], vec![0f32]).expect("a tensor");
    let record = Record { type_name: "DATA".into(), fields: vec![("data".into(), data)], ..Record::default() };
    let late = Event::Finished { node: "a".into(), ms: 0.0, cached: false, outputs: vec![record.into_value()] };
    recorder.record(&late);
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(files, ["run.json"]);
}
