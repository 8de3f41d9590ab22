//! Prompts as clients send them.

use super::{closures::PackOf, own, own_with, problems};
use serde_json::{Value as Json, json};

/// The inputs of a node of a class with an input of each kind, as they are after the conversion.
#[track_caller]
fn inputs(given: Json) -> Json {
    let registry = PackOf::new("acme").declared(spec()).registry();
    let prompt = json!({ "1": { "class_type": "acme.All", "inputs": given } });
    let once = own_with(&prompt, &registry);
    once["1"]["inputs"].clone()
}

fn spec() -> Json {
    json!({
        "name": "All", "output": true,
        "inputs": [
            { "name": "int", "type": "INT", "default": 0 },
            { "name": "float", "type": "FLOAT", "default": 0.0 },
            { "name": "on", "type": "BOOLEAN", "default": false },
            { "name": "text", "type": "STRING", "default": "" },
            { "name": "device", "type": "STRING", "optional": true },
            { "name": "json", "type": "JSON", "optional": true },
            { "name": "words", "type": "JSON", "default": "none" },
            { "name": "class", "type": "INT,STRING", "default": 0 },
            { "name": "classes", "type": "INT,STRING", "list": true, "optional": true },
            { "name": "file", "type": "STRING", "path": "write", "extensions": ["png", "jpg"], "extensions_only": true,
              "optional": true },
        ],
        "outputs": [{ "name": "all", "type": "INT" }],
    })
}

#[test]
fn values_get_the_types_of_their_inputs() {
    let same = |given: Json| assert_eq!(inputs(given.clone()), given);
    assert_eq!(
        inputs(json!({ "int": 6.0, "float": "2.5", "on": 1, "text": 7 })),
        json!({ "int": 6, "float": 2.5, "on": true, "text": "7" })
    );
    assert_eq!(
        inputs(json!({ "int": "6", "on": "False", "text": true })),
        json!({ "int": 6, "on": false, "text": "true" })
    );
    assert_eq!(inputs(json!({ "int": "18446744073709551615" })), json!({ "int": u64::MAX }));
    assert_eq!(inputs(json!({ "int": "-9223372036854775808" })), json!({ "int": i64::MIN }));
    same(json!({ "int": u64::MAX, "float": 1, "text": "6" }));
    // These are told as problems.
    same(json!({ "int": 6.5, "float": "much", "on": "perhaps" }));
    same(json!({ "int": 1e17 }));
}

#[test]
fn an_empty_text_is_no_value_where_a_value_is_not_needed() {
    assert_eq!(
        inputs(json!({ "device": "", "json": "", "class": "", "classes": "", "text": "" })),
        json!({ "text": "" })
    );
}

#[test]
fn json_and_unions_arrive_as_text() {
    assert_eq!(inputs(json!({ "json": " [1, {\"a\": 2.0}]" })), json!({ "json": { "__value__": [1, { "a": 2.0 }] } }));
    assert_eq!(inputs(json!({ "json": "{\"a\": 1}", "class": "3" })), json!({ "json": { "a": 1 }, "class": 3 }));
    assert_eq!(inputs(json!({ "json": "words", "class": "cat" })), json!({ "json": "words", "class": "cat" }));
    // A text that is JSON is read once.
    assert_eq!(inputs(json!({ "json": "\"5\"" })), json!({ "json": "5" }));
    assert_eq!(inputs(json!({ "words": "[1" })), json!({ "words": "[1" }));
    assert_eq!(
        inputs(json!({ "classes": "[1, \"2\", \"cat\"]" })),
        json!({ "classes": { "__value__": [1, 2, "cat"] } })
    );
    let bad = json!({ "1": { "class_type": "std.Note", "inputs": { "extra": "[[1, 2]" } } });
    insta::assert_snapshot!(problems(&bad), @r#"
    line 1, column 49, node `1` (std.Note), input `extra`: expected a JSON value, got the text "[[1, 2]"; in the text: line 1, column 8: the JSON cannot be read: expected `,` or `]`, got the end of the text
    the graph has nothing to run for: expected named results under `outputs`, or an output node; output nodes are: std.SaveImage
    2 problems in the text
    "#);
}

#[test]
fn items_of_a_list_stand_alone() {
    let load = json!({ "class_type": "std.LoadImage", "inputs": { "path": "cat.png" } });
    let grid = |inputs: Json| {
        own(&json!({ "1": load, "2": load, "3": { "class_type": "std.Grid", "inputs": inputs } }))["3"]["inputs"]
            .clone()
    };
    let items = json!({ "images.image10": ["1", 0], "images.image2": ["2", 0] });
    assert_eq!(grid(items), json!({ "images": [["2", "image"], ["1", "image"]] }));
    assert_eq!(grid(json!({ "images.image7": ["1", 0] })), json!({ "images": [["1", "image"]] }));
    let values = json!({ "images": [["1", 0]], "weights.weight0": 1, "weights.weight1": "0.5" });
    assert_eq!(grid(values), json!({ "images": [["1", "image"]], "weights": { "__value__": [1, 0.5] } }));
    let mixed = json!({
        "1": load,
        "3": { "class_type": "std.Grid", "inputs": { "images.image0": ["1", 0], "images.image1": 3 } },
        "4": { "class_type": "std.Grid", "inputs": { "images": ["1", 0], "images.image2": ["1", 0] } },
        "5": { "class_type": "std.Grid", "inputs": { "images": ["1", 0], "weights.weight1": ["1", 0], "weights.weight0": 1 } },
        "6": { "class_type": "std.SaveImage", "inputs": { "image": ["3", 0], "path": "a.png" } },
    });
    insta::assert_snapshot!(problems(&mixed), @r"
    line 1, column 120, node `3` (std.Grid), input `images`: expected items that are all links or all values, got a link as `images.image0` and the number 3 as `images.image1`
    line 1, column 220, node `4` (std.Grid), input `images`: expected a list as `images` or items such as `images.image2`, got both
    line 1, column 330, node `5` (std.Grid), input `weights`: expected items that are all links or all values, got the number 1 as `weights.weight0` and a link as `weights.weight1`
    line 1, column 330, node `5` (std.Grid), input `weights`: expected FLOAT, got IMAGE from `1.0`
    4 problems in the text
    ");
    let converted = splatgraph::graph::to_own_format(&super::parse(&mixed), "".as_ref(), &super::closures::declared());
    assert!(converted.is_err(), "an item would be lost");
}

#[test]
fn a_file_without_an_extension_gets_one() {
    for (given, path) in [
        ("cat", "cat.png"),
        ("a/b", "a/b.png"),
        ("{stem}", "{stem}.png"),
        ("cat.jpg", "cat.jpg"),
        ("cat.gif", "cat.gif"),
        ("a/", "a/"),
        ("..", ".."),
    ] {
        assert_eq!(inputs(json!({ "file": given })), json!({ "file": path }));
    }
}

#[test]
fn graphs_in_our_own_format_stay_as_they_are() {
    let graph = json!({ "nodes": { "a": { "class_type": "std.Note", "inputs": { "extra": "[1", "text": "" } } }, "outputs": { "t": ["a", "text"] } });
    assert_eq!(own(&graph), graph["nodes"]);
}
