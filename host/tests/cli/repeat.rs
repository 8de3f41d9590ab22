//! Nodes that repeat a graph, through the real binary.

use std::fs;

use crate::node;
use crate::support::Place;
use serde_json::{Value as Json, json};

/// A graph that makes a picture of a size and writes it.
fn part(path: &Json) -> Json {
    json!({
        "inputs": { "size": "image.size", "path": "save.path" },
        "outputs": { "image": ["image", "image"], "file": ["save", "path"] },
        "nodes": {
            "image": node("PlainImage", json!({"size": 1})),
            "save": node("SavePicture", json!({"image": ["image", "image"], "path": path})),
        },
    })
}

fn many(each: &Json, inputs: &Json, path: &Json) -> Json {
    let many = json!({ "class_type": "./part.json", "each": each, "inputs": inputs });
    let place =
        json!({ "graph": { "outputs": { "files": ["many", "file"] }, "nodes": { "many": many } }, "part": part(path) });
    place
}

fn place(each: &Json, inputs: &Json, path: &Json) -> Place {
    let place = Place::with_stub();
    let graphs = many(each, inputs, path);
    place.write("graph.json", &graphs["graph"].to_string());
    place.write("part.json", &graphs["part"].to_string());
    place
}

fn sizes() -> Json {
    json!({ "size": { "__value__": [1, 2, 3] } })
}

#[test]
fn each_pass_writes_a_file_of_its_own() {
    let place = place(&json!({ "over": "size" }), &sizes(), &json!("out-{index}.png"));
    let ran = place.run(&["run", "graph.json", "--explain"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for (name, size) in [("000", 1), ("001", 2), ("002", 3)] {
        let file = std::io::BufReader::new(fs::File::open(place.path(&format!("work/out-{name}.png"))).unwrap());
        let reader = png::Decoder::new(file).read_info().unwrap();
        assert_eq!(reader.info().width, size);
    }
    insta::assert_snapshot!(ran.stdout, @r#"
        files  ["[DIR]/work/out-000.png","[DIR]/work/out-001.png","[DIR]/work/out-002.png"]
        wrote  out-000.png
        wrote  out-001.png
        wrote  out-002.png
        "#);
    let explained: Vec<&str> = ran.stderr.lines().filter(|line| line.contains("many")).collect();
    insta::assert_snapshot!(explained.join("\n").replace(char::is_numeric, "N"), @"
        many (./part.json) ...
        many done in [TIME]
        many        ran: results are not kept
        many:image  in the passes: ran N times, cached N times
        many:save   in the passes: ran N times, cached N times
        ");
}

#[test]
fn passes_that_would_write_one_file_are_refused() {
    let said = |each: Json, inputs: Json, path: Json| {
        let ran = place(&each, &inputs, &path).run(&["run", "graph.json"]);
        assert_ne!(ran.code, 0);
        ran.stderr
    };
    insta::assert_snapshot!(said(json!({ "over": "size" }), sizes(), json!("out.png")), @r#"
        error: part.json, line 1, column 266, node `many:save` (stub.SavePicture), input `path`: each pass would write over the file of the one before: expected a path with {index}, the number of the pass, got "out.png"
        1 problem in graph.json
        "#);
    let twice = json!({ "size": { "__value__": [1, 2] }, "path": { "__value__": ["a.png", "a.png"] } });
    insta::assert_snapshot!(said(json!({ "over": ["size", "path"] }), twice, json!("out.png")), @"
        error: line 1, column 158, node `many` (./part.json), input `path`: it would write over the file that `many.path` also writes; choose another path than [DIR]/work/a.png
        1 problem in graph.json
        ");
}

#[test]
fn a_debug_run_has_the_outputs_of_each_pass() {
    let place = place(&json!({ "over": "size" }), &sizes(), &json!("out-{index}.png"));
    assert_eq!(place.run(&["run", "graph.json", "--quiet", "--debug", "seen"]).code, 0);
    let mut names: Vec<String> = fs::read_dir(place.path("work/seen"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".png"))
        .collect();
    names.sort();
    // Nobody takes the list of the pictures.
    assert_eq!(names, [0, 1, 2].map(|pass| format!("many_image.image-00{pass}.png")));
    let run: Json = serde_json::from_str(&place.read("seen/run.json")).unwrap();
    let expected = json!([{"id": "many:image", "ran": 3, "cached": 0}, {"id": "many:save", "ran": 3, "cached": 0}]);
    assert_eq!(run["nodes"][0]["inside"], expected);
    // The folder is known as one of a debug run, and cleared.
    assert_eq!(place.run(&["run", "graph.json", "--quiet", "--debug", "seen"]).code, 0);
}

#[test]
fn other_formats_have_no_such_node() {
    let place = place(&json!({ "over": "size" }), &sizes(), &json!("out-{index}.png"));
    insta::assert_snapshot!(place.run(&["convert", "graph.json", "--api"]).stderr, @"
        error: line 1, column 82, node `many`: ComfyUI's formats have nothing that repeats a graph, as `each` does; keep the graph in this program's format
        1 problem in graph.json
        ");
    insta::assert_snapshot!(place.run(&["convert", "graph.json", "--workflow"]).stderr, @"
        error: line 1, column 82, node `many`: ComfyUI's formats have nothing that repeats a graph, as `each` does; keep the graph in this program's format
        1 problem in graph.json
        ");
    let same = place.run(&["convert", "graph.json"]);
    assert_eq!(same.code, 0, "{}", same.stderr);
    let same: Json = serde_json::from_str(&same.stdout).unwrap();
    assert_eq!(same["nodes"]["many"]["each"], json!({ "over": ["size"] }));
    assert_eq!((&same["version"], &same["nodes"]["many"]["class_type"]), (&json!(2), &json!("./part.json")));
}

#[test]
fn graphs_that_grow_without_end_are_refused() {
    let place = Place::with_stub();
    let count = 24;
    for number in 0..count {
        let next = |id: &str| {
            (
                id.to_owned(),
                json!({
                    "class_type": format!("./{}.json", number + 1), "each": { "over": "size" },
                }),
            )
        };
        let nodes: serde_json::Map<_, _> = ["a", "b"].into_iter().map(next).collect();
        let graph =
            json!({ "inputs": { "size": ["a.size", "b.size"] }, "outputs": { "x": ["a", "x"] }, "nodes": nodes });
        place.write(&format!("{number}.json"), &graph.to_string());
    }
    let last = json!({
        "inputs": { "size": "image.size" }, "outputs": { "x": ["image", "image"] },
        "nodes": { "image": node("PlainImage", json!({})) },
    });
    place.write(&format!("{count}.json"), &last.to_string());
    let ran = place.run(&["check", "0.json"]);
    assert_ne!(ran.code, 0);
    assert!(ran.stderr.contains("expected at most 100000 nodes from graph nodes, got more"), "{}", ran.stderr);
    let itself = json!({ "nodes": { "a": { "class_type": "./loop.json", "each": { "over": "x" } } } });
    place.write("loop.json", &itself.to_string());
    insta::assert_snapshot!(place.run(&["check", "loop.json"]).stderr, @"
        error: line 1, column 11, node `a`: expected a graph that does not contain itself, got loop.json > loop.json; remove one of these graph nodes
        1 problem in loop.json
        ");
}
