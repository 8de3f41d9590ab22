//! The small nodes of the pack std in graphs: their sockets fit each other, and a listed path is read.

mod support;

use serde_json::{Value, json};
use std::{fs, path::Path, process::Command};
use support::{graphs, program};

/// Runs a graph of these nodes, and gives what it tells as JSON.
fn run(folder: &Path, nodes: &Value, outputs: &Value, arguments: &[&str]) -> Value {
    fs::write(folder.join("graph.json"), json!({ "nodes": nodes, "outputs": outputs }).to_string()).unwrap();
    let mut command = Command::new(program());
    command.args(["run", "graph.json", "--json"]).args(arguments).current_dir(folder).env("NO_COLOR", "1");
    let output = command.output().expect("splatgraph runs");
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{nodes}: {}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn listed_files_are_loaded_and_labelled_with_calculated_texts() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    fs::create_dir(folder.join("photos")).unwrap();
    for name in ["astronaut.png", "chelsea.png"] {
        fs::copy(graphs().join(name), folder.join("photos").join(name)).unwrap();
    }
    let nodes = json!({
        "files": { "class_type": "std.ListFiles", "inputs": { "folder": "photos" } },
        "latest": { "class_type": "std.Reverse", "inputs": { "list": ["files", "paths"] } },
        "file": { "class_type": "std.Item", "inputs": { "list": ["latest", "list"] } },
        "load": { "class_type": "std.LoadImage", "inputs": { "path": ["file", "value"] } },
        "small": { "class_type": "std.Resize", "inputs": { "image": ["load", "image"], "width": 64, "height": 48 } },
        "compare": { "class_type": "std.Compare", "inputs": { "a": ["small", "image"], "b": ["small", "image"] } },
        "psnr": { "class_type": "std.Field", "inputs": { "value": ["compare", "each"], "field": "/0/psnr" } },
        "half": { "class_type": "std.Calculate", "inputs": { "expression": "a / 2 + b", "a": ["psnr", "value"], "b": ["files", "count"] } },
        "good": { "class_type": "std.Condition", "inputs": { "expression": "a > 50 and b == 'photos'", "a": ["half", "value"], "b": "photos" } },
        "names": { "class_type": "std.JoinText", "inputs": { "texts": ["files", "names"] } },
        "text": { "class_type": "std.Format", "inputs": { "template": "{a}: {b:.1} {c}", "a": ["names", "text"], "b": ["half", "value"], "c": ["good", "value"] } },
        "label": { "class_type": "std.Label", "inputs": { "image": ["small", "image"], "text": ["text", "text"], "size": 8 } },
        "steps": { "class_type": "std.Range", "inputs": { "start": ["files", "count"], "stop": ["half", "value"], "count": 3 } },
        "sorted": { "class_type": "std.Sort", "inputs": { "list": ["steps", "list"], "descending": true } },
        "part": { "class_type": "std.Slice", "inputs": { "list": ["sorted", "list"], "stop": 2 } },
        "all": { "class_type": "std.List", "inputs": { "values": [["part", "list"], ["text", "text"], ["label", "image"]] } },
        "length": { "class_type": "std.Length", "inputs": { "list": ["all", "list"] } },
        "save": { "class_type": "std.SaveImage", "inputs": { "image": ["label", "image"], "path": "out.png" } }
    });
    let outputs = json!({ "text": ["text", "text"], "part": ["part", "list"], "length": ["length", "length"] });
    let result = run(folder, &nodes, &outputs, &[]);
    let expected = json!({ "text": "astronaut, chelsea: 52.0 true", "part": [52.0, 27.0], "length": 4 });
    assert_eq!(result["outputs"], expected, "{result}");
    let decoder = png::Decoder::new(std::io::BufReader::new(fs::File::open(folder.join("out.png")).unwrap()));
    let reader = decoder.read_info().unwrap();
    assert_eq!((reader.info().width, reader.info().height), (64, 60));
}

#[test]
fn a_value_of_another_type_fails_at_the_node_that_gets_it() {
    let temporary = tempfile::tempdir().unwrap();
    let failure = |nodes: Value| -> String {
        let result = run(temporary.path(), &nodes, &json!({ "value": ["last", "value"] }), &[]);
        let failure = &result["failures"][0];
        format!(
            "{}.{}: {}",
            failure["node"].as_str().unwrap(),
            failure["input"].as_str().unwrap(),
            failure["message"].as_str().unwrap()
        )
    };
    let list = json!({ "class_type": "std.List", "inputs": { "values": { "__value__": [1.5, "x", {"psnr": 3}] } } });
    let item = |index: i64| json!({ "class_type": "std.Item", "inputs": { "list": ["list", "list"], "index": index } });
    let last = |class: &str| json!({ "class_type": class, "inputs": { "value": ["item", "value"] } });
    insta::assert_snapshot!(failure(json!({ "list": list, "item": item(0), "last": last("std.Int") })), @"last.value: expected a whole number, got FLOAT 1.5");
    insta::assert_snapshot!(failure(json!({ "list": list, "item": item(1), "last": last("std.Float") })), @r#"last.value: expected a number, got STRING "x""#);
    insta::assert_snapshot!(failure(json!({ "list": list, "last": { "class_type": "std.Item", "inputs": { "list": ["list", "list"], "index": 9 } } })), @"last.index: expected an index from -3 to 2 for a list of 3 values, got 9");
    insta::assert_snapshot!(failure(json!({
        "last": { "class_type": "std.Calculate", "inputs": { "expression": "a / b", "a": 1, "b": 0 } }
    })), @"last.expression: expected a number other than 0 behind `/`, got 0");
}
