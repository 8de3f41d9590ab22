use super::{graph, parse, problems};
use serde_json::json;
use splatgraph::graph::Source;

/// The error of reading, before any check.
#[track_caller]
fn unreadable(text: &str) -> String {
    parse(text).expect_err("it can't be read").to_string()
}

#[test]
fn syntax_errors_have_a_position() {
    insta::assert_snapshot!(unreadable(""), @"");
    insta::assert_snapshot!(unreadable(" \n "), @"");
    insta::assert_snapshot!(unreadable("{\"nodes\": {\n  \"a\" {}\n}}"), @"");
    insta::assert_snapshot!(unreadable("{\"nodes\": {"), @"");
    insta::assert_snapshot!(unreadable("{\"nodes\": {}} x"), @"");
    insta::assert_snapshot!(unreadable("{'nodes': {}}"), @"");
    insta::assert_snapshot!(unreadable("{nodes: {}}"), @"");
    insta::assert_snapshot!(unreadable("{\"nodes\": nope}"), @"");
    insta::assert_snapshot!(unreadable("{\"nodes\": NaN}"), @"");
    insta::assert_snapshot!(unreadable("{\"nodes\": 1e999}"), @"");
    insta::assert_snapshot!(unreadable("{\"nodes\": 01}"), @"");
    insta::assert_snapshot!(unreadable("{\"title\": \"a\nb\"}"), @"");
    insta::assert_snapshot!(unreadable("{\"title\": \"a"), @"");
    insta::assert_snapshot!(unreadable("{\"title\": \"ü\\q\"}"), @"");
    insta::assert_snapshot!(unreadable("{\"title\": \"\\ud800\"}"), @"");
    insta::assert_snapshot!(unreadable("/* {"), @"");
    insta::assert_snapshot!(unreadable(&"[".repeat(100_000)), @"");
}

#[test]
fn what_is_no_graph_is_named() {
    insta::assert_snapshot!(unreadable("3"), @"");
    insta::assert_snapshot!(unreadable("[]"), @"");
    insta::assert_snapshot!(unreadable("{}"), @"");
    insta::assert_snapshot!(unreadable(r#"{"steps": 3, "model": "small"}"#), @"");
    insta::assert_snapshot!(unreadable(r#"{"nodes": [{"id": 1}], "links": []}"#), @"");
    insta::assert_snapshot!(unreadable(r#"{"prompt": {"1": {"class_type": "LoadImage"}}, "client_id": "x"}"#), @"");
    insta::assert_snapshot!(unreadable(r#"{"version": 2, "nodes": {}, "loops": []}"#), @"");
}

#[test]
fn several_problems_are_found_at_once() {
    let text = r#"{
  "version": "1",
  "titel": "A graph",
  // a comment
  "inputs": {"tokens": "init", "image": ["a.b", 3]},
  "outputs": {"psnr": "compare.psnr"},
  "nodes": {
    "load": {"class_type": "std.LoadImage", "inputs": {"path": "a.png", "path": "b.png",}},
    "load": {"class_type": "std.LoadImage"},
    "init": {"inputs": {}},
    "more": {"class_type": 3, "input": {}},
    "less": {"class_type": "std.Note", "inputs": {"extra": [1, 2, 3], "seed": 18446744073709551616}},
    "last": 5
  }
}"#;
    insta::assert_snapshot!(problems(text), @"");
}

#[test]
fn keys_for_others_are_passed_over() {
    let text = r#"{"$schema": "schema.json", "_note": 1, "nodes": {
        "_off": {"class_type": "none"},
        "note": {"class_type": "std.Note", "_meta": {"title": "x"}, "inputs": {"_old": 3, "text": "a"}}}}"#;
    let file = parse(text).unwrap();
    assert_eq!((file.problems.len(), file.nodes.len(), file.nodes[0].inputs.len()), (0, 1, 1));
}

#[test]
fn literals_links_and_lists_are_told_apart() {
    let text = graph(
        r#""n": {"class_type": "std.Note", "inputs": {
            "object": {"a": [1]}, "array": {"__value__": ["a", 1]}, "typed": {"__type__": "CURVE", "__value__": [0]},
            "name": ["n", "text"], "index": ["n", 1], "float": ["n", 1.0], "links": [["n", 0], ["m", "x"]], "none": [],
            "seed": 18446744073709551615}}"#,
    );
    let file = parse(&text).unwrap();
    let node = &file.nodes[0];
    assert_eq!(node.input("object"), Some(&Source::Literal(json!({ "a": [1] }))));
    assert_eq!(node.input("array"), Some(&Source::Literal(json!(["a", 1]))));
    assert_eq!(node.input("typed"), Some(&Source::Literal(json!([0]))));
    assert_eq!(node.input("seed"), Some(&Source::Literal(json!(u64::MAX))));
    let shown = |name: &str| match node.input(name) {
        Some(Source::Link(link)) => link.to_string(),
        Some(Source::Links(links)) => links.iter().map(|link| format!("{link};")).collect(),
        other => format!("{other:?}"),
    };
    assert_eq!(["name", "index", "float", "links", "none"].map(shown), ["n.text", "n.1", "n.1", "n.0;m.x;", ""]);
    // Written and read again, it is the same.
    let again = parse(&file.to_json().to_string()).unwrap();
    assert_eq!(again.to_json(), file.to_json());
    assert!(again.nodes[0].inputs.iter().zip(&node.inputs).all(|(a, b)| a.source == b.source));
}

#[test]
fn a_bare_prompt_is_a_graph_too() {
    let text = r#"{
        "2": {"class_type": "SaveImage", "inputs": {"image": ["nodes", 0], "path": "o.png"}, "_meta": {"title": "Save"}},
        "nodes": {"class_type": "LoadImage", "inputs": {"path": "cat.png"}, "cnr_id": "core", "is_changed": [1]}}"#;
    let file = parse(text).unwrap();
    assert!(file.bare && file.problems.is_empty());
    assert_eq!(file.nodes.iter().map(|node| node.id.as_str()).collect::<Vec<_>>(), ["2", "nodes"]);
}

#[test]
fn a_byte_order_mark_and_other_line_ends_do_no_harm() {
    let file = parse("\u{feff}{\r\n\"nodes\": {}\r\n}\r\n").unwrap();
    assert!(file.problems.is_empty());
}
