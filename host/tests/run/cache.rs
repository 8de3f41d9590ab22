//! Results that are kept from run to run.

use super::{arithmetic, checked, closures::PackOf, lines, run, runner, whys};
use serde_json::json;
use splatgraph::run::{CancelToken, RunResult, Runner, Settings, Status};
use splatgraph_sdk::{Error, Value};
use std::fs;
use tempfile::TempDir;

/// Adds `a` and `b`, sums the result and `c`, and passes it to the output node `t.Save`.
fn graph(a: i64, c: i64) -> String {
    format!(
        r#"{{"nodes": {{
        "a": {{"class_type": "t.Number", "inputs": {{"value": {a}}}}},
        "b": {{"class_type": "t.Number", "inputs": {{"value": 2}}}},
        "c": {{"class_type": "t.Number", "inputs": {{"value": {c}}}}},
        "add": {{"class_type": "t.Add", "inputs": {{"a": ["a", 0], "b": ["b", 0]}}}},
        "sum": {{"class_type": "t.Sum", "inputs": {{"numbers": [["add", 0], ["c", 0]]}}}},
        "save": {{"class_type": "t.Save", "inputs": {{"x": ["sum", 0]}}}}}}}}"#
    )
}

fn pack() -> PackOf {
    let int = json!([{ "name": "x", "type": "INT" }]);
    arithmetic()
        .node(json!({ "name": "Save", "output": true, "inputs": int, "outputs": int }), |_, inputs| Ok(inputs.to_vec()))
}

fn run_graph(runner: &Runner, text: &str) -> RunResult {
    run(runner, &checked(text, &pack().registry()))
}

#[test]
fn unchanged_nodes_do_not_run_again() {
    let runner = runner(2, 1 << 20);
    insta::assert_snapshot!(whys(&run_graph(&runner, &graph(1, 5))), @"
    a: ran: first time
    b: ran: first time
    c: ran: first time
    add: ran: first time
    sum: ran: first time
    save: ran: it is an output node
    ");
    insta::assert_snapshot!(whys(&run_graph(&runner, &graph(1, 5))), @"
    a: cached
    b: cached
    c: cached
    add: cached
    sum: cached
    save: ran: it is an output node
    ");
    insta::assert_snapshot!(whys(&run_graph(&runner, &graph(1, 6))), @"
    a: cached
    b: cached
    c: ran: input `value` changed
    add: cached
    sum: ran: input `numbers` changed
    save: ran: it is an output node
    ");
    // An earlier result is still in the cache.
    insta::assert_snapshot!(whys(&run_graph(&runner, &graph(1, 5))), @"
    a: cached
    b: cached
    c: cached
    add: cached
    sum: cached
    save: ran: it is an output node
    ");
    let checked = checked(&graph(3, 5), &pack().registry());
    let lines = lines(&runner, &checked);
    let expected =
        ["b finished (cached)", "c finished (cached)", "a started", "a finished", "add started", "add finished"];
    assert_eq!(lines[..6], expected);
    assert_eq!(lines.len(), 10);
}

/// `t.Number` and `t.Keep`, which writes its input into a file.
fn writing_pack() -> PackOf {
    let inputs = json!([{ "name": "x", "type": "INT" }, { "name": "path", "type": "STRING", "path": "write" }]);
    let outputs = json!([{ "name": "path", "type": "STRING" }, { "name": "x", "type": "INT" }]);
    arithmetic().node(json!({ "name": "Keep", "output": true, "inputs": inputs, "outputs": outputs }), |_, inputs| {
        fs::write(inputs[1].as_text().unwrap_or_default(), format!("{:?}", inputs[0]))?;
        Ok(vec![inputs[1].clone(), inputs[0].clone()])
    })
}

#[test]
fn files_that_are_written_already_are_not_written_again() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("out.txt");
    let graph = |x: i64| {
        let text = json!({"outputs": {"x": ["keep", "x"]}, "nodes": {
            "x": {"class_type": "t.Number", "inputs": {"value": x}},
            "keep": {"class_type": "t.Keep", "inputs": {"x": ["x", 0], "path": file}},
        }});
        checked(&text.to_string(), &writing_pack().registry())
    };
    let runner = runner(1, 1 << 20);
    let why = |x: i64| {
        let result = run(&runner, &graph(x));
        assert_eq!(result.outputs[0].1.as_int(), Some(i128::from(x)), "its output is there, run or not");
        assert_eq!(fs::read_to_string(&file).unwrap(), format!("Value({x})"));
        whys(&result).lines().nth(1).unwrap().to_owned()
    };
    assert_eq!(why(1), "keep: ran: first time");
    assert_eq!(why(1), "keep: cached: its files have not changed");
    assert_eq!(why(2), "keep: ran: input `x`, which comes from `x`, changed");
    assert_eq!(
        why(1),
        "keep: ran: input `x`, which comes from `x`, changed",
        "the file holds the result of another run"
    );
    fs::write(&file, "changed").unwrap();
    assert_eq!(why(1), "keep: ran: its files changed since it wrote them");
    fs::remove_file(&file).unwrap();
    assert_eq!(why(1), "keep: ran: its files changed since it wrote them");
    assert_eq!(why(1), "keep: cached: its files have not changed");
    let result = run(&runner, &graph(1));
    assert_eq!((result.written.len(), &result.nodes[1].status), (0, &Status::Cached));
}

#[test]
fn a_writing_node_without_a_cache_always_runs() {
    let folder = TempDir::new().unwrap();
    let text =
        json!({"nodes": {"keep": {"class_type": "t.Keep", "inputs": {"x": 1, "path": folder.path().join("out.txt")}}}});
    let checked = checked(&text.to_string(), &writing_pack().registry());
    let runner = runner(1, 0);
    for _ in 0..2 {
        assert_eq!(whys(&run(&runner, &checked)), "keep: ran: results are not kept");
    }
}

#[test]
fn results_of_a_reloaded_pack_are_computed_again() {
    use splatgraph::registry::{Instance, NodeSource, Pack, Registry};
    use std::sync::Arc;
    struct Source(u64);
    struct Gives(u64);
    impl NodeSource for Source {
        fn create(&self, _: &str) -> Result<Box<dyn Instance>, Error> {
            Ok(Box::new(Gives(self.0)))
        }
        fn generation(&self) -> u64 {
            self.0
        }
    }
    impl Instance for Gives {
        fn run(&self, _: &splatgraph_sdk::Ctx, _: &[Value]) -> Result<Vec<Value>, Error> {
            Ok(vec![Value::uint(self.0)])
        }
    }
    let manifest = json!({ "id": "hot", "nodes": [{ "name": "Give", "outputs": [{ "name": "n", "type": "INT" }] }] });
    let registry = |generation: u64| {
        let manifest = serde_json::from_value(manifest.clone()).unwrap();
        let hot = Pack { manifest, path: "".into(), nodes: Arc::new(Source(generation)) };
        Registry::new(vec![hot, arithmetic().pack()])
    };
    let text = r#"{"outputs": {"sum": ["add", 0]}, "nodes": {
        "hot": {"class_type": "hot.Give"}, "other": {"class_type": "t.Number", "inputs": {"value": 10}},
        "add": {"class_type": "t.Add", "inputs": {"a": ["hot", 0], "b": ["other", 0]}}}}"#;
    let runner = runner(1, 1 << 20);
    let sum = |generation| {
        let result = run(&runner, &checked(text, &registry(generation)));
        (result.outputs[0].1.as_int(), whys(&result))
    };
    assert_eq!(sum(1).0, Some(11));
    assert_eq!(sum(1).1, "hot: cached\nother: cached\nadd: cached");
    let (number, whys) = sum(2);
    assert_eq!(number, Some(12));
    insta::assert_snapshot!(whys, @"
    hot: ran: its pack was reloaded
    other: cached
    add: ran: input `a`, which comes from `hot`, changed
    ");
}

#[test]
fn settings_count_unless_they_change_no_result() {
    let runner = runner(2, 1 << 20);
    let checked = checked(&graph(1, 5), &pack().registry());
    let with = |name: &str, value: i64| {
        let settings = Settings::from_iter([(name.to_owned(), value.into())]);
        whys(&runner.run(&checked, &settings, |_| {}, &CancelToken::new())).lines().next().unwrap().to_owned()
    };
    assert_eq!(with("threads", 1), "a: ran: first time");
    assert_eq!(with("threads", 2), "a: cached");
    assert_eq!(with("png_text", 1), "a: cached");
    assert_eq!(with("precision", 16), "a: ran: the settings changed");
}

#[test]
fn a_new_version_of_a_node_runs() {
    let registry = |version: u32| {
        let x = json!([{ "name": "x", "type": "INT", "default": 0 }]);
        let spec = json!({ "name": "N", "version": version, "inputs": x, "outputs": x });
        PackOf::new("v").node(spec, move |_, _| Ok(vec![Value::uint(version.into())])).registry()
    };
    let text = r#"{"outputs": {"x": ["n", 0]}, "nodes": {"n": {"class_type": "v.N"}}}"#;
    let runner = runner(1, 1 << 20);
    let why = |version| {
        let result = run(&runner, &checked(text, &registry(version)));
        format!("{}, gave {:?}", whys(&result), result.outputs[0].1)
    };
    assert_eq!(why(1), "n: ran: first time, gave Value(1)");
    assert_eq!(why(1), "n: cached, gave Value(1)");
    assert_eq!(why(2), "n: ran: its class or version changed, gave Value(2)");
}

#[test]
fn which_output_a_link_takes_counts() {
    let int = |name: &str| json!({ "name": name, "type": "INT" });
    let spec = json!({ "name": "Two", "outputs": [int("one"), int("two")] });
    let pack = arithmetic().node(spec, |_, _| Ok(vec![Value::int(1), Value::int(2)]));
    let (registry, runner) = (pack.registry(), runner(1, 1 << 20));
    for (output, expected) in [("one", 2), ("two", 4), ("one", 2)] {
        let text = format!(
            r#"{{"outputs": {{"x": ["add", 0]}}, "nodes": {{"two": {{"class_type": "t.Two"}},
            "add": {{"class_type": "t.Add", "inputs": {{"a": ["two", "{output}"], "b": ["two", "{output}"]}}}}}}}}"#
        );
        assert_eq!(run(&runner, &checked(&text, &registry)).outputs[0].1.as_int(), Some(expected));
    }
}

#[test]
fn a_failure_is_not_kept() {
    let failing = PackOf::new("t")
        .node(json!({ "name": "Fail", "inputs": [], "outputs": [{ "name": "x", "type": "INT" }] }), |_, _| {
            Err(Error::new("no"))
        });
    let checked =
        checked(r#"{"outputs": {"x": ["n", 0]}, "nodes": {"n": {"class_type": "t.Fail"}}}"#, &failing.registry());
    let runner = runner(1, 1 << 20);
    for _ in 0..2 {
        assert_eq!(run(&runner, &checked).failures.len(), 1);
    }
}

#[test]
fn results_that_exceed_the_budget_are_computed_again() {
    let texts = json!([{ "name": "text", "type": "STRING", "default": "" }]);
    let spec = json!({ "name": "Long", "inputs": texts, "outputs": texts });
    let pack = PackOf::new("t").node(spec, |_, _| Ok(vec![Value::text("x".repeat(10_000))]));
    let checked =
        checked(r#"{"outputs": {"x": ["n", 0]}, "nodes": {"n": {"class_type": "t.Long"}}}"#, &pack.registry());
    let small = runner(1, 1000);
    run(&small, &checked);
    assert_eq!(whys(&run(&small, &checked)), "n: ran: its last result was not kept");
    let off = runner(1, 0);
    run(&off, &checked);
    assert_eq!(whys(&run(&off, &checked)), "n: ran: results are not kept");
}

#[test]
fn files_count_by_their_content() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("in.txt");
    let path = |kind: &str| json!([{ "name": "path", "type": "STRING", "path": kind }]);
    let text = json!([{ "name": "text", "type": "STRING" }]);
    let read = |_: &splatgraph_sdk::Ctx, inputs: &[Value]| {
        Ok(vec![Value::text(fs::read_to_string(inputs[0].as_text().unwrap_or_default())?)])
    };
    let pack = PackOf::new("t")
        .node(json!({ "name": "Read", "inputs": path("read"), "outputs": text }), read)
        .node(json!({ "name": "Name", "inputs": text, "outputs": text }), |_, inputs| Ok(inputs.to_vec()))
        .node(json!({ "name": "Upper", "inputs": text, "outputs": text }), |_, inputs| {
            Ok(vec![Value::text(inputs[0].as_text().unwrap_or_default().to_uppercase())])
        });
    let name = serde_json::to_string(&file).unwrap();
    let text = format!(
        r#"{{"outputs": {{"text": ["upper", 0], "linked": ["linked", 0]}}, "nodes": {{
        "read": {{"class_type": "t.Read", "inputs": {{"path": {name}}}}},
        "upper": {{"class_type": "t.Upper", "inputs": {{"text": ["read", 0]}}}},
        "name": {{"class_type": "t.Name", "inputs": {{"text": {name}}}}},
        "linked": {{"class_type": "t.Read", "inputs": {{"path": ["name", 0]}}}}}}}}"#
    );
    let checked = checked(&text, &pack.registry());
    let runner = runner(1, 1 << 20);
    assert_eq!(run(&runner, &checked).failures.len(), 2, "the file is missing");
    fs::write(&file, "one").unwrap();
    assert_eq!(run(&runner, &checked).outputs[0].1.as_text(), Some("ONE"));
    insta::assert_snapshot!(whys(&run(&runner, &checked)), @"
    read: cached
    upper: cached
    name: cached
    linked: ran: input `path` may have changed
    ");
    fs::write(&file, "two").unwrap();
    let result = run(&runner, &checked);
    assert_eq!(result.outputs[0].1.as_text(), Some("TWO"));
    assert_eq!(result.outputs[1].1.as_text(), Some("two"));
    insta::assert_snapshot!(whys(&result), @"
    read: ran: the file of input `path` changed
    upper: ran: input `text`, which comes from `read`, changed
    name: cached
    linked: ran: input `path` may have changed
    ");
}

#[test]
fn nodes_live_as_long_as_the_runner() {
    use splatgraph::registry::{Instance, NodeSource, Pack, Registry};
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };
    #[derive(Default)]
    struct Source(Arc<AtomicUsize>);
    struct Counter(AtomicUsize);
    impl NodeSource for Source {
        fn create(&self, _: &str) -> Result<Box<dyn Instance>, Error> {
            self.0.fetch_add(1, Ordering::SeqCst);
            Ok(Box::new(Counter(AtomicUsize::new(0))))
        }
    }
    impl Instance for Counter {
        fn run(&self, _: &splatgraph_sdk::Ctx, _: &[Value]) -> Result<Vec<Value>, Error> {
            Ok(vec![Value::uint(self.0.fetch_add(1, Ordering::SeqCst) as u64)])
        }
    }
    // An output node runs even if another one is equal.
    let manifest = json!({ "id": "t", "nodes": [{ "name": "Count", "output": true, "outputs": [{ "name": "n", "type": "INT" }] }] });
    let made = Arc::new(AtomicUsize::new(0));
    let registry = Registry::new(vec![Pack {
        manifest: serde_json::from_value(manifest).unwrap(),
        path: "".into(),
        nodes: Arc::new(Source(made.clone())),
    }]);
    let text = r#"{"outputs": {"a": ["a", 0], "b": ["b", 0]}, "nodes": {"a": {"class_type": "t.Count"}, "b": {"class_type": "t.Count"}}}"#;
    let (both, runner) = (checked(text, &registry), runner(2, 0));
    for expected in 0..3 {
        let result = run(&runner, &both);
        assert!(result.outputs.iter().all(|(_, value)| value.as_int() == Some(expected)));
    }
    assert_eq!(made.load(Ordering::SeqCst), 2, "one for each node");
    // Instances of nodes that an edited graph no longer has are dropped on request.
    let one =
        checked(&text.replace(r#", "b": ["b", 0]"#, "").replace(r#", "b": {"class_type": "t.Count"}"#, ""), &registry);
    runner.keep_only_nodes_of(&one);
    let result = run(&runner, &both);
    let numbers: Vec<_> = result.outputs.iter().map(|(_, value)| value.as_int()).collect();
    assert_eq!((numbers, made.load(Ordering::SeqCst)), (vec![Some(3), Some(0)], 3));
}

#[test]
fn equal_nodes_run_once() {
    let text = |d: i64| {
        json!({"outputs": {"x": ["e", 0], "y": ["f", 0]}, "nodes": {
            "a": {"class_type": "t.Number", "inputs": {"value": 1}},
            "b": {"class_type": "t.Number", "inputs": {"value": 1}},
            "c": {"class_type": "t.Sum", "inputs": {"numbers": [["a", 0], ["b", 0]]}},
            "d": {"class_type": "t.Number", "inputs": {"value": d}},
            "e": {"class_type": "t.Sum", "inputs": {"numbers": [["b", 0], ["d", 0]]}},
            "f": {"class_type": "t.Add", "inputs": {"a": ["a", 0], "b": ["c", 0]}},
            "save": {"class_type": "t.Save", "inputs": {"x": ["e", 0]}},
            "again": {"class_type": "t.Save", "inputs": {"x": ["e", 0]}},
        }})
        .to_string()
    };
    let outputs =
        |result: &RunResult| result.outputs.iter().map(|(_, value)| value.as_int().unwrap()).collect::<Vec<_>>();
    for cache_bytes in [0, 1 << 20] {
        let runner = runner(2, cache_bytes);
        let same = checked(&text(1), &pack().registry());
        let mut events = lines(&runner, &same);
        events.sort();
        assert_eq!(events.iter().filter(|line| line.ends_with(" started")).count(), 5, "{events:?}");
        assert_eq!(events.iter().filter(|line| line.ends_with(" finished (cached)")).count(), 3, "{events:?}");
        let result = run(&runner, &same);
        assert_eq!(outputs(&result), [2, 3]);
        // They are told apart as soon as they differ.
        let other = run(&runner, &checked(&text(7), &pack().registry()));
        assert_eq!(outputs(&other), [8, 3]);
        if cache_bytes == 0 {
            insta::assert_snapshot!(whys(&result), @r"
            a: ran: results are not kept
            b: equal to `a`
            c: ran: results are not kept
            d: equal to `a`
            e: equal to `c`
            f: ran: results are not kept
            save: ran: results are not kept
            again: ran: results are not kept
            ");
        } else {
            insta::assert_snapshot!(whys(&other), @r"
            a: cached
            b: equal to `a`
            c: cached
            d: ran: input `value` changed
            e: ran: input `numbers` changed
            f: cached
            save: ran: it is an output node
            again: ran: it is an output node
            ");
        }
    }
}

#[test]
fn equal_nodes_fail_once() {
    let int = json!([{ "name": "x", "type": "INT" }]);
    let pack = arithmetic()
        .node(json!({ "name": "Fails", "inputs": int, "outputs": int }), |_, _| Err(Error::new("on purpose")));
    let text = json!({"outputs": {"x": ["sum", 0]}, "nodes": {
        "first": {"class_type": "t.Fails", "inputs": {"x": 1}},
        "second": {"class_type": "t.Fails", "inputs": {"x": 1}},
        "sum": {"class_type": "t.Add", "inputs": {"a": ["first", 0], "b": ["second", 0]}},
    }});
    let checked = checked(&text.to_string(), &pack.registry());
    let result = run(&runner(2, 0), &checked);
    assert_eq!((result.failures.len(), result.outputs.len()), (1, 0));
    let statuses = super::statuses(&result);
    let because = |status: &Status| matches!(status, Status::Skipped(_));
    assert!(statuses.iter().filter(|(_, status)| because(status)).count() == 2, "{statuses:?}");
}
