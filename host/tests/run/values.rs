//! Values between nodes.

use super::{arithmetic, checked, closures::PackOf, lines, run, runner, statuses};
use serde_json::json;
use splatgraph::run::{CancelToken, Settings, Status};
use splatgraph_sdk::{Value, host::LogLevel};
use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

#[test]
fn values_pass_along_links() {
    let text = r#"{"outputs": {"total": ["total", 0], "first": ["a", "number"]}, "nodes": {
        "total": {"class_type": "t.Sum", "inputs": {"numbers": [["a", 0], ["c", 0], ["a", 0]]}},
        "one": {"class_type": "t.Sum", "inputs": {"numbers": ["a", 0]}},
        "a": {"class_type": "t.Number", "inputs": {"value": 5}},
        "b": {"class_type": "t.Number", "inputs": {"value": 7}},
        "c": {"class_type": "t.Add", "inputs": {"a": ["a", 0], "b": ["b", 0]}}}}"#;
    let result = run(&runner(2, 0), &checked(text, &arithmetic().registry()));
    let outputs: Vec<_> = result.outputs.iter().map(|(name, value)| (name.as_str(), value.as_int())).collect();
    assert_eq!(outputs, [("total", Some(22)), ("first", Some(5))]);
    assert_eq!(statuses(&result)[1], ("one".to_owned(), Status::NotNeeded));
}

#[test]
fn lists_are_joined_and_whole_numbers_become_floats() {
    let list = json!({ "name": "xs", "type": "FLOAT", "list": true });
    let pack = arithmetic()
        .node(
            json!({ "name": "Many", "outputs": [{ "name": "numbers", "type": "INT", "list": true }] }),
            |_, _| Ok(vec![Value::list([Value::int(1), Value::int(2)])]),
        )
        .node(json!({ "name": "Show", "inputs": [list], "outputs": [{ "name": "text", "type": "STRING" }] }), |_, inputs| {
            Ok(vec![Value::text(format!("{:?}", inputs[0]))])
        })
        .node(
            json!({ "name": "One", "inputs": [{ "name": "x", "type": "FLOAT" }, { "name": "y", "type": "FLOAT", "optional": true }],
                "outputs": [{ "name": "text", "type": "STRING" }] }),
            |_, inputs| Ok(vec![Value::text(format!("{inputs:?}"))]),
        );
    let text = r#"{"outputs": {"one": ["one", 0], "all": ["all", 0], "few": ["few", 0]}, "nodes": {
        "many": {"class_type": "t.Many"}, "n": {"class_type": "t.Number", "inputs": {"value": 3}},
        "one": {"class_type": "t.One", "inputs": {"x": ["n", 0]}},
        "all": {"class_type": "t.Show", "inputs": {"xs": [["many", 0], ["n", 0]]}},
        "few": {"class_type": "t.Show", "inputs": {"xs": ["many", 0]}}}}"#;
    let result = run(&runner(1, 0), &checked(text, &pack.registry()));
    let outputs: Vec<_> = result.outputs.iter().map(|(_, value)| value.as_text().unwrap()).collect();
    assert_eq!(outputs, ["[Value(3.0), Value(null)]", "Value([1.0,2.0,3.0])", "Value([1.0,2.0])"]);
}

#[test]
fn a_value_is_gone_after_its_last_use() {
    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }
    let alive = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let (for_node, for_most) = (alive.clone(), most.clone());
    let any = |name: &str| json!({ "name": name, "type": "*", "optional": true });
    let spec = json!({ "name": "Step", "inputs": [any("from")], "outputs": [any("to"), any("unused")] });
    let pack = PackOf::new("t").node(spec, move |_, _| {
        let value = || {
            for_node.fetch_add(1, Ordering::SeqCst);
            splatgraph_sdk::Output::into_value(splatgraph_sdk::Local::new(Kept { _counted: Counted(for_node.clone()) }))
        };
        let outputs = vec![value()?, value()?];
        for_most.fetch_max(for_node.load(Ordering::SeqCst), Ordering::SeqCst);
        Ok(outputs)
    });
    struct Kept {
        _counted: Counted,
    }
    impl splatgraph_sdk::Resident for Kept {
        const TYPE: &'static str = "KEPT";
    }
    let nodes: Vec<String> = (0..50)
        .map(|n| match n {
            0 => r#""n0": {"class_type": "t.Step"}"#.to_owned(),
            _ => format!(r#""n{n}": {{"class_type": "t.Step", "inputs": {{"from": ["n{}", 0]}}}}"#, n - 1),
        })
        .collect();
    let text = format!(r#"{{"outputs": {{"last": ["n49", 0]}}, "nodes": {{{}}}}}"#, nodes.join(", "));
    let runner = runner(2, 0);
    let result = run(&runner, &checked(&text, &pack.registry()));
    // The input of a node, and its two outputs.
    assert_eq!(most.load(Ordering::SeqCst), 3);
    assert_eq!(alive.load(Ordering::SeqCst), 1, "only the named result is left");
    drop(result);
    assert_eq!(alive.load(Ordering::SeqCst), 0);
}

#[test]
fn nodes_report_progress_and_see_the_settings() {
    let spec = json!({ "name": "Talk", "outputs": [{ "name": "text", "type": "STRING" }] });
    let pack = PackOf::new("t").node(spec, |ctx, _| {
        ctx.progress(1, 2, "half");
        ctx.preview(&Value::int(3));
        ctx.info("hello");
        ctx.step(2, 2)?;
        Ok(vec![Value::text(serde_json::to_string(ctx.settings())?)])
    });
    let checked =
        checked(r#"{"outputs": {"x": ["a", 0]}, "nodes": {"a": {"class_type": "t.Talk"}}}"#, &pack.registry());
    let expected = ["a started", "a 1/2 half", "a shows Value(3)", "a Info hello", "a 2/2 ", "a finished"];
    assert_eq!(lines(&runner(3, 0), &checked), expected);
    let mut settings = Settings::new();
    settings.insert("device".to_owned(), "cpu".into());
    let result = runner(3, 0).run(&checked, &settings, |_| {}, &CancelToken::new());
    assert_eq!(result.outputs[0].1.as_text(), Some(r#"{"device":"cpu","threads":3}"#));
    assert!(LogLevel::Info < LogLevel::Warn);
}

/// A pack with `t.Write(path)` and `t.Read(path)`, which return their paths.
fn paths() -> PackOf {
    let path = |kind: &str| json!([{ "name": "path", "type": "STRING", "path": kind }]);
    let text = json!([{ "name": "path", "type": "STRING" }]);
    let same = |_: &splatgraph_sdk::Ctx, inputs: &[Value]| Ok(inputs.to_vec());
    PackOf::new("t")
        .node(json!({ "name": "Write", "output": true, "inputs": path("write"), "outputs": text }), same)
        .node(json!({ "name": "Read", "inputs": path("read"), "outputs": text }), same)
        .node(json!({ "name": "Text", "inputs": text, "outputs": text }), same)
}

#[test]
fn paths_from_other_nodes_are_resolved_too() {
    let text = r#"{"outputs": {"read": ["read", 0]}, "nodes": {
        "a": {"class_type": "t.Text", "inputs": {"path": "in.png"}},
        "b": {"class_type": "t.Text", "inputs": {"path": "out-{index}.png"}},
        "c": {"class_type": "t.Text", "inputs": {"path": "known.png"}},
        "read": {"class_type": "t.Read", "inputs": {"path": ["a", 0]}},
        "known": {"class_type": "t.Read", "inputs": {"path": "known.png"}},
        "good": {"class_type": "t.Write", "inputs": {"path": ["b", 0]}},
        "bad": {"class_type": "t.Write", "inputs": {"path": ["c", 0]}}}}"#;
    let result = run(&runner(1, 0), &checked(text, &paths().registry()));
    let folder = std::env::temp_dir();
    assert_eq!(result.outputs[0].1.as_text(), folder.join("in.png").to_str());
    assert_eq!(result.written, [("good".into(), folder.join("out-{index}.png"))], "values have no placeholders");
    let failure = result.failures[0].to_string().replace(&folder.join("").display().to_string(), "[folder]/");
    insta::assert_snapshot!(failure, @"node `bad` (t.Write) failed: input `path`, which comes from `c.path`: expected a new file, got a file that this run reads: [folder]/known.png [t 0.1.0]");
}

#[test]
fn written_files_are_the_ones_that_the_node_names() {
    let spec = json!({ "name": "Write", "output": true, "inputs": [{ "name": "path", "type": "STRING", "path": "write" }],
        "outputs": [{ "name": "paths", "type": "STRING", "list": true }] });
    let pack = PackOf::new("t").node(spec, |_, inputs| {
        let pattern = inputs[0].as_text().unwrap();
        Ok(vec![Value::list((0..2).map(|b| Value::text(pattern.replace("{b}", &format!("{b:03}")))))])
    });
    let text = r#"{"nodes": {"a": {"class_type": "t.Write", "inputs": {"path": "x-{b}.png"}}}}"#;
    let result = run(&runner(1, 0), &checked(text, &pack.registry()));
    let written: Vec<PathBuf> = result.written.into_iter().map(|(_, path)| path).collect();
    assert_eq!(written, ["x-000.png", "x-001.png"].map(|name| std::env::temp_dir().join(name)));
}

#[test]
fn independent_branches_run_at_the_same_time_but_no_more_than_allowed() {
    let running = Arc::new(Mutex::new((0, 0)));
    let int = json!([{ "name": "x", "type": "INT" }]);
    let spec = json!({ "name": "Wait", "inputs": int, "outputs": int });
    let for_node = running.clone();
    let pack = PackOf::new("t").node(spec, move |_, _| {
        {
            let mut now = for_node.lock().unwrap();
            now.0 += 1;
            now.1 = now.1.max(now.0);
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
        for_node.lock().unwrap().0 -= 1;
        Ok(vec![Value::int(0)])
    });
    let nodes: Vec<String> =
        (0..9).map(|n| format!(r#""n{n}": {{"class_type": "t.Wait", "inputs": {{"x": {n}}}}}"#)).collect();
    let outputs: Vec<String> = (0..9).map(|n| format!(r#""n{n}": ["n{n}", 0]"#)).collect();
    let text = format!(r#"{{"outputs": {{{}}}, "nodes": {{{}}}}}"#, outputs.join(", "), nodes.join(", "));
    let result = run(&runner(3, 0), &checked(&text, &pack.registry()));
    assert_eq!(result.outputs.len(), 9);
    assert_eq!(*running.lock().unwrap(), (0, 3));
}
