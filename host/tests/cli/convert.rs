//! `splatgraph convert`, through the real binary.

use std::fs;

use crate::support::Place;
use crate::{GRAPH, node, with_packs};
use serde_json::{Value as Json, json};

fn parsed(text: &str) -> Json {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn a_graph_becomes_a_bare_prompt_and_a_graph_again() {
    let place = Place::with_stub();
    place.write("graph.json", GRAPH);
    insta::assert_snapshot!(place.run(&["convert", "graph.json", "--api"]).all(), @r#"
    exit code 0
    --- stdout
    {
      "first": {"class_type": "stub.Constant", "inputs": {"value": 3}},
      "add": {"class_type": "stub.Add", "inputs": {"a": ["first", 0], "b": 4}},
      "save": {"class_type": "stub.WriteText", "inputs": {"text": ["add", 0], "path": "sum.txt"}}
    }
    --- stderr
    a bare prompt cannot hold the title
    a bare prompt cannot hold the description
    a bare prompt cannot hold the named inputs: start, output
    a bare prompt cannot hold the named outputs: sum
    "#);
    let ran = place.run(&["convert", "graph.json", "--api", "--output", "prompt.json"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
    assert_eq!(place.run(&["run", "prompt.json"]).code, 0);
    insta::assert_snapshot!(place.run(&["convert", "prompt.json"]).all(), @r#"
    exit code 0
    --- stdout
    {
      "version": 2,
      "packs": {
        "stub": "0.1.0"
      },
      "nodes": {
        "first": {"class_type": "stub.Constant", "inputs": {"value": 3}},
        "add": {"class_type": "stub.Add", "inputs": {"a": ["first", "value"], "b": 4}},
        "save": {"class_type": "stub.WriteText", "inputs": {"text": ["add", "sum"], "path": "sum.txt"}}
      }
    }
    --- stderr
    "#);
    // The names are lost, and nothing else.
    let again = parsed(&place.run(&["convert", "prompt.json"]).stdout);
    assert_eq!(again["nodes"], parsed(GRAPH)["nodes"]);
    let keys: Vec<&String> = again.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["version", "packs", "nodes"]);
    // A graph in the own format stays the same.
    assert_eq!(parsed(&place.run(&["convert", "graph.json"]).stdout), with_packs(parsed(GRAPH)));
}

#[test]
fn a_prompt_of_another_program_becomes_a_graph() {
    let place = Place::with_stub();
    let prompt = json!({
        "3": {"class_type": "Add", "_meta": {"title": "Sum"}, "inputs": {"a": ["4", 0], "b": 1, "control_after": "fixed"}},
        "4": {"class_type": "Constant", "inputs": {"value": 3}},
        "5": {"class_type": "WriteText", "inputs": {"text": ["3", 0], "path": "sum.txt"}},
    });
    place.write("prompt.json", &prompt.to_string());
    insta::assert_snapshot!(place.run(&["convert", "prompt.json"]).all(), @r#"
    exit code 0
    --- stdout
    {
      "version": 2,
      "packs": {
        "stub": "0.1.0"
      },
      "nodes": {
        "3": {"class_type": "stub.Add", "inputs": {"a": ["4", "value"], "b": 1}},
        "4": {"class_type": "stub.Constant", "inputs": {"value": 3}},
        "5": {"class_type": "stub.WriteText", "inputs": {"text": ["3", "sum"], "path": "sum.txt"}}
      }
    }
    --- stderr
    a graph cannot hold the value of `3.control_after`, as stub.Add has no such input
    "#);
    assert_eq!(place.run(&["convert", "prompt.json", "-o", "graph.json"]).code, 0);
    assert_eq!(place.run(&["run", "graph.json"]).code, 0);
}

#[test]
fn graphs_in_the_graph_are_put_in_and_paths_lead_to_the_same_files() {
    let place = Place::with_stub();
    let part = json!({"inputs": {"path": "read.path"}, "outputs": {"text": ["read", "text"]},
        "nodes": {"read": node("ReadText", json!({"path": "inner.txt"}))}});
    place.write("graphs/parts/part.json", &part.to_string());
    place.write("graphs/parts/inner.txt", "inner");
    place.write("graphs/outer.txt", "outer");
    let nodes = json!({
        "a": {"class_type": "./parts/part.json", "inputs": {}},
        "b": {"class_type": "./parts/part.json", "inputs": {"path": "outer.txt"}},
        "save": node("WriteText", json!({"text": ["a", "text"], "path": "a.txt"})),
        "other": node("WriteText", json!({"text": ["b", 0], "path": "b.txt"})),
    });
    place.write("graphs/graph.json", &json!({"nodes": nodes}).to_string());
    fs::create_dir(place.path("work/made")).unwrap();
    assert_eq!(place.run(&["convert", "graphs/graph.json", "--api", "-o", "made/prompt.json"]).code, 0);
    insta::assert_snapshot!(place.read("made/prompt.json"), @r#"
    {
      "a:read": {"class_type": "stub.ReadText", "inputs": {"path": "../graphs/parts/inner.txt"}},
      "b:read": {"class_type": "stub.ReadText", "inputs": {"path": "../graphs/outer.txt"}},
      "save": {"class_type": "stub.WriteText", "inputs": {"text": ["a:read", 0], "path": "a.txt"}},
      "other": {"class_type": "stub.WriteText", "inputs": {"text": ["b:read", 0], "path": "b.txt"}}
    }
    "#);
    assert_eq!(place.run(&["convert", "graphs/graph.json", "-o", "made/graph.json"]).code, 0);
    insta::assert_snapshot!(place.read("made/graph.json"), @r#"
    {
      "version": 2,
      "packs": {
        "stub": "0.1.0"
      },
      "nodes": {
        "a": {"class_type": "../graphs/parts/part.json", "inputs": {}},
        "b": {"class_type": "../graphs/parts/part.json", "inputs": {"path": "../graphs/outer.txt"}},
        "save": {"class_type": "stub.WriteText", "inputs": {"text": ["a", "text"], "path": "a.txt"}},
        "other": {"class_type": "stub.WriteText", "inputs": {"text": ["b", "text"], "path": "b.txt"}}
      }
    }
    "#);
    for graph in ["made/prompt.json", "made/graph.json"] {
        assert_eq!(place.run(&["run", graph]).code, 0);
        assert_eq!((place.read("a.txt").as_str(), place.read("b.txt").as_str()), ("inner", "outer"));
    }
}

#[test]
fn a_picture_gives_its_graph() {
    let place = Place::with_stub();
    let nodes = json!({
        "image": node("PlainImage", json!({})),
        "save": node("SavePicture", json!({"image": ["image", "image"], "path": "out.png"})),
    });
    let graph = json!({"version": 1, "inputs": {"size": "image.size"}, "nodes": nodes});
    place.write("graph.json", &graph.to_string());
    assert_eq!(place.run(&["run", "graph.json"]).code, 0);
    assert_eq!(parsed(&place.run(&["convert", "out.png"]).stdout), with_packs(graph));
}

#[test]
fn graphs_that_cannot_be_converted() {
    let place = Place::with_stub();
    let nodes = json!({
        "a": node("Constnat", json!({})),
        "b": {"class_type": "acme.Add", "inputs": {}},
        "c": node("Add", json!({"a": ["gone", 0], "b": ["d", "sun"]})),
        "d": node("Add", json!({"a": 1})),
        "e": {"class_type": "./missing.json", "inputs": {}},
    });
    place.write("graph.json", &json!({"nodes": nodes, "nods": {}}).to_string());
    insta::assert_snapshot!(place.run(&["convert", "graph.json", "--api"]).all(), @r#"
    exit code 2
    --- stdout
    --- stderr
    error: line 1, column 11, node `a`: the pack `stub` has no node `Constnat`; did you mean `stub.Constant`?
    error: line 1, column 58, node `b`: `acme.Add` needs the pack `acme`, but the loaded packs are: stub; did you mean `stub.Add`?
    error: line 1, column 143, node `c` (stub.Add), input `a`: the link ["gone", 0] needs a node `gone`, which the graph does not have; the nodes are: a, b, c, d, e
    error: line 1, column 158, node `c` (stub.Add), input `b`: node `d` (stub.Add) has no output `sun`; did you mean `sum`?
    error: line 1, column 219, node `e`: expected the graph "./missing.json", got no such file: missing.json; the folder has graph.json
    error: line 1, column 268: a graph has no key "nods"; did you mean `nodes`?
    6 problems in graph.json
    "#);
    assert_eq!(place.run(&["convert", "graph.json"]).code, 2);
    place.write("good.json", GRAPH);
    insta::assert_snapshot!(place.run(&["convert", "good.json", "-o", "graph.json"]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: expected a new file, got one that exists; choose another name, or remove the file first
      graph.json
    ");
    insta::assert_snapshot!(place.run(&["convert", "good.json", "-o", "none/graph.json"]).all(), @r"
    exit code 1
    --- stdout
    --- stderr
    error: the graph cannot be written: No such file or directory (os error 2)
      none/graph.json
    ");
    insta::assert_snapshot!(place.run(&["convert", "god.json"]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: the graph does not exist; did you mean good.json?
      god.json
    ");
}
