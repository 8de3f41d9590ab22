//! Descriptions of classes, and their help pages.

use super::closures::{PackOf, declared};
use serde_json::json;
use splatgraph::registry::Registry;
use splatgraph::workflow::{
    help_page,
    object_info::{Files, class_info, object_info},
};

fn files() -> Files {
    let texts = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    Files { read: texts(&["cat.png", "a.safetensors", "b.gpst"]), models: texts(&["large.safetensors"]) }
}

fn one(spec: serde_json::Value) -> Registry {
    PackOf::new("acme").declared(spec).registry()
}

#[test]
fn every_class_is_described_under_its_full_name() {
    let all = object_info(&declared(), &files());
    let names: Vec<&String> = all.as_object().unwrap().keys().collect();
    assert_eq!(names[..2], ["std.LoadImage", "std.SaveImage"]);
    for (name, class) in all.as_object().unwrap() {
        assert_eq!(class["name"], *name);
        for key in ["output", "output_name", "output_is_list", "output_tooltips"] {
            assert_eq!(class[key].as_array().unwrap().len(), class["output"].as_array().unwrap().len(), "{name} {key}");
        }
        for group in ["required", "optional"] {
            let keys: Vec<&String> = class["input"][group].as_object().unwrap().keys().collect();
            assert_eq!(class["input_order"][group], json!(keys), "{name}");
        }
    }
    assert_eq!(all["std.SaveImage"]["output_node"], true);
    assert_eq!(all["std.LoadImage"]["output_node"], false);
    assert_eq!(all["std.LoadImage"]["description"], "Reads a picture.\n\nMore about it.");
}

#[test]
fn each_kind_of_input_has_its_form() {
    let class = one(json!({
        "name": "All",
        "inputs": [
            { "name": "picture", "type": "IMAGE", "help": "A picture." },
            { "name": "either", "type": "TOKENS,LAYOUT", "optional": true },
            { "name": "anything", "type": "*", "optional": true },
            { "name": "images", "type": "IMAGE", "list": true },
            { "name": "masses", "type": "MASK", "list": true, "optional": true },
            { "name": "numbers", "type": "INT,STRING", "list": true, "optional": true },
            { "name": "count", "type": "INT", "default": 1, "counts_from": "first" },
            { "name": "first", "type": "INT", "default": 0, "min": 0, "max": u64::MAX },
            { "name": "seed", "type": "INT" },
            { "name": "rate", "type": "FLOAT", "default": 0.0003, "max": 1 },
            { "name": "on", "type": "BOOLEAN", "default": true },
            { "name": "json", "type": "JSON", "default": { "a": [1] } },
            { "name": "class", "type": "INT,STRING", "default": 3 },
            { "name": "colour", "type": "STRING", "default": "red", "help": "The colour.", "choices": [
                { "name": "red", "help": "Like fire." }, { "name": "blue" },
            ] },
            { "name": "file", "type": "STRING", "path": "write", "extensions": ["png"] },
            { "name": "model", "type": "STRING", "path": "model", "builtin": ["small"], "optional": true },
            { "name": "tokens", "type": "STRING", "path": "read", "extensions": ["gpst"] },
            { "name": "nothing", "type": "STRING", "path": "read", "extensions": ["xyz"] },
            { "name": "photo", "type": "STRING", "path": "read", "extensions": ["png"] },
        ],
        "outputs": [],
    }));
    let info = class_info(&class.class("acme.All").unwrap(), &files());
    let all: Vec<String> = ["required", "optional"]
        .iter()
        .flat_map(|group| info["input"][*group].as_object().unwrap())
        .map(|(name, input)| format!("{name}: {input}"))
        .collect();
    insta::assert_snapshot!(all.join("\n"), @r#"
    picture: ["IMAGE",{"tooltip":"A picture."}]
    images: ["COMFY_AUTOGROW_V3",{"template":{"input":{"required":{"image":["IMAGE",{}]}},"prefix":"image","min":1,"max":50}}]
    seed: ["INT",{"min":-9007199254740991,"max":9007199254740991,"control_after_generate":true}]
    file: ["STRING",{"default":"result.png"}]
    tokens: [["b.gpst"],{}]
    nothing: ["STRING",{}]
    photo: [["cat.png"],{"image_upload":true}]
    either: ["TOKENS,LAYOUT",{}]
    anything: ["*",{}]
    masses: ["COMFY_AUTOGROW_V3",{"template":{"input":{"required":{"mass":["MASK",{}]}},"prefix":"mass","min":0,"max":50}}]
    numbers: ["INT,STRING",{"widgetType":"STRING","multiline":true,"placeholder":"[..]"}]
    count: ["INT",{"default":1,"min":-9007199254740991,"max":9007199254740991}]
    first: ["INT",{"default":0,"min":0,"max":9007199254740991,"control_after_generate":true}]
    rate: ["FLOAT",{"default":0.0003,"min":-9007199254740991,"max":1,"step":0.0001,"round":false}]
    on: ["BOOLEAN",{"default":true}]
    json: ["JSON",{"widgetType":"STRING","multiline":true,"placeholder":"JSON","default":"{\"a\":[1]}"}]
    class: ["INT,STRING",{"widgetType":"STRING","default":"3"}]
    colour: [["red","blue"],{"tooltip":"The colour.\nred: Like fire.","default":"red"}]
    model: [["","small","large.safetensors"],{}]
    "#);
}

#[test]
fn pictures_are_uploaded_where_a_node_gives_pictures() {
    let info = object_info(&declared(), &files());
    assert_eq!(info["std.LoadImage"]["input"]["required"]["path"][0], json!(["cat.png"]));
    assert_eq!(info["std.LoadImage"]["input"]["required"]["path"][1]["image_upload"], true);
    let records = one(json!({
        "name": "Load", "inputs": [{ "name": "path", "type": "STRING", "path": "read" }],
        "outputs": [{ "name": "value", "type": "*" }],
    }));
    let info = object_info(&records, &files());
    assert_eq!(info["acme.Load"]["input"]["required"]["path"], json!([["a.safetensors", "b.gpst"], {}]));
}

#[test]
fn a_help_page_has_inputs_choices_and_outputs() {
    let registry = declared();
    insta::assert_snapshot!(help_page(&registry.class("std.Resize").unwrap()), @r#"
    # std.Resize

    ## Inputs

    - **image** (IMAGE)
    - **width** (INT, 1 to 65536)
    - **fit** (STRING, default `"fill"`)
      - `fill`: Scales and crops.
      - `fit`
      - `stretch`

    ## Outputs

    - **image** (IMAGE)
    "#);
    insta::assert_snapshot!(help_page(&registry.class("std.LoadImage").unwrap()), @r#"
    # std.LoadImage

    Reads a picture.

    More about it.

    ## Inputs

    - **path** (STRING) The file.

    ## Outputs

    - **image** (IMAGE)
    - **mask** (MASK)
    "#);
}
