//! Reading the text of graph files.

use super::{check_with, given, graph, parse, problems};
use serde_json::json;
use splatgraph::graph::Source;

/// The problems of reading a text, without a check.
#[track_caller]
fn unreadable(text: &str) -> String {
    parse(text).expect_err("it can't be read").to_string()
}

/// Python writes them into prompts of ComfyUI, where nobody needs them.
#[test]
fn numbers_that_json_does_not_have_are_wrong_only_where_they_are_values() {
    let prompt = |changed: &str, width: &str| {
        format!(
            r#"{{"version": 0.4, "extra": {{"seed": NaN}},
                "1": {{"class_type": "std.LoadImage", "inputs": {{"path": "a.png"}}, "is_changed": {changed}}},
                "2": {{"class_type": "std.Resize", "inputs": {{"image": ["1", 0], "width": {width}, "tags": ["a"], "no": []}}}},
                "3": {{"class_type": "std.SaveImage", "inputs": {{"image": ["2", 0], "path": "out.png"}}, "is_changed": [NaN]}}}}"#
        )
    };
    for changed in ["NaN", "[NaN, -Infinity]", r#"{"a": Infinity}"#] {
        check_with(&prompt(changed, "3"), &given()).unwrap();
    }
    insta::assert_snapshot!(problems(&prompt("1", "NaN")), @"
    line 3, column 90: JSON has no NaN
    1 problem in the text
    ");
    insta::assert_snapshot!(problems(&prompt("1", "-Infinity")), @"
    line 3, column 90: JSON has no -Infinity
    1 problem in the text
    ");
    insta::assert_snapshot!(problems(r#"{"nodes": {"a": {"class_type": "std.Note", "inputs": {"text": NaN}}}}"#), @"
    line 1, column 63: JSON has no NaN
    the graph has nothing to run for: expected named results under `outputs`, or an output node; output nodes are: std.SaveImage
    2 problems in the text
    ");
    insta::assert_snapshot!(problems(r#"{"nodes": NaN}"#), @"
    line 1, column 11: JSON has no NaN
    the graph has nothing to run for: expected named results under `outputs`, or an output node; output nodes are: std.SaveImage
    2 problems in the text
    ");
}

#[test]
fn syntax_errors_have_a_position() {
    insta::assert_snapshot!(unreadable(""), @"
    expected a graph, got an empty text
    1 problem in the text
    ");
    insta::assert_snapshot!(unreadable(" \n "), @"
    expected a graph, got an empty text
    1 problem in the text
    ");
    insta::assert_snapshot!(unreadable("{\"nodes\": {\n  \"a\" {}\n}}"), @"
    line 2, column 7: the JSON cannot be read: expected `:` after the key, got '{'
    1 problem in the text
    ");
    insta::assert_snapshot!(unreadable("{\"nodes\": {"), @"
    line 1, column 12: the JSON cannot be read: expected a key in double quotes, got the end of the text
    1 problem in the text
    ");
    insta::assert_snapshot!(unreadable("{\"nodes\": {}} x"), @"
    line 1, column 15: the JSON cannot be read: expected the end of the text, got 'x'
    1 problem in the text
    ");
    insta::assert_snapshot!(unreadable("{'nodes': {}}"), @r#"
    line 1, column 2: the JSON cannot be read: expected a key in double quotes, got '; write text in double quotes, as "text"
    1 problem in the text
    "#);
    insta::assert_snapshot!(unreadable("{nodes: {}}"), @"
    line 1, column 2: the JSON cannot be read: expected a key in double quotes, got 'n'
    1 problem in the text
    ");
    insta::assert_snapshot!(unreadable("{\"nodes\": nope}"), @"
    line 1, column 11: the JSON cannot be read: expected a value, got `nope`; write text in double quotes
    1 problem in the text
    ");
    insta::assert_snapshot!(unreadable("{\"nodes\": 1e999}"), @"
    line 1, column 11: expected a number, got `1e999`, which JSON or f64 does not have
    1 problem in the text
    ");
    insta::assert_snapshot!(unreadable("{\"nodes\": 01}"), @"
    line 1, column 11: expected a number, got `01`, which JSON or f64 does not have
    1 problem in the text
    ");
    insta::assert_snapshot!(unreadable("{\"title\": \"a\nb\"}"), @r"
    line 1, column 13: a text has a line break or another control character; close the text, or write \n
    1 problem in the text
    ");
    insta::assert_snapshot!(unreadable("{\"title\": \"a"), @r"
    line 1, column 11: a text has no closing quote
    1 problem in the text
    ");
    insta::assert_snapshot!(unreadable("{\"title\": \"ü\\q\"}"), @r"
    line 1, column 14: the text has an escape that JSON does not have; write a backslash as \\, another character as \uXXXX
    1 problem in the text
    ");
    insta::assert_snapshot!(unreadable("{\"title\": \"\\ud800\"}"), @r"
    line 1, column 18: the text has an escape that JSON does not have; write a backslash as \\, another character as \uXXXX
    1 problem in the text
    ");
    insta::assert_snapshot!(unreadable("/* {"), @r"
    line 1, column 1: a comment has no end
    1 problem in the text
    ");
    insta::assert_snapshot!(unreadable(&"[".repeat(100_000)), @"
    line 1, column 121: expected at most 120 levels of brackets, got more
    1 problem in the text
    ");
}

#[test]
fn texts_that_are_not_graphs_are_described() {
    insta::assert_snapshot!(unreadable("3"), @"
    line 1, column 1: the text is not a graph: expected an object with the key `nodes`, got the number 3
    1 problem in the text
    ");
    insta::assert_snapshot!(unreadable("[]"), @"
    line 1, column 1: the text is not a graph: expected an object with the key `nodes`, got an array
    1 problem in the text
    ");
    insta::assert_snapshot!(unreadable("{}"), @"
    line 1, column 1: the text is not a graph: expected the key `nodes`, got an empty object
    1 problem in the text
    ");
    insta::assert_snapshot!(unreadable(r#"{"steps": 3, "model": "small"}"#), @"
    line 1, column 1: the text is not a graph: expected the key `nodes`, got the keys steps, model
    1 problem in the text
    ");
    insta::assert_snapshot!(unreadable(r#"{"prompt": {"1": {"class_type": "LoadImage"}}, "client_id": "x"}"#), @"
    line 1, column 1: the text is not a graph: expected the key `nodes`, got the body of a request, line 1; keep only the object under `prompt`
    1 problem in the text
    ");
    insta::assert_snapshot!(unreadable(r#"{"version": 3, "nodes": {}, "loops": []}"#), @r"
    line 1, column 13: the graph has version 3 of the format: expected at most 2; use a newer splatgraph
    1 problem in the text
    ");
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
    insta::assert_snapshot!(problems(text), @r#"
    line 2, column 14: `version`: expected a number from 1 to 2, got the text "1"
    line 3, column 3: a graph has no key "titel"; did you mean `title`?
    line 4, column 3: JSON has no comments; move the text to a key that starts with `_`
    line 5, column 24: the named input `tokens`: expected "node.input", or a list of them, got the text "init"
    line 5, column 41: the named input `image`: expected "node.input", or a list of them, got an array
    line 6, column 23: the named output `psnr`: expected a link: ["node", "output"], got the text "compare.psnr"
    line 8, column 73: the object has the key "path" twice, first in line 8; rename or remove one of them
    line 8, column 88: JSON has no comma before `}`; remove the comma
    line 9, column 5: the object has the key "load" twice, first in line 8; rename or remove one of them
    line 10, column 5: node `init` has no `class_type`: expected a class like "pack.Node"
    line 11, column 28: node `more`, `class_type`: expected a class like "pack.Node", got the number 3
    line 11, column 31: node `more` has no key "input"; did you mean `inputs`?
    line 12, column 60, node `less`, input `extra`: expected a link ["node", "output"] or a list of links, got another array; write an array of values as {"__value__": [...]}
    line 12, column 79: the whole number 18446744073709551616 is out of range: expected -9223372036854775808 to 18446744073709551615; write a smaller one, or a float with an exponent
    line 13, column 13: node `last`: expected an object like {"class_type": "pack.Node", "inputs": {}}, got the number 5
    15 problems in the text
    "#);
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
fn literals_links_and_lists_are_distinguished() {
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
    // Writing and reading the graph does not change it.
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
