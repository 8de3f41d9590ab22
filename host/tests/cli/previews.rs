//! `run --previews DIR`.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::Place;
use crate::{graph, node};

/// A graph with one node that shows pictures.
fn showing(inputs: serde_json::Value) -> Place {
    let place = Place::with_stub();
    graph(&place, &json!({"show": node("Show", inputs)}), &json!({"shown": ["show", "shown"]}));
    place
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The width, height and bytes of a PNG picture, which has to be whole.
fn pixels(path: &Path) -> (u32, u32, Vec<u8>) {
    let mut reader = png::Decoder::new(std::io::BufReader::new(fs::File::open(path).unwrap())).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut bytes).unwrap();
    (reader.info().width, reader.info().height, bytes)
}

#[test]
fn the_newest_picture_of_each_node_is_a_file() {
    let place = showing(json!({}));
    let ran = place.run(&["run", "graph.json", "--previews", "new/seen"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "shown  4\n"), "{}", ran.stderr);
    let folder = place.path("work/new/seen");
    assert_eq!(files(&folder), ["show.png"]);
    assert_eq!(pixels(&folder.join("show.png")), (2, 2, vec![255; 12]));

    // Nodes of a graph in the graph, and a batch of pictures.
    place.write(
        "part.json",
        &json!({"nodes": {"a": node("Show", json!({"count": 2, "batch": 2}))}, "outputs": {"shown": ["a", "shown"]}})
            .to_string(),
    );
    let outer = json!({"show": node("Show", json!({})), "part": {"class_type": "./part.json", "inputs": {}}});
    graph(&place, &outer, &json!({"a": ["show", "shown"], "b": ["part", "shown"]}));
    assert_eq!(place.run(&["run", "graph.json", "--quiet", "--previews", "parts"]).code, 0);
    assert_eq!(files(&place.path("work/parts")), ["part_a-000.png", "part_a-001.png", "show.png"]);
}

#[test]
fn nothing_is_made_when_nobody_looks() {
    let place = showing(json!({}));
    let ran = place.run(&["run", "graph.json"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "shown  0\n"), "{}", ran.stderr);
    assert_eq!(place.files(), ["graph.json"]);
}

#[test]
fn previews_are_there_while_the_node_runs() {
    let place = showing(json!({"count": 1000, "ms": 20}));
    let mut command = place.command(&["run", "graph.json", "--quiet", "--previews", "seen"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let (path, start) = (place.path("work/seen/show.png"), Instant::now());
    let mut seen = Vec::new();
    while seen.len() < 3 {
        assert!(start.elapsed() < Duration::from_secs(20), "expected previews, got {seen:?}");
        if path.exists() {
            let grey = pixels(&path).2[0];
            if !seen.contains(&grey) {
                seen.push(grey);
            }
        }
    }
    assert!(seen.is_sorted(), "{seen:?}");
    assert!(child.try_wait().unwrap().is_none(), "the run ended before its previews were seen");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_folder_that_cannot_take_previews_is_an_error() {
    let place = showing(json!({}));
    place.write("file", "");
    insta::assert_snapshot!(place.run(&["run", "graph.json", "--previews", "file"]).all(), @r"
    exit code 1
    --- stdout
    --- stderr
    error: the folder for previews cannot be created: File exists (os error 17)
      file
    ");
    // The run continues without previews.
    fs::create_dir_all(place.path("work/seen/show.png")).unwrap();
    let ran = place.run(&["run", "graph.json", "--previews", "seen"]);
    let warnings: Vec<&str> = ran.stderr.lines().filter(|line| line.contains("preview")).collect();
    insta::assert_snapshot!(warnings.join("\n"), @"warning: a preview cannot be written: Is a directory (os error 21): [DIR]/work/seen/show.png");
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "shown  4\n"));

    let nodes = json!({"show": node("Show", json!({})), "save": node("WriteText", json!({"text": ["show", "shown"], "path": "show.png"}))});
    graph(&place, &nodes, &json!({}));
    insta::assert_snapshot!(place.run(&["run", "graph.json", "--previews", "."]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: a preview of node `show` would write over a file that the graph reads or writes; use another folder
      [DIR]/work/show.png
    ");
}
