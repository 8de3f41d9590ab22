//! Running graphs with the real binary.

use std::fs;
use std::process::Stdio;

use crate::support::Place;
use crate::{graph, node, without_lock};
use serde_json::{Value as Json, json};

/// A graph with a picture, written to `out.png`.
fn picture_graph(place: &Place) {
    let nodes = json!({
        "image": node("PlainImage", json!({"size": 2})),
        "text": node("ReadText", json!({"path": "notes.txt"})),
        "save": node("SavePicture", json!({"image": ["image", "image"], "path": "out.png"})),
    });
    let inputs = json!({"size": "image.size", "output": "save.path", "notes": "text.path"});
    let whole = json!({"version": 1, "inputs": inputs, "outputs": {"text": ["text", "text"]}, "nodes": nodes});
    place.write("graph.json", &whole.to_string());
    place.write("notes.txt", "hello");
}

#[test]
fn results_and_files_are_printed_and_progress_goes_to_stderr() {
    let place = Place::with_stub();
    let nodes = json!({
        "image": node("PlainImage", json!({"size": 2})),
        "save": node("SavePicture", json!({"image": ["image", "image"], "path": "out.png"})),
        "note": node("WriteText", json!({"text": ["save", "path"], "path": "note.txt"})),
    });
    graph(&place, &nodes, &json!({"image": ["image", "image"], "file": ["note", "path"]}));
    insta::assert_snapshot!(place.run(&["run", "graph.json", "--out", "made"]).all(), @r"
    exit code 0
    --- stdout
    image  IMAGE image [1,2,2,3]
    file   [DIR]/work/made/note.txt
    wrote  made/out.png
    wrote  made/note.txt
    --- stderr
    image (stub.PlainImage) ...
    image done in [TIME]
    save (stub.SavePicture) ...
    save done in [TIME]
    note (stub.WriteText) ...
    note done in [TIME]
    done: 3 nodes ran in [TIME]
    ");
    assert!(place.path("work/made/out.png").is_file());
}

#[test]
fn quiet_prints_nothing_but_errors() {
    let place = Place::with_stub();
    graph(
        &place,
        &json!({"ok": node("Settings", json!({})), "bad": node("Fails", json!({}))}),
        &json!({"a": ["ok", "settings"], "b": ["bad", "never"]}),
    );
    let ran = place.run(&["run", "graph.json", "--quiet"]);
    insta::assert_snapshot!(without_line_numbers(&ran.all()), @r"
    exit code 1
    --- stdout
    --- stderr
    error: node `bad` (stub.Fails) failed: input `message`: the stub fails on purpose [stub 0.1.0, host/tests/packs/stub.rs:N]
    ");
}

#[test]
fn the_limit_for_pictures_reaches_the_nodes() {
    let place = Place::with_stub();
    graph(&place, &json!({"all": node("Settings", json!({}))}), &json!({"all": ["all", "settings"]}));
    let limit = |arguments: &[&str]| {
        let ran = place.run(&[&["run", "graph.json", "--json"], arguments].concat());
        let result: Json = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.all()));
        result["outputs"]["all"]["max_pixels"].clone()
    };
    assert_eq!(limit(&[]), Json::Null);
    assert_eq!(limit(&["--max-pixels", "5000000000"]), 5_000_000_000u64);
    let ran = place.run(&["run", "graph.json", "--max-pixels", "0"]);
    assert_eq!(ran.code, 2, "{}", ran.all());
}

#[test]
fn json_gives_everything_to_a_program() {
    let place = Place::with_stub();
    picture_graph(&place);
    let ran = place.run(&["run", "graph.json", "--json", "--threads", "2"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let result: Json = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&result["status"], &result["outputs"]["text"]), (&"done".into(), &"hello".into()));
    assert_eq!(result["nodes"].as_array().unwrap().len(), 3);
    assert!(result["written"][0]["path"].as_str().unwrap().ends_with("out.png"));
}

#[test]
fn a_picture_carries_its_graph_and_is_run_again() {
    let place = Place::with_stub();
    picture_graph(&place);
    assert_eq!(place.run(&["run", "graph.json", "size=5"]).code, 0);
    fs::remove_file(place.path("work/graph.json")).unwrap();
    insta::assert_snapshot!(without_lock(&place.run(&["inspect", "out.png"]).all()), @r#"
    exit code 0
    --- stdout
    PNG  picture, 5x5, RGB, 8 bit
      text: prompt, splatgraph
      version: 2
      lock: [LOCK]

    The graph that made it
    {
      "version": 2,
      "packs": {
        "stub": "0.1.0"
      },
      "inputs": {
        "size": "image.size",
        "output": "save.path",
        "notes": "text.path"
      },
      "outputs": {
        "text": ["text", "text"]
      },
      "nodes": {
        "image": {"class_type": "stub.PlainImage", "inputs": {"size": 5}},
        "text": {"class_type": "stub.ReadText", "inputs": {"path": "notes.txt"}},
        "save": {"class_type": "stub.SavePicture", "inputs": {"image": ["image", "image"], "path": "out.png"}}
      }
    }
    --- stderr
    "#);

    assert_eq!(place.run(&["run", "out.png", "output=again.png"]).code, 0);
    assert!(place.run(&["inspect", "again.png"]).stdout.contains("5x5"));
    assert_eq!(place.run(&["run", "out.png", "output=larger.png", "size=7"]).code, 0);
    assert!(place.run(&["inspect", "larger.png"]).stdout.contains("7x7"));

    fs::remove_file(place.path("work/notes.txt")).unwrap();
    let ran = place.run(&["run", "out.png", "output=again.png", "--quiet"]);
    insta::assert_snapshot!(ran.stderr, @r#"
    error: line 27, column 17, node `text` (stub.ReadText), input `path`: expected the file "notes.txt", got no such file: [DIR]/work/notes.txt; the graph comes from a picture, so its files are searched beside the picture; give one with `notes=FILE`
    1 problem in the graph in out.png
    "#);
}

#[test]
fn absolute_paths_stay_out_of_pictures_and_so_does_everything_when_asked() {
    let place = Place::with_stub();
    picture_graph(&place);
    let (output, notes) = (place.path("work/there.png"), place.path("work/notes.txt"));
    let (output, notes) = (format!("output={}", output.display()), format!("notes={}", notes.display()));
    assert_eq!(place.run(&["run", "graph.json", &output, &notes]).code, 0);
    let bytes = fs::read(place.path("work/there.png")).unwrap();
    let folder = place.path("work");
    assert!(!String::from_utf8_lossy(&bytes).contains(folder.to_str().unwrap()));
    assert!(place.run(&["inspect", "there.png"]).stdout.contains(r#""path": "notes.txt""#));

    assert_eq!(place.run(&["run", "graph.json", "--no-metadata"]).code, 0);
    insta::assert_snapshot!(place.run(&["inspect", "out.png"]).stdout, @r"
    PNG  picture, 2x2, RGB, 8 bit
      no graph in it
    ");
    insta::assert_snapshot!(place.run(&["run", "out.png"]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: expected a picture with a graph in it, got one without; `splatgraph run` writes its graph into the PNG files that it saves
      out.png
    ");
}

#[test]
fn a_graph_in_a_picture_may_not_leave_its_folder() {
    let place = Place::with_stub();
    picture_graph(&place);
    place.write("other/notes.txt", "elsewhere");
    assert_eq!(place.run(&["run", "graph.json", "notes=other/../notes.txt"]).code, 0);
    assert_eq!(place.run(&["run", "graph.json", "notes=../work/notes.txt"]).code, 0);
    insta::assert_snapshot!(place.run(&["run", "out.png", "output=x.png"]).all(), @r#"
    exit code 2
    --- stdout
    --- stderr
    error: line 27, column 17, node `text` (stub.ReadText), input `path`: a graph from a picture may use only files in its folder: got "../work/notes.txt"; give the path on the command line, or save the graph as a file of its own
    1 problem in the graph in out.png
    "#);
}

#[test]
fn models_are_named_with_their_sums() {
    let place = Place::with_stub();
    place.write("models/weights.bin", "abc");
    let index = r#"{"weight_map": {"a": "weights.bin", "b": "missing.bin"}}"#;
    place.write("models/model.index.json", index);
    let nodes = json!({
        "index": node("UseModel", json!({"model": "model.index.json"})),
        "built_in": node("UseModel", json!({})),
        "image": node("PlainImage", json!({"size": 1})),
        "save": node("SavePicture", json!({"image": ["image", "image"], "path": "out.png"})),
    });
    graph(&place, &nodes, &json!({"a": ["index", "model"], "b": ["built_in", "model"]}));
    let missing = place.run(&["run", "graph.json"]);
    assert_eq!(missing.code, 3, "{}", missing.stderr);
    assert_eq!(place.run(&["run", "graph.json", "--models", "models"]).code, 0);
    let json: Json = serde_json::from_str(&place.run(&["inspect", "out.png", "--json"]).stdout).unwrap();
    // SHA-256 of "abc" (FIPS 180-4, example).
    let sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let models = json["header"]["lock"]["models"].as_object().unwrap();
    // An index leads to its parts, of which the node would report the missing one.
    assert_eq!(models.keys().collect::<Vec<_>>(), ["model.index.json", "tiny", "weights.bin"]);
    assert_eq!((&models["weights.bin"], &models["tiny"]), (&json!(sum), &Json::Null));
    assert_eq!(json["header"]["lock"]["packs"].as_object().unwrap().keys().collect::<Vec<_>>(), ["stub"]);
}

#[test]
fn all_failing_nodes_are_reported_and_the_others_run() {
    let place = Place::with_stub();
    let nodes = json!({
        "panics": node("Panics", json!({})),
        "after": node("Add", json!({"a": ["panics", "never"]})),
        "fails": node("Fails", json!({})),
        "nan": node("NanImage", json!({})),
        "mean": node("Mean", json!({"image": ["nan", "image"]})),
        "other": node("Sleep", json!({"ms": 100})),
    });
    let outputs = json!({"after": ["after", "sum"], "fails": ["fails", "never"], "mean": ["mean", "mean"], "other": ["other", "ms"]});
    graph(&place, &nodes, &outputs);
    let ran = place.run(&["run", "graph.json"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, "other  100\n"));
    let errors: Vec<&str> =
        ran.stderr.lines().filter(|line| line.contains("error") || line.starts_with("not run")).collect();
    let mut errors: Vec<String> = errors.iter().map(|line| without_line_numbers(line)).collect();
    errors.sort();
    insta::assert_snapshot!(errors.join("\n"), @"
    error: node `fails` (stub.Fails) failed: input `message`: the stub fails on purpose [stub 0.1.0, host/tests/packs/stub.rs:N]
    error: node `mean` (stub.Mean) failed: input `image`, which comes from `nan.image`: unusable IMAGE: expected numbers in the field `image`, got NaN (not a number), first at [0, 0, 0, 1] [stub 0.1.0, sdk/src/types.rs:N]
    error: node `panics` (stub.Panics) panicked: the stub panics on purpose [stub 0.1.0, host/tests/packs/stub.rs:N]
    not run because `panics` failed: `after`
    ");
}

/// `stub.rs:104:5` as `stub.rs:N`.
fn without_line_numbers(text: &str) -> String {
    let (before, after) = text.split_once(".rs:").unwrap_or((text, "]"));
    let rest = after.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':');
    if text.contains(".rs:") { format!("{before}.rs:N{rest}") } else { text.to_owned() }
}

#[test]
fn exit_codes_distinguish_failures() {
    let place = Place::with_stub();
    let code = |nodes: Json, output: &str| {
        graph(&place, &nodes, &json!({"x": ["x", output]}));
        place.run(&["run", "graph.json"]).code
    };
    assert_eq!(code(json!({"x": node("Constant", json!({}))}), "value"), 0);
    assert_eq!(code(json!({"x": node("ReadText", json!({"path": "missing.txt"}))}), "text"), 2);
    assert_eq!(code(json!({"x": node("WriteText", json!({"text": "a", "path": "/proc/none/x"}))}), "path"), 1);
    assert_eq!(code(json!({"x": node("Constant", json!({"value": "text"}))}), "value"), 2);
    assert_eq!(code(json!({"x": node("Constant", json!({}))}), "valve"), 2);
    assert_eq!(code(json!({"x": node("Misses", json!({}))}), "never"), 3);
    assert_eq!(code(json!({"x": {"class_type": "other.Node", "inputs": {}}}), "y"), 3);
}

#[test]
fn explain_says_why_each_node_ran() {
    let place = Place::with_stub();
    graph(
        &place,
        &json!({"a": node("Constant", json!({})), "b": node("Constant", json!({}))}),
        &json!({"a": ["a", "value"]}),
    );
    insta::assert_snapshot!(place.run(&["run", "graph.json", "--explain"]).all(), @r"
    exit code 0
    --- stdout
    a  0
    --- stderr
    a (stub.Constant) ...
    a done in [TIME]
    a  ran: results are not kept
    b  not needed
    done: 1 node ran in [TIME]
    ");
}

#[test]
fn a_graph_is_read_from_standard_input() {
    let place = Place::with_stub();
    let text = json!({"outputs": {"sum": ["a", "sum"]}, "nodes": {"a": node("Add", json!({"a": 1}))}}).to_string();
    let mut child =
        place.command(&["run", "-", "--set", "a.b=41"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), text.as_bytes()).unwrap();
    let ran = place.ran(&child.wait_with_output().unwrap());
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "sum  42\n"));
}

#[test]
fn a_chain_of_1000_nodes_runs_without_a_line_for_each() {
    let place = Place::with_stub();
    let mut nodes = json!({"n0": node("Constant", json!({"value": 0}))});
    for i in 1..=1000 {
        let from = if i == 1 { "value" } else { "sum" };
        nodes[format!("n{i}")] = node("Add", json!({"a": [format!("n{}", i - 1), from], "b": 1}));
    }
    graph(&place, &nodes, &json!({"sum": ["n1000", "sum"]}));
    let ran = place.run(&["run", "graph.json"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "sum  1000\n"));
    assert!(ran.stderr.lines().count() < 20, "{}", ran.stderr);
}
