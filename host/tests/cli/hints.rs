//! What the program says to somebody who did nearly the right thing.

use serde_json::json;

use crate::support::Place;
use crate::{graph, node};

/// A graph with a file to read, a number and a flag.
fn place() -> Place {
    let place = Place::with_stub();
    let nodes = json!({
        "read": node("ReadText", json!({"path": "a.txt"})),
        "add": node("Add", json!({"a": 1, "b": 2})),
        "kinds": node("EveryKind", json!({"numbers": {"__value__": [1]}})),
    });
    let inputs = json!({"file": "read.path", "a": "add.a", "on": "kinds.on"});
    let outputs = json!({"text": ["read", "text"], "sum": ["add", "sum"], "kinds": ["kinds", "text"]});
    place.write("graph.json", &json!({"inputs": inputs, "outputs": outputs, "nodes": nodes}).to_string());
    for name in ["a.txt", "texts/a.txt", "texts/b.txt"] {
        place.write(name, name);
    }
    place
}

/// The errors of a command that must fail.
fn errors(place: &Place, arguments: &[&str]) -> String {
    let ran = place.run(arguments);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{arguments:?}: {}", ran.stderr);
    ran.stderr
}

#[test]
fn many_files_are_for_a_batch() {
    let place = place();
    for command in ["run", "check", "bench", "watch"] {
        let error = errors(&place, &[command, "graph.json", "file=texts"]);
        assert_eq!(
            error,
            "error: `file=texts`: expected a file, got a folder; `splatgraph batch` runs the graph over many files: file='texts/*'\n"
        );
    }
    insta::assert_snapshot!(errors(&place, &["run", "graph.json", "file=texts/*.txt"]), @"error: `file=texts/*.txt`: expected a file, got a pattern; `splatgraph batch` runs the graph over many files: file='texts/*.txt'");
    insta::assert_snapshot!(errors(&place, &["run", "graph.json", "a=0..9"]), @r#"
    error: node `add` (stub.Add), input `a`: `a=0..9`: expected a whole number, got "0..9"; a run takes one value; `splatgraph batch` runs a graph over several
    1 problem in graph.json
    "#);
    insta::assert_snapshot!(errors(&place, &["run", "graph.json", "a=1,2"]), @r#"
    error: node `add` (stub.Add), input `a`: `a=1,2`: expected a whole number, got "1,2"; a run takes one value; `splatgraph batch` runs a graph over several
    1 problem in graph.json
    "#);
    assert_eq!(place.run(&["batch", "graph.json", "file=texts/*", "--table", "t.csv", "-q"]).code, 0);
}

#[test]
fn a_bare_file_gets_the_name_of_the_input() {
    let place = place();
    insta::assert_snapshot!(errors(&place, &["run", "graph.json", "texts/a.txt"]), @"error: expected NAME=VALUE, got `texts/a.txt`; did you mean `file=texts/a.txt`?");
    // There is nothing to guess for another word.
    insta::assert_snapshot!(errors(&place, &["run", "graph.json", "many"]), @"error: expected NAME=VALUE, got `many`");
    // The input of a part counts too.
    let part = json!({"class_type": "./graph.json"});
    let whole =
        json!({"inputs": {"words": "part.file"}, "outputs": {"text": ["part", "text"]}, "nodes": {"part": part}});
    place.write("outer.json", &whole.to_string());
    insta::assert_snapshot!(errors(&place, &["run", "outer.json", "a.txt"]), @"error: expected NAME=VALUE, got `a.txt`; did you mean `words=a.txt`?");
}

#[test]
fn literals_of_python_are_named_with_what_to_write() {
    let place = place();
    for (text, said) in [
        ("True", "got `True`; write true"),
        ("False", "got `False`; write false"),
        ("None", "got `None`; write null"),
        ("'text'", "got '; write text in double quotes, as \"text\""),
        ("(1, 2)", "got '('; write a list in square brackets, as [1, 2]"),
        ("[1, None]", "got `None`; write null"),
    ] {
        place.write(
            "wrong.json",
            &format!(r#"{{"nodes": {{"a": {{"class_type": "stub.Add", "inputs": {{"a": {text}}}}}}}}}"#),
        );
        let error = errors(&place, &["check", "wrong.json"]);
        assert!(error.contains(said), "{text}: {error}");
    }
    insta::assert_snapshot!(errors(&place, &["check", "graph.json", "on=True"]), @r#"
    error: node `kinds` (stub.EveryKind), input `on`: `on=True`: expected true or false, got "True"; write true
    1 problem in graph.json
    "#);
}

#[test]
fn a_part_by_itself_says_where_its_values_come_from() {
    let place = Place::with_stub();
    let nodes = json!({"mean": node("Mean", json!({})), "read": node("ReadText", json!({}))});
    let inputs = json!({"picture": "mean.image", "file": "read.path"});
    let part =
        json!({"inputs": inputs, "outputs": {"mean": ["mean", "mean"], "text": ["read", "text"]}, "nodes": nodes});
    place.write("part.json", &part.to_string());
    insta::assert_snapshot!(errors(&place, &["check", "part.json"]), @"
    error: line 1, column 122, node `mean` (stub.Mean), input `image`: expected a link to IMAGE, got nothing; a graph that has this one as a node gives it with its input `picture`; check or run that graph
    error: line 1, column 168, node `read` (stub.ReadText), input `path`: expected a path, got nothing; give one with `file=VALUE`
    2 problems in part.json
    ");
}

#[test]
fn a_placeholder_is_no_problem_of_its_own_after_another_problem() {
    let place = Place::with_stub();
    let nodes = json!({
        "read": node("ReadTxt", json!({"path": "a.txt"})),
        "add": node("Ad", json!({"a": 1})),
        "save": node("WriteText", json!({"text": "x", "path": "{stem}-{a}.txt"})),
    });
    place.write("graph.json", &json!({"inputs": {"a": "add.a"}, "nodes": nodes}).to_string());
    let error = errors(&place, &["check", "graph.json"]);
    assert!(!error.contains("{stem}") && !error.contains("{a}") && error.contains("2 problems"), "{error}");
}

#[test]
fn files_of_nodes_that_are_not_needed_are_not_checked() {
    let place = Place::with_stub();
    let nodes = json!({
        "model": node("UseModel", json!({"model": "none"})),
        "add": node("Add", json!({"a": 1, "b": 2})),
        "first": node("WriteText", json!({"text": ["add", "sum"], "path": "same.txt"})),
        "second": node("WriteText", json!({"text": ["model", "model"], "path": "same.txt"})),
    });
    graph(&place, &nodes, &json!({}));
    assert_eq!(place.run(&["run", "graph.json"]).code, 2);
    for (until, made) in [("add", "add.sum  3\n"), ("first", "first.path  [DIR]/work/same.txt\nwrote       same.txt\n")]
    {
        let ran = place.run(&["run", "graph.json", "--until", until]);
        assert_eq!((ran.code, ran.stdout.as_str()), (0, made), "{}", ran.stderr);
    }
    assert_eq!(place.run(&["run", "graph.json", "--until", "model"]).code, 3);
}

#[test]
fn a_file_in_another_encoding_or_with_other_separators_is_named() {
    let place = place();
    let utf16: Vec<u8> = "\u{feff}{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(place.path("work/utf16.json"), utf16).unwrap();
    insta::assert_snapshot!(errors(&place, &["check", "utf16.json"]), @"
    error: expected a graph in JSON text, or a PNG picture with a graph in it, got text in UTF-16; save the file as UTF-8
      utf16.json
    ");
    place.write("rows.csv", "file;a\ntexts/a.txt;1\n");
    insta::assert_snapshot!(errors(&place, &["batch", "graph.json", "@rows.csv"]).replace(place.path("").to_str().unwrap(), "[DIR]/"), @"
    error: `@rows.csv`: expected commas between the columns, got ';'; save the file with commas
      [DIR]/work/rows.csv
    ");
    // One column is right without any separator.
    place.write("one.csv", "file\ntexts/a.txt\n");
    assert_eq!(place.run(&["batch", "graph.json", "@one.csv", "--table", "t.csv", "-q"]).code, 0);
}
