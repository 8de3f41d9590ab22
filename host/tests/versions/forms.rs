//! Other forms of graphs of an earlier version: workflows, prompts and pictures.

use super::Versions;
use splatgraph::graph::{File, Origin, check};
use splatgraph::graph_source::Content;
use splatgraph::picture::PngText;
use std::fs;
use std::path::PathBuf;

#[test]
fn a_workflow_of_the_first_version_runs_with_the_last() {
    let versions = Versions::new();
    for name in super::graph_names() {
        let (_, results, bytes) = versions.result("before", &name, &[]);
        let written = versions.run("before", &["convert", &name, "--workflow", "-o", "workflow.json"]);
        assert_eq!(written.code, 0, "{name}: {}", written.stderr);
        let (said, results_now, bytes_now) = versions.result("after", "workflow.json", &[]);
        assert_eq!((results_now, bytes_now), (results, bytes), "{name}");
        assert!(said.contains("after "), "{name}: {said}");
        fs::remove_file(versions.place.path("work/workflow.json")).unwrap();
    }
}

#[test]
fn a_node_that_the_front_end_added_is_of_the_loaded_version() {
    let versions = Versions::new();
    let written = versions.run("before", &["convert", "16-lighten-by.json", "--workflow"]).stdout;
    let mut workflow: serde_json::Value = serde_json::from_str(&written).unwrap();
    let nodes = workflow["nodes"].as_array_mut().unwrap();
    let lighten = nodes.iter_mut().find(|node| node["type"] == "craft.Lighten").unwrap();
    lighten["type"] = "craft.Brightness".into();
    lighten["properties"] = serde_json::json!({});
    let socket =
        |name: &str| serde_json::json!({ "name": name, "type": "STRING", "link": null, "widget": { "name": name } });
    lighten["inputs"].as_array_mut().unwrap().push(socket("direction"));
    lighten["widgets_values_named"] = serde_json::json!({ "direction": "up", "amount": 0.57 });
    versions.place.write("workflow.json", &workflow.to_string());
    let expected = versions.result("before", "16-lighten-by.json", &[]);
    assert_eq!(versions.result("after", "workflow.json", &[]).2, expected.2);
}

#[test]
fn a_prompt_has_no_versions_so_its_old_names_are_told() {
    let versions = Versions::new();
    assert_eq!(versions.run("before", &["convert", "02-blur-radius.json", "--api", "-o", "prompt.json"]).code, 0);
    insta::assert_snapshot!(versions.run("after", &["check", "prompt.json"]).stderr, @"
    error: line 3, column 3, node `blur`: the pack `craft` has no node `Blur`; since craft 0.2.0 it is `craft.Smooth`; write that
    error: line 4, column 3, node `save` (craft.Write), input `ending`: expected a text, got nothing
    2 problems in prompt.json
    ");
    // Made with the new version, a prompt has the new form.
    assert_eq!(versions.run("after", &["convert", "02-blur-radius.json", "--api", "-o", "new.json"]).code, 0);
    let bytes = versions.result("before", "02-blur-radius.json", &[]).2;
    let (said, _, now) = versions.result("after", "new.json", &[]);
    assert_eq!((said.contains("after "), now), (false, bytes));
}

/// The texts of a picture, as `run` writes them into files of nodes that write pictures.
fn picture(header: &str) -> Content {
    let chunks = vec![("splatgraph".to_owned(), header.to_owned())];
    Content::Picture(Ok(PngText { width: 1, height: 1, pixels: String::new(), chunks }))
}

#[test]
fn a_picture_tells_its_versions_in_the_graph_or_in_the_header() {
    let graph = r#""nodes": {"blur": {"class_type": "craft.Blur", "inputs": {"radius": 2}}}"#;
    let parse = |header: &str| picture(header).parse(Some(PathBuf::from("a.png"))).unwrap().unwrap();
    let in_header = parse(&format!(r#"{{"version": 1, "graph": {{{graph}}}, "packs": {{"craft": "0.1.0"}}}}"#));
    let in_graph =
        parse(&format!(r#"{{"graph": {{"packs": {{"craft": "0.1.0"}}, {graph}}}, "packs": {{"craft": "9.0.0"}}}}"#));
    for file in [in_header, in_graph] {
        assert_eq!(file.nodes[0].version.as_ref().unwrap().to_string(), "0.1.0");
    }
    let neither = parse(&format!(r#"{{"graph": {{{graph}}}}}"#));
    assert_eq!(neither.nodes[0].version, None);
}

#[test]
fn pictures_are_written_with_the_versions_in_the_graph() {
    let text = r#"{"nodes": {"load": {"class_type": "std.LoadImage", "inputs": {"path": "cat.png"}},
        "save": {"class_type": "std.SaveImage", "inputs": {"image": ["load", "image"], "path": "out.png"}}}}"#;
    let file = File::parse(text, Origin::Text).unwrap();
    let given = splatgraph::graph::Given { cwd: "/folder".into(), ..Default::default() };
    let checked = check(file, &super::closures::declared(), &given).unwrap();
    assert_eq!(checked.file().to_json()["packs"], serde_json::json!({"std": "0.1.0"}));
}
