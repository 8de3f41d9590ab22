//! `packs keep` and `packs check --against`.

use super::Versions;
use super::support::Place;
use serde_json::{Value as Json, json};
use splatgraph::graph::differences;
use splatgraph_sdk::spec::Manifest;
use std::fs;

/// The manifest of a pack with one node.
fn manifest(version: &str, node: &Json, changes: &Json) -> Manifest {
    serde_json::from_value(json!({ "id": "acme", "version": version, "nodes": [node], "changes": changes })).unwrap()
}

fn found(old: &Json, new: &Json, changes: &Json) -> String {
    let found = differences(&manifest("0.1.0", old, &json!([])), &manifest("0.2.0", new, changes));
    found.iter().map(|difference| format!("{difference}\n")).collect()
}

fn node(name: &str, inputs: &Json, outputs: &Json) -> Json {
    json!({ "name": name, "inputs": inputs, "outputs": outputs })
}

fn blur() -> Json {
    let inputs = json!([
        { "name": "image", "type": "IMAGE" },
        { "name": "radius", "type": "INT", "default": 3, "min": 0, "max": 100 },
        { "name": "method", "type": "STRING", "choices": [{ "name": "box" }, { "name": "gauss" }], "default": "box" },
        { "name": "amount", "type": "FLOAT", "default": 50.0 },
        { "name": "mask", "type": "MASK", "optional": true },
        { "name": "path", "type": "STRING", "path": "write", "extensions": ["png", "txt"], "default": "a.png" },
    ]);
    node("Blur", &inputs, &json!([{ "name": "out", "type": "IMAGE" }, { "name": "size", "type": "INT" }]))
}

#[test]
fn every_kind_of_difference_is_found() {
    let new = node(
        "Blur",
        &json!([
            { "name": "image", "type": "MASK" },
            { "name": "radius", "type": "INT", "default": 5, "min": 1, "max": 50 },
            { "name": "method", "type": "STRING", "choices": [{ "name": "gauss" }], "default": "gauss" },
            { "name": "amount", "type": "FLOAT" },
            { "name": "path", "type": "STRING", "path": "write", "extensions": ["png"], "extensions_only": true, "default": "a.png" },
            { "name": "seed", "type": "INT" },
        ]),
        &json!([{ "name": "size", "type": "FLOAT" }]),
    );
    insta::assert_snapshot!(found(&blur(), &new, &json!([])), @r#"
    `acme.Blur`, input `image`: the type was IMAGE and is MASK
    `acme.Blur`, input `radius`: numbers below 1 are no longer allowed
    `acme.Blur`, input `radius`: numbers above 50 are no longer allowed
    `acme.Blur`, input `radius`: the default was 3 and is 5
    `acme.Blur`, input `method`: the choice "box" is gone
    `acme.Blur`, input `method`: the default was "box" and is "gauss"
    `acme.Blur`, input `amount`: graphs have to give the input, which they could leave out
    `acme.Blur`, input `mask`: the input is gone
    `acme.Blur`, input `path`: files .txt are no longer allowed
    `acme.Blur`, input `seed`: the input is new, and graphs have to give it
    `acme.Blur`, output `out`: the output is gone
    `acme.Blur`, output `size`: the type was INT and is FLOAT
    `acme.Blur`, output `size`: the output was number 1 and is number 0
    "#);
    insta::assert_snapshot!(found(&blur(), &node("Soft", &json!([]), &json!([])), &json!([])), @"`acme.Blur`: the class is gone");
    insta::assert_snapshot!(found(&blur(), &node("Soft", &json!([]), &json!([])), &json!([
        { "version": "0.2.0", "class": "Blur", "renamed": "Soft" },
    ])), @"
    `acme.Blur`, input `image`: the input is gone
    `acme.Blur`, input `radius`: the input is gone
    `acme.Blur`, input `method`: the input is gone
    `acme.Blur`, input `amount`: the input is gone
    `acme.Blur`, input `mask`: the input is gone
    `acme.Blur`, input `path`: the input is gone
    `acme.Blur`, output `out`: the output is gone
    `acme.Blur`, output `size`: the output is gone
    ");
    assert_eq!(found(&blur(), &blur(), &json!([])), "");
}

#[test]
fn additions_and_wider_types_are_no_differences() {
    let mut new = blur();
    let inputs = new["inputs"].as_array_mut().unwrap();
    inputs[0] = json!({ "name": "image", "type": "IMAGE,LAYOUT" });
    inputs[1] = json!({ "name": "radius", "type": "FLOAT", "default": 3.0, "min": -1, "max": 200 });
    inputs[2]["choices"].as_array_mut().unwrap().insert(0, json!({ "name": "median" }));
    inputs.insert(1, json!({ "name": "passes", "type": "INT", "default": 1 }));
    new["outputs"].as_array_mut().unwrap().push(json!({ "name": "mask", "type": "MASK" }));
    assert_eq!(found(&blur(), &new, &json!([])), "");
}

#[test]
fn declared_changes_are_no_differences_and_wrong_ones_are() {
    let new = node(
        "Smooth",
        &json!([
            { "name": "image", "type": "IMAGE" },
            { "name": "size", "type": "INT", "list": true, "default": [3], "min": 0, "max": 100 },
            { "name": "method", "type": "STRING", "choices": [{ "name": "mean" }, { "name": "gauss" }], "default": "gauss" },
            { "name": "amount", "type": "FLOAT", "default": 0.5 },
            { "name": "seed", "type": "INT" },
            { "name": "path", "type": "STRING", "path": "write", "extensions": ["png", "txt"], "default": "a.png" },
        ]),
        &json!([{ "name": "size", "type": "INT" }, { "name": "image", "type": "IMAGE" }]),
    );
    let changes = json!([
        { "version": "0.2.0", "class": "Blur", "renamed": "Smooth" },
        { "version": "0.2.0", "class": "Smooth", "input": "radius", "renamed": "size" },
        { "version": "0.2.0", "class": "Smooth", "input": "size", "list": true },
        { "version": "0.2.0", "class": "Smooth", "input": "method", "words": { "box": "mean" } },
        { "version": "0.2.0", "class": "Smooth", "input": "method", "was": "mean" },
        { "version": "0.2.0", "class": "Smooth", "input": "amount", "factor": 0.01 },
        { "version": "0.2.0", "class": "Smooth", "input": "mask", "removed": "cut the picture" },
        { "version": "0.2.0", "class": "Smooth", "input": "seed", "was": 0 },
        { "version": "0.2.0", "class": "Smooth", "output": "out", "renamed": "image" },
        { "version": "0.2.0", "class": "Smooth", "output": "image", "position": 0 },
        { "version": "0.2.0", "class": "Smooth", "output": "size", "position": 1 },
    ]);
    assert_eq!(found(&blur(), &new, &changes), "");
    // Each line is needed.
    for left_out in 0..changes.as_array().unwrap().len() {
        let mut fewer = changes.clone();
        fewer.as_array_mut().unwrap().remove(left_out);
        assert_ne!(found(&blur(), &new, &fewer), "", "without line {left_out}");
    }
    let mut wrong = changes.clone();
    wrong[4]["was"] = json!("gauss");
    insta::assert_snapshot!(found(&blur(), &new, &wrong), @r#"`acme.Blur`, input `method`: the default was "mean", and the changes say "gauss""#);
    // Lines of the kept version are no excuse.
    let mut early = changes;
    early[0]["version"] = json!("0.1.0");
    insta::assert_snapshot!(found(&blur(), &new, &early), @"`acme.Blur`: the class is gone");
}

#[test]
fn a_split_covers_all_values() {
    let with = |values: &[&str]| {
        let choices: Vec<Json> = values.iter().map(|name| json!({ "name": name })).collect();
        node(
            "Filter",
            &json!([{ "name": "kind", "type": "STRING", "choices": choices, "default": "edges" }]),
            &json!([]),
        )
    };
    let edges = node("Edges", &json!([]), &json!([]));
    let split = json!([{ "version": "0.2.0", "class": "Filter", "input": "kind", "split": { "edges": "Edges" }, "was": "edges" }]);
    assert_eq!(found(&with(&["edges"]), &edges, &split), "");
    insta::assert_snapshot!(found(&with(&["edges", "soft"]), &edges, &split), @"`acme.Filter`: the class is gone, and one of its inputs chooses another only for some values");
}

#[test]
fn a_successor_with_declared_changes_passes_and_an_undeclared_one_is_found() {
    let versions = Versions::new();
    let kept = versions.run("before", &["packs", "keep", "released/0.1.0"]);
    assert_eq!((kept.code, kept.stdout.as_str()), (0, "released/0.1.0/craft.json\n"), "{}", kept.all());
    insta::assert_snapshot!(versions.run("before", &["packs", "keep", "released/0.1.0"]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: expected a new file, got one that exists; choose another name, or remove the file first
      released/0.1.0/craft.json
    ");
    assert_eq!(versions.run("before", &["packs", "check", "--against", "released/0.1.0"]).code, 0);
    insta::assert_snapshot!(versions.run("after", &["packs", "check", "--against", "released/0.1.0"]).all(), @"
    exit code 0
    --- stdout
    no differences from craft 0.1.0
    --- stderr
    ");
    // As if version 0.1.0 had had another input, choice and output.
    let text = versions.place.read("released/0.1.0/craft.json");
    let mut old: Json = serde_json::from_str(&text).unwrap();
    let blur = old["nodes"].as_array_mut().unwrap().iter_mut().find(|node| node["name"] == "Blur").unwrap();
    blur["inputs"].as_array_mut().unwrap().push(json!({ "name": "gamma", "type": "FLOAT", "default": 1.0 }));
    blur["inputs"][2]["choices"].as_array_mut().unwrap().push(json!({ "name": "median" }));
    blur["outputs"].as_array_mut().unwrap().push(json!({ "name": "mask", "type": "STRING" }));
    versions.place.write("released/0.1.0/craft.json", &old.to_string());
    insta::assert_snapshot!(versions.run("after", &["packs", "check", "--against", "released/0.1.0/craft.json"]).all(), @r#"
    exit code 1
    --- stdout
    `craft.Blur`, input `method`: the choice "median" is gone
    `craft.Blur`, input `gamma`: the input is gone
    `craft.Blur`, output `mask`: the output is gone
    --- stderr
    error: 3 differences from craft 0.1.0; undo each, or list it among the changes of its pack
    "#);
    insta::assert_snapshot!(versions.run("after", &["packs", "check", "--against", "released/0.1.0", "--json"]).all(), @r#"
    exit code 1
    --- stdout
    {
      "ok": false,
      "against": "craft 0.1.0",
      "differences": [
        {
          "pack": "craft",
          "class": "Blur",
          "input": "method",
          "output": null,
          "text": "the choice \"median\" is gone"
        },
        {
          "pack": "craft",
          "class": "Blur",
          "input": "gamma",
          "output": null,
          "text": "the input is gone"
        },
        {
          "pack": "craft",
          "class": "Blur",
          "input": null,
          "output": "mask",
          "text": "the output is gone"
        }
      ]
    }
    --- stderr
    "#);
}

#[test]
fn wrong_manifests_and_packs_are_told() {
    let place = Place::with_stub();
    place.write("broken/acme.json", "{");
    place.write("other/acme.json", r#"{"id": "acme", "version": "1.0.0", "nodes": []}"#);
    fs::create_dir(place.path("work/empty")).unwrap();
    for path in ["broken", "empty", "nowhere"] {
        let ran = place.run(&["packs", "check", "--against", path]);
        assert_eq!(ran.code, 2, "{}", ran.all());
    }
    insta::assert_snapshot!(place.run(&["packs", "check", "--against", "broken"]).stderr, @"
    error: expected a manifest that `splatgraph packs keep` wrote: expected a manifest in the form of this SDK: EOF while parsing an object at line 1 column 1
      broken/acme.json
    ");
    insta::assert_snapshot!(place.run(&["packs", "check", "--against", "empty"]).stderr, @"
    error: expected a folder with manifests that `splatgraph packs keep` wrote, got one without .json files
      empty
    ");
    insta::assert_snapshot!(place.run(&["packs", "check", "--against", "nowhere"]).stderr, @"
    error: the manifest cannot be read: No such file or directory (os error 2)
      nowhere
    ");
    insta::assert_snapshot!(place.run(&["packs", "check", "--against", "other"]).all(), @"
    exit code 1
    --- stdout
    the pack `acme`: the pack is not loaded: it is in no folder of packs; name its folder with --packs
    --- stderr
    error: 1 difference from acme 1.0.0; undo each, or list it among the changes of its pack
    ");
    insta::assert_snapshot!(place.run(&["packs", "keep", "kept", "stab"]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: expected the id of a pack (stub), got `stab`
    ");
    assert!(!place.path("work/kept").exists());
}
