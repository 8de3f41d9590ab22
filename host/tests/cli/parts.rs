//! Graphs as nodes of other graphs, through the real binary.

use std::fs;

use crate::support::Place;
use crate::{node, without_lock};
use serde_json::{Value as Json, json};

/// A graph that reads a text beside itself and makes a picture, with names for all inputs and outputs.
fn part() -> Json {
    let inputs = json!({"size": "image.size", "notes": "text.path", "text": "shout.words"});
    let outputs = json!({"image": ["image", "image"], "text": ["text", "text"], "shout": ["shout", "text"]});
    let nodes = json!({
        "image": node("PlainImage", json!({"size": 2})),
        "text": node("ReadText", json!({"path": "notes.txt"})),
        "shout": node("EveryKind", json!({"numbers": {"__value__": [1]}})),
    });
    json!({"inputs": inputs, "outputs": outputs, "nodes": nodes})
}

/// A graph in `graphs` that uses the part in `graphs/parts`.
fn place() -> Place {
    let place = Place::with_stub();
    place.write("graphs/parts/part.json", &part().to_string());
    place.write("graphs/parts/notes.txt", "inner notes");
    place.write("graphs/outer.txt", "outer notes");
    place.write("here.txt", "notes from here");
    let nodes = json!({
        "part": {"class_type": "./parts/part.json", "inputs": {}},
        "save": node("SavePicture", json!({"image": ["part", "image"], "path": "out.png"})),
    });
    let (inputs, outputs) = (json!({"size": "part.size", "notes": "part.notes"}), json!({"text": ["part", "text"]}));
    let graph = json!({"version": 1, "inputs": inputs, "outputs": outputs, "nodes": nodes});
    place.write("graphs/graph.json", &graph.to_string());
    place
}

#[test]
fn a_path_is_relative_to_where_it_is_written() {
    let place = place();
    let text = |arguments: &[&str]| {
        let ran = place.run(&[&["run", "graphs/graph.json"], arguments].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.stdout.lines().next().unwrap().to_owned()
    };
    assert_eq!(text(&[]), "text   inner notes");
    assert_eq!(text(&["notes=here.txt"]), "text   notes from here");
    assert_eq!(text(&["--set", "part.notes=here.txt"]), "text   notes from here");
    let given = place
        .read("graphs/graph.json")
        .replace(r#"part.json","inputs":{}"#, r#"part.json","inputs":{"notes":"outer.txt"}"#);
    place.write("graphs/graph.json", &given);
    assert_eq!(text(&[]), "text   outer notes");
}

#[test]
fn a_picture_carries_the_whole_graph_and_is_run_again() {
    let place = place();
    assert_eq!(place.run(&["run", "graphs/graph.json", "size=3", "--out", "graphs"]).code, 0);
    fs::remove_file(place.path("work/graphs/graph.json")).unwrap();
    fs::remove_file(place.path("work/graphs/parts/part.json")).unwrap();
    insta::assert_snapshot!(without_lock(&place.run(&["inspect", "graphs/out.png"]).stdout), @r#"
    PNG  picture, 3x3, RGB, 8 bit
      text: prompt, splatgraph
      version: 2
      lock: [LOCK]

    The graph that made it
    {
      "version": 2,
      "packs": {
        "stub": "0.1.0"
      },
      "inputs": {
        "size": "part:image.size",
        "notes": "part:text.path"
      },
      "outputs": {
        "text": ["part:text", "text"]
      },
      "nodes": {
        "part:image": {"class_type": "stub.PlainImage", "inputs": {"size": 3}},
        "part:text": {"class_type": "stub.ReadText", "inputs": {"path": "parts/notes.txt"}},
        "part:shout": {"class_type": "stub.EveryKind", "inputs": {"numbers": {"__value__": [1]}}},
        "save": {"class_type": "stub.SavePicture", "inputs": {"image": ["part:image", "image"], "path": "out.png"}}
      }
    }
    "#);
    let ran = place.run(&["run", "graphs/out.png", "size=4"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "text   inner notes\nwrote  out.png\n"), "{}", ran.stderr);
    assert!(place.run(&["inspect", "out.png"]).stdout.starts_with("PNG  picture, 4x4"));
}

#[test]
fn help_and_check_look_into_the_graphs() {
    let place = place();
    insta::assert_snapshot!(place.run(&["run", "graphs/graph.json", "--help"]).all(), @r#"
    exit code 0
    --- stdout
    Usage: splatgraph run graphs/graph.json [NAME=VALUE]... [OPTIONS]

    Inputs:
      size  INT from 1, default 2
          Its width and height in pixels.
      notes  STRING, a file to read, default "notes.txt"
          The file.

    Outputs:
      text  STRING  the text

    `--set NODE.INPUT=VALUE` sets any other input of a node. `splatgraph help run` lists all options.
    --- stderr
    "#);
    insta::assert_snapshot!(place.run(&["check", "graphs/graph.json"]).all(), @"
    exit code 0
    --- stdout
    graphs/graph.json: 4 nodes, no problems
    --- stderr
    ");
    insta::assert_snapshot!(place.run(&["draw", "graphs/graph.json"]).stdout, @r#"
    flowchart LR
        n0{{"part<br/>./parts/part.json"}}
        n1[["save<br/>stub.SavePicture"]]
        n0 -- "image" --> n1
        i0(["size"])
        i0 -. "size" .-> n0
        i1(["notes"])
        i1 -. "notes" .-> n0
        o0(["text"])
        n0 -. "text" .-> o0
    "#);
    let wrong = place.read("graphs/parts/part.json").replace(r#""size":2"#, r#""size":0"#);
    place.write("graphs/parts/part.json", &wrong);
    insta::assert_snapshot!(place.run(&["check", "graphs/graph.json"]).all(), @r"
    exit code 2
    --- stdout
    --- stderr
    error: graphs/parts/part.json, line 1, column 226, node `part:image` (stub.PlainImage), input `size`: expected a whole number of at least 1, got 0
    1 problem in graphs/graph.json
    ");
    insta::assert_snapshot!(place.run(&["check", "graphs/graph.json", "--json"]).all(), @r#"
    exit code 2
    --- stdout
    {
      "ok": false,
      "problems": [
        {
          "kind": "too_small",
          "node": "part:image",
          "class": "stub.PlainImage",
          "input": "size",
          "expected": "a whole number of at least 1",
          "received": "0",
          "hint": null,
          "place": {
            "file": "graphs/parts/part.json",
            "line": 1,
            "column": 226
          },
          "text": "graphs/parts/part.json, line 1, column 226, node `part:image` (stub.PlainImage), input `size`: expected a whole number of at least 1, got 0"
        }
      ]
    }
    --- stderr
    "#);
}

#[test]
fn a_missing_part_is_an_error_of_the_graph() {
    let place = place();
    fs::rename(place.path("work/graphs/parts/part.json"), place.path("work/graphs/parts/parts.json")).unwrap();
    insta::assert_snapshot!(place.run(&["run", "graphs/graph.json"]).all(), @r#"
    exit code 2
    --- stdout
    --- stderr
    error: line 1, column 109, node `part`: expected the graph "./parts/part.json", got no such file: graphs/parts/part.json; did you mean "./parts/parts.json"?
    1 problem in graphs/graph.json
    "#);
}
