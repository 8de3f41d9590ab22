//! Graphs as subgraphs for the front end.

use super::{closures::declared, load, own, parse, save, workflow};
use serde_json::{Value as Json, json};
use splatgraph::workflow::to_blueprint;

fn part() -> Json {
    json!({
        "title": "Two sizes",
        "inputs": { "image": ["a.image", "b.image"], "size": "a.width" },
        "outputs": { "both": ["grid", "image"], "first": ["a", "image"] },
        "nodes": {
            "a": { "class_type": "std.Resize", "inputs": { "width": 32 } },
            "b": { "class_type": "std.Resize", "inputs": { "width": 16 } },
            "grid": { "class_type": "std.Grid", "inputs": { "images": [["a", "image"], ["b", "image"]] } },
        },
    })
}

#[test]
fn a_part_becomes_a_node_that_can_be_used() {
    let blueprint = to_blueprint(&parse(&part()), "two-sizes", &declared()).unwrap();
    let mut node = blueprint["nodes"][0].clone();
    assert_eq!(node["title"], "Two sizes");
    assert_eq!(node["widgets_values"], json!([32]));
    node["id"] = 2.into();
    node["inputs"][0]["link"] = 1.into();
    node["widgets_values"] = json!([48]);
    let mut whole = workflow(&[load(1), node, save(3, 2)], &[[1, 1, 0, 2, 0], [2, 2, 0, 3, 0]]);
    whole["definitions"] = blueprint["definitions"].clone();
    assert_eq!(
        own(&whole),
        json!({
            "1": { "class_type": "std.LoadImage", "inputs": { "path": "cat.png" } },
            "2:1": { "class_type": "std.Resize", "inputs": { "width": 48, "fit": "fill", "image": ["1", "image"] } },
            "2:2": { "class_type": "std.Resize", "inputs": { "width": 16, "fit": "fill", "image": ["1", "image"] } },
            "2:3": { "class_type": "std.Grid", "inputs": { "images": [["2:1", "image"], ["2:2", "image"]] } },
            "3": { "class_type": "std.SaveImage", "inputs": { "path": "out.png", "image": ["2:3", "image"] } },
        })
    );
}

#[test]
fn a_graph_without_results_is_no_blueprint() {
    let mut part = part();
    part["outputs"] = json!({});
    assert_eq!(to_blueprint(&parse(&part), "x", &declared()), None);
    part["outputs"] = json!({ "gone": ["c", "image"] });
    assert_eq!(to_blueprint(&parse(&part), "x", &declared()), None);
}
