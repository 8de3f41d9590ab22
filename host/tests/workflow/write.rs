//! Graphs as workflows, and the way back.

use super::{closures::declared, own, parse};
use serde_json::{Value as Json, json};
use splatgraph::{
    graph::{self, File, Origin},
    workflow::{add_names, to_prompt, to_workflow},
};

fn graph() -> Json {
    json!({
        "_note": "kept",
        "version": 2,
        "title": "Small pictures",
        "description": "Makes them small.",
        "packs": { "std": "0.1.0" },
        "inputs": { "picture": "load.path", "size": ["small.width", "tiny.width"], "output": "save.path" },
        "outputs": { "said": ["note", "text"] },
        "nodes": {
            "save": { "class_type": "std.SaveImage", "inputs": { "image": ["grid", "image"], "path": "{stem}-{size}.png" } },
            "load": { "class_type": "std.LoadImage", "inputs": { "path": "cat.png" } },
            "small": { "class_type": "std.Resize", "inputs": { "image": ["load", "image"], "width": 64, "fit": "fill" } },
            "tiny": { "class_type": "std.Resize", "inputs": { "image": ["load", "image"], "width": 64 } },
            "grid": { "class_type": "std.Grid", "inputs": {
                "images": [["small", "image"], ["tiny", "image"]], "weights": { "__value__": [1, 0.5] },
            } },
            "note": { "class_type": "std.Note", "inputs": {
                "text": "a", "extra": { "b": ["[", 1.0] }, "seed": 18446744073709551615_u64, "any": 5,
            } },
            "json": { "class_type": "std.Note", "inputs": { "text": ["note", "text"], "extra": "[1", "on": true } },
            "none": { "class_type": "std.Note", "inputs": { "extra": null } },
        },
    })
}

fn workflow() -> Json {
    to_workflow(&parse(&graph()), &declared())
}

fn back(workflow: &Json) -> Json {
    let converted = graph::to_own_format(&parse(workflow), "".as_ref(), &declared());
    converted.unwrap_or_else(|problems| panic!("{problems}")).json
}

fn node<'a>(workflow: &'a Json, id: &str) -> &'a Json {
    let mut nodes = workflow["nodes"].as_array().unwrap().iter();
    nodes.find(|node| node["properties"]["splatgraph_id"] == id).unwrap()
}

#[test]
fn a_graph_survives_the_way_there_and_back() {
    // As text, since the order of the keys counts too.
    assert_eq!(back(&workflow()).to_string(), graph().to_string());
}

#[test]
fn the_same_graph_gives_the_same_workflow() {
    assert_eq!(workflow().to_string(), workflow().to_string());
    assert_eq!(to_workflow(&parse(&workflow()), &declared()).to_string(), workflow().to_string());
}

#[test]
fn a_node_has_what_the_front_end_needs() {
    let workflow = workflow();
    insta::assert_snapshot!(serde_json::to_string_pretty(node(&workflow, "tiny")).unwrap(), @r#"
    {
      "id": 4,
      "type": "std.Resize",
      "pos": [
        490,
        290
      ],
      "size": [
        320,
        140
      ],
      "flags": {},
      "order": 4,
      "mode": 0,
      "inputs": [
        {
          "name": "image",
          "type": "IMAGE",
          "link": 3
        },
        {
          "name": "width",
          "type": "INT",
          "link": null,
          "widget": {
            "name": "width"
          },
          "label": "size"
        },
        {
          "name": "fit",
          "type": "COMBO",
          "link": null,
          "shape": 7,
          "widget": {
            "name": "fit"
          }
        }
      ],
      "outputs": [
        {
          "name": "image",
          "type": "IMAGE",
          "links": [
            5
          ]
        }
      ],
      "title": "Resize",
      "properties": {
        "Node name for S&R": "std.Resize",
        "splatgraph_id": "tiny",
        "splatgraph_given": [
          "width"
        ]
      },
      "widgets_values": [
        64,
        "fill"
      ],
      "widgets_values_named": {
        "width": 64,
        "fit": "fill"
      }
    }
    "#);
    assert_eq!(node(&workflow, "note")["widgets_values"], json!(["a", "{\"b\":[\"[\",1.0]}", true, u64::MAX, "fixed"]));
    assert_eq!(node(&workflow, "json")["widgets_values"], json!(["", "\"[1\"", true, 0, "fixed"]));
    assert_eq!(node(&workflow, "load")["widgets_values"], json!(["cat.png", "image"]));
    let inputs = node(&workflow, "grid")["inputs"].as_array().unwrap();
    let names: Vec<&str> = inputs.iter().map(|input| input["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["images.image0", "images.image1", "images.image2", "weights"]);
}

#[test]
fn links_agree_with_the_sockets_at_both_ends() {
    let workflow = workflow();
    let nodes = workflow["nodes"].as_array().unwrap();
    let links = workflow["links"].as_array().unwrap();
    assert_eq!(links.len(), 6);
    for link in links {
        let number = |position: usize| usize::try_from(link[position].as_u64().unwrap()).unwrap();
        let (from, to) = (&nodes[number(1) - 1], &nodes[number(3) - 1]);
        assert_eq!((from["id"].clone(), to["id"].clone()), (link[1].clone(), link[3].clone()));
        assert!(from["outputs"][number(2)]["links"].as_array().unwrap().contains(&link[0]));
        assert_eq!(to["inputs"][number(4)]["link"], link[0]);
        assert_eq!(from["outputs"][number(2)]["type"], link[5]);
        // Links lead from left to right, and forward in the order.
        assert!(from["pos"][0].as_u64() < to["pos"][0].as_u64());
        assert!(from["order"].as_u64() < to["order"].as_u64());
    }
}

#[test]
fn no_node_covers_another() {
    let nodes = workflow()["nodes"].as_array().unwrap().clone();
    let rectangle = |node: &Json| {
        let [x, y, w, h] =
            [("pos", 0), ("pos", 1), ("size", 0), ("size", 1)].map(|(key, i)| node[key][i].as_u64().unwrap());
        (x..x + w, y..y + h)
    };
    for (position, node) in nodes.iter().enumerate() {
        for other in &nodes[..position] {
            let ((ax, ay), (bx, by)) = (rectangle(node), rectangle(other));
            let beside = ax.end <= bx.start || bx.end <= ax.start;
            assert!(beside || ay.end <= by.start || by.end <= ay.start, "{node} {other}");
        }
    }
}

#[test]
fn app_mode_shows_the_named_inputs_and_what_is_written() {
    let workflow = workflow();
    assert_eq!(
        workflow["extra"]["linearData"],
        json!({
            "inputs": [[2, "path"], [3, "width"], [1, "path"]], "outputs": [1],
        })
    );
    // The rows of the form have the names of the inputs.
    assert_eq!(node(&workflow, "small")["inputs"][1]["label"], "size");
}

#[test]
fn edits_in_the_front_end_come_back() {
    let mut edited = workflow();
    let nodes = edited["nodes"].as_array_mut().unwrap();
    // Somebody sets another width, removes `tiny` and copies `small`.
    nodes[2]["widgets_values_named"]["width"] = 99.into();
    nodes[3]["widgets_values_named"]["fit"] = "stretch".into();
    let mut copy = nodes[2].clone();
    copy["id"] = 20.into();
    nodes.push(copy);
    let removed = nodes.remove(3);
    assert_eq!(removed["properties"]["splatgraph_id"], "tiny");
    let back = back(&edited);
    assert_eq!(back["nodes"]["small"]["inputs"]["width"], 99);
    assert_eq!(back["nodes"]["20"]["class_type"], "std.Resize");
    assert_eq!(back["inputs"]["size"], "small.width");
    assert_eq!(back["nodes"]["grid"]["inputs"]["images"], json!([["small", "image"]]));
}

#[test]
fn numbers_as_ids_may_have_any_order() {
    let graph = json!({ "2": { "class_type": "std.LoadImage", "inputs": { "path": "a.png" } },
        "1": { "class_type": "std.SaveImage", "inputs": { "image": ["2", "image"], "path": "b.png" } } });
    let graph = json!({ "nodes": graph });
    assert_eq!(own(&to_workflow(&parse(&graph), &declared())), graph["nodes"]);
    // Somebody adds a node that has the number 2.
    let mut edited = to_workflow(&parse(&json!({ "nodes": { "2": graph["nodes"]["2"] } })), &declared());
    let mut added = edited["nodes"][0].clone();
    added["id"] = 2.into();
    added["properties"] = json!({});
    edited["nodes"].as_array_mut().unwrap().push(added);
    assert_eq!(own(&edited).as_object().unwrap().keys().collect::<Vec<_>>(), ["1", "2"]);
}

#[test]
fn the_prompt_of_a_workflow_gets_its_names_again() {
    let workflow = workflow();
    let prompt = to_prompt(&workflow, &declared()).unwrap();
    assert_eq!(prompt["1"]["inputs"]["path"], "{stem}-{size}.png");
    let mut file = File::parse(&prompt.to_string(), Origin::Text).unwrap();
    add_names(&mut file, &workflow);
    let named: Vec<String> = file
        .inputs
        .iter()
        .map(|input| format!("{}: {:?}", input.name, input.targets.iter().map(ToString::to_string).collect::<Vec<_>>()))
        .collect();
    assert_eq!(named, ["picture: [\"2.path\"]", "size: [\"3.width\", \"4.width\"]", "output: [\"1.path\"]"]);
    assert_eq!(file.outputs[0].link.to_string(), "6.text");
}

#[test]
fn what_no_class_knows_survives_too() {
    let graph = json!({
        "version": 2,
        "packs": { "std": "0.1.0" },
        "inputs": { "size": "far.size" },
        "outputs": { "far": ["far", "near"], "third": ["far", 2] },
        "nodes": {
            "load": { "class_type": "std.LoadImage", "inputs": { "path": "cat.png", "gamma": 2.5, "before": ["far", "near"] } },
            "far": { "class_type": "acme.Far", "inputs": {
                "image": ["load", 0], "size": 3, "words": { "__value__": ["a"] }, "none": null, "later": ["load", 1],
            } },
            "save": { "class_type": "std.SaveImage", "inputs": { "image": ["far", "picture"], "path": "{size}.png" } },
        },
    });
    let workflow = to_workflow(&parse(&graph), &declared());
    let read = parse(&workflow).adapted(&declared());
    assert_eq!(sorted(read.to_json()), sorted(graph));
    assert_eq!(to_workflow(&read, &declared()).to_string(), workflow.to_string());
}

/// The order of the inputs of a class that is not known may change.
fn sorted(mut graph: Json) -> String {
    graph.sort_all_objects();
    graph.to_string()
}
