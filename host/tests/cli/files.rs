//! Files that a graph names, before it runs.

use std::fs;

use serde_json::{Value as Json, json};

use crate::support::Place;
use crate::{graph, node};

/// A graph that sleeps, and reads and writes the files of its named inputs.
fn slow(place: &Place) {
    let nodes = json!({
        "slow": node("Sleep", json!({"ms": 600_000})),
        "read": node("ReadText", json!({"path": "in/cat.txt"})),
        "note": node("WriteSlowly", json!({"text": "slow", "path": "note.txt"})),
        "text": node("WriteText", json!({"text": ["read", "text"], "path": "out.txt"})),
    });
    let inputs = json!({"in": "read.path", "note": "note.path", "text": "text.path"});
    let graph = json!({"version": 1, "inputs": inputs, "nodes": nodes, "outputs": {"slow": ["slow", 0]}});
    place.write("graph.json", &graph.to_string());
}

#[test]
fn what_can_be_known_is_known_before_anything_runs() {
    let place = Place::with_stub();
    slow(&place);
    place.write("in/cat.txt", "a cat");
    place.write("file", "in the way");
    let wrong = ["graph.json", "in=in/cta.txt", "note=out.heic", "text=file/out.txt", "texts=x"];
    let of = |command: &str, values: &[&str]| place.run(&[&[command], values].concat());
    let ran = of("run", &wrong);
    insta::assert_snapshot!(ran.all(), @r#"
    exit code 2
    --- stdout
    --- stderr
    error: `texts=x`: the graph has no input `texts`; did you mean `text`?
    error: node `read` (stub.ReadText), input `path`: expected the file "in/cta.txt", got no such file: [DIR]/work/in/cta.txt; did you mean "in/cat.txt"?
    error: node `note` (stub.WriteSlowly), input `path`: expected a file name that ends in .txt, got "out.heic"
    error: node `text` (stub.WriteText), input `path`: expected a folder that files can be written to, got the file [DIR]/work/file; choose another folder
    4 problems in graph.json
    "#);
    let again = of("check", &wrong);
    assert_eq!((again.code, &again.stderr), (2, &ran.stderr));
    let json = place.run(&[&["check", "--json"], &wrong[..]].concat());
    let json: Json = serde_json::from_str(&json.stdout).unwrap();
    let kinds: Vec<&Json> = json["problems"].as_array().unwrap().iter().map(|problem| &problem["kind"]).collect();
    assert_eq!(kinds, ["unknown_name", "missing_file", "extension", "not_writable"]);
    assert_eq!(place.files(), ["file", "graph.json", "in"], "nothing ran");
    assert_eq!(of("check", &["graph.json", "text=new/folder/out.txt", "note=b.TXT"]).code, 0, "nodes make folders");
}

#[test]
fn each_problem_says_what_to_do() {
    let place = Place::with_stub();
    slow(&place);
    place.write("in/cat.txt", "a cat");
    fs::create_dir(place.path("work/folder.txt")).unwrap();
    let said = |value: &str| {
        let ran = place.run(&["check", "graph.json", value]);
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        ran.stderr.lines().next().unwrap().to_owned()
    };
    let all = [
        "in=none.txt",
        "in=im/cat.txt",
        "in=in/cat.txt/x",
        "note=out.tx",
        "note=out",
        "note=.txt",
        "note=folder.txt",
        "text=in/cat.txt/new/out.txt",
    ];
    insta::assert_snapshot!(all.map(said).join("\n"), @r#"
    error: node `read` (stub.ReadText), input `path`: expected the file "none.txt", got no such file: [DIR]/work/none.txt
    error: node `read` (stub.ReadText), input `path`: expected the file "im/cat.txt", got no folder [DIR]/work/im; did you mean "in/cat.txt"?
    error: node `read` (stub.ReadText), input `path`: expected the file "in/cat.txt/x", got no folder [DIR]/work/in/cat.txt
    error: node `note` (stub.WriteSlowly), input `path`: expected a file name that ends in .txt, got "out.tx"; did you mean "out.txt"?
    error: node `note` (stub.WriteSlowly), input `path`: expected a file name that ends in .txt, got "out"
    error: node `note` (stub.WriteSlowly), input `path`: expected a file name that ends in .txt, got ".txt"
    error: node `note` (stub.WriteSlowly), input `path`: expected the path of a file to write, got the folder "folder.txt"; write the name of a file behind it: "folder.txt/NAME"
    error: node `text` (stub.WriteText), input `path`: expected a folder that files can be written to, got the file [DIR]/work/in/cat.txt; choose another folder
    "#);
    fs::remove_file(place.path("work/in/cat.txt")).unwrap();
    // The place in the graph, and how to give another file.
    insta::assert_snapshot!(place.run(&["check", "graph.json"]).stderr, @r#"
    error: line 1, column 201, node `read` (stub.ReadText), input `path`: expected the file "in/cat.txt", got no such file: [DIR]/work/in/cat.txt; give one with `in=FILE`
    1 problem in graph.json
    "#);
}

#[cfg(unix)]
#[test]
fn a_folder_that_may_not_be_written_to_is_known_before() {
    use std::os::unix::{fs::PermissionsExt, process::CommandExt};
    let place = Place::with_stub();
    slow(&place);
    place.write("in/cat.txt", "a cat");
    place.write("closed/there.txt", "");
    fs::set_permissions(place.path("work/closed"), fs::Permissions::from_mode(0o555)).unwrap();
    let may_write = fs::write(place.path("work/closed/try"), "").is_ok();
    // The system's administrator may write anywhere, so someone else runs the program.
    fs::set_permissions(place.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(place.path("work"), fs::Permissions::from_mode(0o777)).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = place.command(arguments);
        if may_write {
            command.uid(65534).gid(65534);
        }
        place.ran(&command.output().unwrap())
    };
    let said = |value: &str| run(&["run", "graph.json", value]).stderr;
    insta::assert_snapshot!(said("text=closed/out.txt"), @"
    error: node `text` (stub.WriteText), input `path`: expected a folder that files can be written to, got Permission denied (os error 13): [DIR]/work/closed; choose another folder
    1 problem in graph.json
    ");
    insta::assert_snapshot!(said("text=closed/new/out.txt"), @"
    error: node `text` (stub.WriteText), input `path`: expected a folder that files can be written to, got no folder [DIR]/work/closed/new, and in [DIR]/work/closed: Permission denied (os error 13); choose another folder, or make it with mkdir as a user who may
    1 problem in graph.json
    ");
    // A node may write into the file itself.
    fs::set_permissions(place.path("work/closed/there.txt"), fs::Permissions::from_mode(0o666)).unwrap();
    insta::assert_snapshot!(run(&["check", "graph.json", "text=closed/there.txt", "note=closed/note.txt"]).stderr, @"
    error: node `note` (stub.WriteSlowly), input `path`: expected a folder that files can be written to, got Permission denied (os error 13): [DIR]/work/closed; choose another folder
    1 problem in graph.json
    ");
}

#[test]
fn only_nodes_that_run_need_their_files() {
    let place = Place::with_stub();
    let nodes = json!({
        "name": node("WriteText", json!({"text": "x", "path": "made.txt"})),
        "made": node("ReadText", json!({"path": ["name", "path"]})),
        "unused": node("ReadText", json!({"path": "missing.txt"})),
        "other": node("WriteText", json!({"text": ["unused", "text"], "path": "other.txt"})),
    });
    graph(&place, &nodes, &json!({"text": ["made", "text"]}));
    assert_eq!(place.run(&["run", "graph.json"]).code, 2);
    let ran = place.run(&["run", "graph.json", "--until", "made"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "made.text  x\nwrote      made.txt\n"), "{}", ran.stderr);
    let mut nodes = nodes;
    nodes.as_object_mut().unwrap().remove("other");
    graph(&place, &nodes, &json!({"text": ["made", "text"]}));
    let ran = place.run(&["run", "graph.json"]);
    assert_eq!(ran.code, 0, "no result needs the node: {}", ran.stderr);
}
