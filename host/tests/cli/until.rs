//! `run --until NODE`.

use serde_json::json;

use crate::support::Place;
use crate::{graph, node};

/// Two branches, one of which fails, and two output nodes.
fn two_branches(place: &Place) {
    let nodes = json!({
        "image": node("PlainImage", json!({"size": 2})),
        "mean": node("Mean", json!({"image": ["image", "image"]})),
        "note": node("WriteText", json!({"text": ["mean", "mean"], "path": "mean.txt"})),
        "fails": node("Fails", json!({})),
        "after": node("Add", json!({"a": ["fails", "never"]})),
        "save": node("SavePicture", json!({"image": ["image", "image"], "path": "out.png"})),
    });
    graph(place, &nodes, &json!({"after": ["after", "sum"]}));
}

#[test]
fn only_the_nodes_that_the_node_needs_run_and_its_outputs_are_printed() {
    let place = Place::with_stub();
    two_branches(&place);
    insta::assert_snapshot!(place.run(&["run", "graph.json", "--until", "mean"]).all(), @r"
    exit code 0
    --- stdout
    mean.mean  0.5
    --- stderr
    image (stub.PlainImage) ...
    image done in [TIME]
    mean (stub.Mean) ...
    mean done in [TIME]
    done: 2 nodes ran in [TIME]
    ");
    assert_eq!(place.files(), ["graph.json"]);
}

#[test]
fn several_ends_are_results_in_their_order_each_once() {
    let place = Place::with_stub();
    two_branches(&place);
    let ends = ["run", "graph.json", "--until", "note", "--until", "image", "--until", "note"];
    insta::assert_snapshot!(place.run(&ends).all(), @r"
    exit code 0
    --- stdout
    note.path    [DIR]/work/mean.txt
    image.image  IMAGE image [1,2,2,3]
    wrote        mean.txt
    --- stderr
    image (stub.PlainImage) ...
    image done in [TIME]
    mean (stub.Mean) ...
    mean done in [TIME]
    note (stub.WriteText) ...
    note done in [TIME]
    done: 3 nodes ran in [TIME]
    ");
    assert_eq!(place.files(), ["graph.json", "mean.txt"]);
}

#[test]
fn a_node_that_fails_fails_the_run_only_where_it_is_needed() {
    let place = Place::with_stub();
    two_branches(&place);
    assert_eq!(place.run(&["run", "graph.json", "--until", "save"]).code, 0);
    let failed = place.run(&["run", "graph.json", "--until", "after"]);
    assert_eq!((failed.code, failed.stdout.as_str()), (1, ""));
}

#[test]
fn unknown_nodes_are_usage_errors() {
    let place = Place::with_stub();
    two_branches(&place);
    insta::assert_snapshot!(place.run(&["run", "graph.json", "--until", "maen"]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: `--until maen`: the graph has no node `maen`; did you mean `mean`?
    ");
    insta::assert_snapshot!(place.run(&["run", "graph.json", "--until", "image.image"]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: `--until image.image`: the graph has no node `image.image`; the nodes are: image, mean, note, fails, after, save
    ");
}

#[test]
fn a_graph_in_the_graph_stands_for_its_nodes() {
    let place = Place::with_stub();
    let nodes = json!({
        "part": node("Constant", json!({"value": 1})),
        "part:a": node("Constant", json!({"value": 2})),
        "parts:a": node("Constant", json!({"value": 3})),
        "inner:a": node("Constant", json!({"value": 4})),
        "inner:b": node("Add", json!({"a": ["inner:a", "value"]})),
        "inner": node("Constant", json!({"value": 6})),
    });
    graph(&place, &nodes, &json!({"all": ["inner", "value"]}));
    let stdout = |id: &str| place.run(&["run", "graph.json", "--quiet", "--json", "--until", id]).stdout;
    let outputs = |id: &str| serde_json::from_str::<serde_json::Value>(&stdout(id)).unwrap()["outputs"].clone();
    assert_eq!(outputs("part"), json!({"part.value": 1}));
    assert_eq!(outputs("inner"), json!({"inner.value": 6}));
    let without = json!({"inner:a": nodes["inner:a"], "inner:b": nodes["inner:b"], "x": nodes["part"]});
    graph(&place, &without, &json!({"all": ["x", "value"]}));
    assert_eq!(outputs("inner"), json!({"inner:a.value": 4, "inner:b.sum": 5}));
}
