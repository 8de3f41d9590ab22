//! Values that a program puts in the place of what a graph computes, and outputs that it takes out.

use super::closures::{PackOf, declared};
use serde_json::json;
use splatgraph::graph::{File, Origin, Supplied, expand};
use splatgraph::registry::Registry;

/// The packs of the other tests, and `mine` with classes for values.
fn registry() -> Registry {
    let value = |name: &str, socket: &str| json!({"name": name, "outputs": [{"name": "value", "type": socket}]});
    let pack = PackOf::new("mine").declared(value("Image", "IMAGE")).declared(value("Text", "STRING"));
    declared().with_pack(pack.pack())
}

/// `load` feeds `size`, which is saved; only `size` needs `note`.
const GRAPH: &str = r#"{
    "version": 1,
    "inputs": { "path": "load.path", "width": ["size.width", "note.seed"], "picture": "size.image" },
    "outputs": { "image": ["size", 0] },
    "nodes": {
        "load": { "class_type": "std.LoadImage", "inputs": { "path": "cat.png" } },
        "note": { "class_type": "std.Note" },
        "size": { "class_type": "std.Resize", "inputs": { "image": ["load", 0], "width": 64, "fit": ["note", "text"] } },
        "save": { "class_type": "std.SaveImage", "inputs": { "image": ["size", "image"], "path": "o.png" } }
    }
}"#;

fn file() -> File {
    expand(File::parse(GRAPH, Origin::Text).unwrap()).adapted(&registry())
}

/// The graph with a value in it, on one line for each part.
fn supplied(name: &str, class: &str) -> String {
    let mut file = file();
    if let Err(problem) = file.supply(name, &Supplied { class: class.to_owned(), inputs: Vec::new() }, &registry()) {
        return problem.to_string();
    }
    let json = file.to_json();
    let nodes = json["nodes"].as_object().unwrap().iter().map(|(id, node)| format!("{id} {}", node["inputs"]));
    let named = format!("{} {}", json["inputs"], json["outputs"]);
    nodes.chain([named]).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_value_takes_the_place_of_an_output_and_what_it_alone_needed_is_gone() {
    insta::assert_snapshot!(supplied("size.image", "mine.Image"), @r#"
    save {"image":["size.image (supplied)","value"],"path":"o.png"}
    size.image (supplied) {}
    null {"image":["size.image (supplied)","value"]}
    "#);
}

#[test]
fn a_value_for_the_path_of_a_file_is_what_the_node_reads() {
    insta::assert_snapshot!(supplied("path", "mine.Image"), @r#"
    note {}
    size {"image":["path (supplied)","value"],"width":64,"fit":["note","text"]}
    save {"image":["size","image"],"path":"o.png"}
    path (supplied) {}
    {"width":["size.width","note.seed"],"picture":"size.image"} {"image":["size",0]}
    "#);
}

#[test]
fn a_value_for_an_input_that_takes_links_is_linked() {
    insta::assert_snapshot!(supplied("picture", "mine.Image"), @r#"
    note {}
    size {"image":["picture (supplied)","value"],"width":64,"fit":["note","text"]}
    save {"image":["size","image"],"path":"o.png"}
    picture (supplied) {}
    {"width":["size.width","note.seed"],"picture":"size.image"} {"image":["size",0]}
    "#);
}

#[test]
fn values_that_have_no_place_are_refused() {
    let asked = [
        ("size.picture", "mine.Image"),
        ("sizes.image", "mine.Image"),
        ("image", "mine.Image"),
        ("width", "mine.Image"),
        ("path", "mine.Text"),
        ("size.image", "mine.Sound"),
    ];
    let told: Vec<String> = asked.iter().map(|(name, class)| supplied(name, class)).collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    `size.picture`: the node `size` has no output `picture`; its outputs are: image
    `sizes.image`: the graph has no node `sizes`; did you mean `size`?
    expected a named input or an output `node.output`, got `image`; its inputs are: path, width, picture
    `width`: expected a whole number from 1 to 65536, got a value of the type IMAGE
    load {"path":["path (supplied)","value"]}
    note {}
    size {"image":["load",0],"width":64,"fit":["note","text"]}
    save {"image":["size","image"],"path":"o.png"}
    path (supplied) {}
    {"path":"load.path","width":["size.width","note.seed"],"picture":"size.image"} {"image":["size",0]}
    no loaded pack has the class `mine.Sound`
    "#);
}

#[test]
fn outputs_are_taken_once_and_by_their_names() {
    let mut file = file();
    for name in ["load.image", "load.image", "image"] {
        let _ = file.take(name, &registry());
    }
    insta::assert_snapshot!(file.to_json()["outputs"].to_string(), @r#"{"image":["size",0],"load.image":["load","image"]}"#);
    insta::assert_snapshot!(file.take("load.mask2", &registry()).unwrap_err(), @"`load.mask2`: the node `load` has no output `mask2`; did you mean `mask`?");
    insta::assert_snapshot!(file.socket_of("load.image", &registry()).unwrap(), @"IMAGE");
}

#[test]
fn nodes_that_write_files_are_left_out() {
    let mut file = file();
    file.leave_out_writers(&registry());
    assert!(file.node("save").is_none() && file.node("size").is_some());
}
