//! Checking, drawing, and graphs that cannot be read.

use std::fs;

use crate::GRAPH;
use crate::support::Place;

#[test]
fn check_prints_everything_that_is_wrong() {
    let place = Place::with_stub();
    place.write("graph.json", GRAPH);
    insta::assert_snapshot!(place.run(&["check", "graph.json"]).all(), @"
    exit code 0
    --- stdout
    graph.json: 3 nodes, no problems
    --- stderr
    ");
    insta::assert_snapshot!(place.run(&["check", "graph.json", "start=many", "stat=3", "--set", "add.c=1"]).all(), @r#"
    exit code 2
    --- stdout
    --- stderr
    error: node `first` (stub.Constant), input `value`: `start=many`: expected a whole number from -1000 to 1000, got "many"
    error: `stat=3`: the graph has no input `stat`; did you mean `start`?
    error: `add.c=1`: node `add` (stub.Add) has no input `c`; did you mean `a`?
    3 problems in graph.json
    "#);
    let of_node = place.run(&["check", "graph.json", "add.a=1"]).stderr;
    assert!(of_node.contains("; set an input of a node with `--set add.a=VALUE`\n"), "{of_node}");
    let json = place.run(&["check", "graph.json", "start=2000", "--json"]);
    let problems: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((json.code, json.stderr.as_str()), (2, ""));
    assert_eq!(problems["problems"][0]["kind"], "too_large");
    let json = place.run(&["check", "graph.json", "--json"]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&json.stdout).unwrap()["ok"], true);
}

#[test]
fn a_node_or_device_that_a_build_lacks_is_named_with_the_build_that_has_it() {
    let place = Place::with_stub();
    place.add_pack("second_pack", "packs");
    let graph = |class: &str, output: &str, inputs: &str| {
        format!(
            r#"{{"outputs": {{"made": ["node", "{output}"]}}, "nodes": {{"node": {{"class_type": "second.{class}", "inputs": {inputs}}}}}}}"#
        )
    };
    place.write("told.json", &graph("Told", "device", "{}"));
    insta::assert_snapshot!(place.run(&["check", "told.json", "--device", "gpu:0"]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: the device `gpu:0` cannot be used: its fan is broken; repair it
    ");
    assert_eq!(place.run(&["check", "told.json", "--device", "gpu"]).code, 0);
    place.write("knit.json", &graph("Knit", "knitted", r#"{"value": 1}"#));
    insta::assert_snapshot!(place.run(&["check", "knit.json"]).all(), @"
    exit code 3
    --- stdout
    --- stderr
    error: line 1, column 54, node `node`: this build of the pack `second` can't run `second.Knit`; it has no needles; build it with the feature `needles`
    1 problem in knit.json
    ");
    assert_eq!(place.run(&["run", "knit.json"]).code, 3);
    let described = place.run(&["nodes", "second.Knit"]).stdout;
    assert!(described.contains("This build of the pack can't run the node: it has no needles"), "{described}");
}

#[test]
fn malformed_text_is_reported_with_line_and_column() {
    let place = Place::with_stub();
    place.write("graph.json", "{\n  \"nodes\": {,}\n}");
    insta::assert_snapshot!(place.run(&["check", "graph.json"]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: line 2, column 13: the JSON cannot be read: expected a key in double quotes, got ','
    1 problem in graph.json
    ");
    fs::write(place.path("work/photo.json"), b"\xff\xd8\xff\xe0").unwrap();
    insta::assert_snapshot!(place.run(&["check", "photo.json"]).all(), @"
        exit code 2
        --- stdout
        --- stderr
        error: expected a graph in JSON text, or a PNG picture with a graph in it, got a picture (JPEG)
          photo.json
        ");
}

#[test]
fn a_missing_graph_is_an_error_with_graphs_nearby() {
    let place = Place::with_stub();
    insta::assert_snapshot!(place.run(&["run", "graph.json"]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: the graph does not exist; name a .json graph, or a picture with a graph in it
      graph.json
    ");
    place.write("graphs/reconstruct.json", GRAPH);
    place.write("other.json", GRAPH);
    insta::assert_snapshot!(place.run(&["run", "reconstrct"]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: the graph does not exist; did you mean graphs/reconstruct.json?
      reconstrct
    ");
    insta::assert_snapshot!(place.run(&["run", "zzz.json"]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: the graph does not exist; graphs nearby: other.json, graphs/reconstruct.json
      zzz.json
    ");
    insta::assert_snapshot!(place.run(&["run", "graphs"]).all(), @r"
    exit code 2
    --- stdout
    --- stderr
    error: the graph cannot be read: Is a directory (os error 21)
      graphs
    ");
}

#[test]
fn a_missing_pack_is_exit_code_3_unless_more_is_wrong() {
    let place = Place::new();
    place.write("graph.json", GRAPH);
    assert_eq!(place.run(&["run", "graph.json"]).code, 3);
    assert_eq!(place.run(&["run", "graph.json", "nonsense=1"]).code, 2);
    insta::assert_snapshot!(place.run(&["nodes"]).all(), @"
    exit code 3
    --- stdout
    --- stderr
    error: no packs are loaded; `splatgraph packs --all` lists all files that were found
    ");
}

#[test]
fn a_drawing_and_a_schema_come_out() {
    let place = Place::with_stub();
    place.write("graph.json", GRAPH);
    assert!(place.run(&["draw", "graph.json"]).stdout.starts_with("flowchart"));
    let schema: serde_json::Value = serde_json::from_str(&place.run(&["schema"]).stdout).unwrap();
    assert!(schema.to_string().contains("stub.PlainImage"));
}
