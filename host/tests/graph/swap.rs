//! Swapping classes of nodes.

use super::closures::{PackOf, declared};
use serde_json::json;
use splatgraph::graph::{File, Given, Origin, Problems, check, expand, swap};
use splatgraph::registry::Registry;
use std::fs;

/// The packs of the other tests, and `acme` with classes to swap in.
fn registry() -> Registry {
    let input = |name: &str, socket: &str| json!({ "name": name, "type": socket, "optional": true });
    let output = |name: &str, socket: &str| json!({ "name": name, "type": socket });
    let node = |name: &str, inputs: &[serde_json::Value], outputs: &[serde_json::Value]| json!({ "name": name, "inputs": inputs, "outputs": outputs });
    let acme = PackOf::new("acme")
        .declared(node("Resize", &[input("image", "IMAGE"), input("sharp", "FLOAT")], &[output("image", "IMAGE")]))
        .declared(node("Renamed", &[input("image", "IMAGE")], &[output("text", "STRING"), output("picture", "IMAGE")]))
        .declared(node("Two", &[input("image", "IMAGE")], &[output("one", "IMAGE"), output("two", "IMAGE")]))
        .declared(node("Source", &[input("width", "INT")], &[output("image", "IMAGE")]));
    let declared = declared();
    let packs = declared.packs().iter().map(|pack| (**pack).clone()).chain([acme.pack()]);
    Registry::new(packs.collect())
}

/// `load` and `note` feed `size`, which is saved.
const GRAPH: &str = r#"{
    "requires": { "tokenize": { "version": "^0.1" } },
    "inputs": { "path": "load.path", "width": ["size.width", "note.seed"], "fit": "size.fit" },
    "outputs": { "image": ["size", 0] },
    "nodes": {
        "load": { "class_type": "std.LoadImage", "inputs": { "path": "cat.png" } },
        "note": { "class_type": "std.Note" },
        "fit": { "class_type": "std.Note", "inputs": { "text": ["note", 0] } },
        "size": { "class_type": "std.Resize", "inputs": { "image": ["load", "image"], "width": 64, "fit": ["fit", "text"] } },
        "save": { "class_type": "std.SaveImage", "inputs": { "image": ["size", "image"], "path": "o.png" } }
    }
}"#;

fn swapped(text: &str, swaps: &[(&str, &str)]) -> Result<(File, Vec<String>), Problems> {
    let swaps: Vec<(String, String)> = swaps.iter().map(|(id, class)| (id.to_string(), class.to_string())).collect();
    swap(File::parse(text, Origin::Text).unwrap(), &swaps, &registry())
}

/// The texts about the changes, and the lines of the graph that have links.
#[track_caller]
fn shown(text: &str, swaps: &[(&str, &str)]) -> String {
    let (file, said) = swapped(text, swaps).unwrap();
    let json = file.to_json();
    let part = |key: &str| format!("{key} {}", json[key]);
    let nodes = json["nodes"].as_object().unwrap().iter().map(|(id, node)| format!("{id} {node}"));
    said.into_iter().chain([part("inputs"), part("outputs")]).chain(nodes).collect::<Vec<_>>().join("\n")
}

fn problems(file: File) -> String {
    match check(expand(file), &registry(), &Given { cwd: "folder".into(), ..Given::default() }) {
        Ok(_) => "no problems".to_owned(),
        Err(problems) => problems.to_string(),
    }
}

#[test]
fn shared_inputs_are_kept_and_unneeded_nodes_removed() {
    insta::assert_snapshot!(shown(GRAPH, &[("size", "acme.Resize")]), @r#"
    swap size: std.Resize > acme.Resize: dropped the inputs width, fit; removed the nodes note, fit, which no other node needs; dropped the named inputs width, fit, which would set nothing
    inputs {"path":"load.path"}
    outputs {"image":["size",0]}
    load {"class_type":"std.LoadImage","inputs":{"path":"cat.png"}}
    size {"class_type":"acme.Resize","inputs":{"image":["load","image"]}}
    save {"class_type":"std.SaveImage","inputs":{"image":["size","image"],"path":"o.png"}}
    "#);
    let (file, _) = swapped(GRAPH, &[("size", "acme.Resize")]).unwrap();
    assert_eq!(problems(file), "no problems");
}

#[test]
fn nodes_that_had_no_consumer_or_write_or_are_results_stay() {
    let text = GRAPH
        .replace(r#""save":"#, r#""alone": { "class_type": "std.Note" }, "save":"#)
        .replace(r#""image": ["size", 0]"#, r#""image": ["size", 0], "noted": ["note", "text"]"#)
        .replace(r#"["load", "image"], "width""#, r#"["other", "image"], "width""#)
        .replace(
            r#""fit": { "class_type""#,
            r#""other": { "class_type": "std.Resize", "inputs": { "image": ["load", "image"], "width": 3 } },
               "written": { "class_type": "std.SaveImage", "inputs": { "image": ["load", 0], "path": "w.png" } }, "fit": { "class_type""#,
        )
        .replace(r#"["fit", "text"]"#, r#"["written", "path"]"#);
    insta::assert_snapshot!(shown(&text, &[("size", "acme.Source")]).lines().next().unwrap(), @"swap size: std.Resize > acme.Source: dropped the inputs image, fit; removed the node other, which no other node needs; dropped the named input fit, which would set nothing");
    insta::assert_snapshot!(shown(&text, &[("size", "acme.Resize")]).lines().next().unwrap(), @"swap size: std.Resize > acme.Resize: dropped the inputs width, fit; dropped the named input fit, which would set nothing; removed inputs from the named input width");
    let (file, _) = swapped(&text, &[("size", "acme.Source")]).unwrap();
    let ids: Vec<&str> = file.nodes.iter().map(|node| node.id.as_str()).collect();
    assert_eq!(ids, ["load", "note", "written", "fit", "size", "alone", "save"]);
}

#[test]
fn an_output_of_the_same_type_takes_the_place_of_another_name() {
    insta::assert_snapshot!(shown(GRAPH, &[("size", "acme.Renamed")]), @r#"
    swap size: std.Resize > acme.Renamed: dropped the inputs width, fit; the output `picture` takes the place of `image`; removed the nodes note, fit, which no other node needs; dropped the named inputs width, fit, which would set nothing
    inputs {"path":"load.path"}
    outputs {"image":["size",1]}
    load {"class_type":"std.LoadImage","inputs":{"path":"cat.png"}}
    size {"class_type":"acme.Renamed","inputs":{"image":["load","image"]}}
    save {"class_type":"std.SaveImage","inputs":{"image":["size","picture"],"path":"o.png"}}
    "#);
    // Two outputs fit, so none is used.
    let (file, _) = swapped(GRAPH, &[("size", "acme.Two")]).unwrap();
    insta::assert_snapshot!(problems(file), @r"
    line 4, column 18: the named output `image`: node `size` (acme.Two) has no output `image`; its outputs are: one, two
    line 10, column 71, node `save` (std.SaveImage), input `image`: node `size` (acme.Two) has no output `image`; its outputs are: one, two
    2 problems in the text
    ");
}

#[test]
fn a_class_whose_pack_is_missing_can_be_swapped_out() {
    let text = GRAPH.replace("std.Resize", "gone.Resize").replace(r#""tokenize": {"#, r#""gone": {"#);
    let (file, said) = swapped(&text, &[("size", "acme.Resize")]).unwrap();
    insta::assert_snapshot!(said.join("\n"), @"swap size: gone.Resize > acme.Resize: dropped the inputs width, fit; removed the nodes note, fit, which no other node needs; dropped the named inputs width, fit, which would set nothing; the pack gone is no longer required");
    assert_eq!(problems(file), "no problems");
}

#[test]
fn several_swaps_are_made_one_after_the_other() {
    let (_, said) = swapped(GRAPH, &[("size", "acme.Resize"), ("load", "acme.Source")]).unwrap();
    insta::assert_snapshot!(said.join("\n"), @"
    swap size: std.Resize > acme.Resize: dropped the inputs width, fit; removed the nodes note, fit, which no other node needs; dropped the named inputs width, fit, which would set nothing
    swap load: std.LoadImage > acme.Source: dropped the input path; dropped the named input path, which would set nothing
    ");
}

#[test]
fn nodes_and_classes_that_do_not_exist() {
    let swaps = [
        ("sise", "acme.Resize"),
        ("size", "acme.Resise"),
        ("load", "nobody.Load"),
        ("fit", "./missing.json"),
        ("part:size", "acme.Resize"),
        ("size", "acme.Resize"),
    ];
    let problems = swapped(GRAPH, &swaps).unwrap_err();
    insta::assert_snapshot!(problems, @r#"
    swap `size=acme.Resise`: the pack `acme` has no node `Resise`; did you mean `acme.Resize`?
    swap `load=nobody.Load`: `nobody.Load` needs the pack `nobody`, but the loaded packs are: std, tokenize, acme; install it with `splatgraph packs add FILE`, or add its folder to SPLATGRAPH_PACKS
    swap `fit=./missing.json`: expected the graph "./missing.json", got no such file: missing.json
    swap `size=acme.Resize`: the node is swapped twice; swap it once
    swap `sise=acme.Resize`: the graph has no node `sise`; did you mean `size`?
    swap `part:size=acme.Resize`: the graph has no node `part:size`; the nodes are: load, note, fit, size, save
    6 problems in the text
    "#);
    assert!(!problems.only_missing());
    assert!(swapped(GRAPH, &[("load", "nobody.Load")]).unwrap_err().only_missing());
}

#[test]
fn a_node_inside_a_graph_node_and_a_graph_node_itself() {
    let folder = tempfile::tempdir().unwrap();
    let part = r#"{"inputs": {"image": "size.image", "width": "size.width"}, "outputs": {"image": ["size", "image"]}, "nodes": {
        "size": {"class_type": "std.Resize", "inputs": {"width": 8, "fit": ["text", "text"]}},
        "text": {"class_type": "std.Note"}}}"#;
    fs::write(folder.path().join("part.json"), part).unwrap();
    let text = r#"{"outputs": {"image": ["part", 0]}, "nodes": {
        "load": {"class_type": "std.LoadImage", "inputs": {"path": "cat.png"}},
        "part": {"class_type": "./part.json", "inputs": {"image": ["load", "image"], "width": 4}}}}"#;
    let origin = || Origin::File(folder.path().join("graph.json"));
    let file = || File::parse(text, origin()).unwrap();
    let swaps = |id: &str, class: &str| [(id.to_owned(), class.to_owned())];

    let (inner, said) = swap(file(), &swaps("part:size", "acme.Resize"), &registry()).unwrap();
    insta::assert_snapshot!(said.join("\n"), @"swap part:size: std.Resize > acme.Resize: dropped the inputs width, fit; removed the node part:text, which no other node needs");
    assert_eq!(problems(inner), "no problems");

    let (without, said) = swap(file(), &swaps("part", "acme.Resize"), &registry()).unwrap();
    insta::assert_snapshot!(said.join("\n"), @"swap part: ./part.json > acme.Resize: dropped the input width");
    assert_eq!(problems(without), "no problems");

    let plain = text.replace("./part.json", "std.Resize");
    let plain = File::parse(&plain, origin()).unwrap();
    let class = folder.path().join("part.json").display().to_string();
    let (with, said) = swap(plain, &swaps("part", &class), &registry()).unwrap();
    insta::assert_snapshot!(said.join("\n").replace(&folder.path().display().to_string(), "[folder]"), @"swap part: std.Resize > [folder]/part.json");
    assert_eq!(problems(with), "no problems");

    // A graph node without a consumer is removed too, unless it has an output node.
    let (alone, said) = swap(
        File::parse(&text.replace(r#"{"image": ["part", 0]}, "nodes": {"#, r#"{"n": ["n", 0]}, "nodes": {"n": {"class_type": "std.Resize", "inputs": {"image": ["part", "image"], "width": 1}},"#), origin()).unwrap(),
        &swaps("n", "acme.Source"),
        &registry(),
    )
    .unwrap();
    insta::assert_snapshot!(said.join("\n"), @"swap n: std.Resize > acme.Source: dropped the input image; removed the nodes load, part, which no other node needs");
    assert_eq!(alone.nodes.len(), 1);
}
