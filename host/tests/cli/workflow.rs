//! Workflows of the ComfyUI front end on the command line.

use std::fs;

use crate::support::Place;
use crate::{GRAPH, with_packs};
use serde_json::{Value as Json, json};

fn parsed(text: &str) -> Json {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A place with the workflow of a graph.
fn place() -> Place {
    let place = Place::with_stub();
    place.write("graph.json", GRAPH);
    let ran = place.run(&["convert", "graph.json", "--workflow", "--output", "workflow.json"]);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, "", ""));
    place
}

#[test]
fn a_graph_becomes_a_workflow_and_a_graph_again() {
    let place = place();
    assert_eq!(parsed(&place.run(&["convert", "workflow.json"]).stdout), with_packs(parsed(GRAPH)));
    // As the front end sends it: ids are numbers, and all fields have values.
    assert_eq!(
        parsed(&place.run(&["convert", "workflow.json", "--api"]).stdout),
        json!({
            "1": { "class_type": "stub.Constant", "inputs": { "value": 3 } },
            "2": { "class_type": "stub.Add", "inputs": { "a": ["1", 0], "b": 4 } },
            "3": { "class_type": "stub.WriteText", "inputs": { "text": ["2", 0], "path": "sum.txt" } },
        })
    );
    let both = place.run(&["convert", "graph.json", "--api", "--workflow"]);
    assert_eq!(both.code, 2, "{}", both.stderr);
}

#[test]
fn commands_take_a_workflow_as_a_graph() {
    let place = place();
    insta::assert_snapshot!(place.run(&["check", "workflow.json"]).all(), @r#"
    exit code 0
    --- stdout
    workflow.json: 3 nodes, no problems
    --- stderr
    "#);
    insta::assert_snapshot!(place.run(&["run", "workflow.json", "start=5", "--quiet"]).all(), @r#"
    exit code 0
    --- stdout
    --- stderr
    "#);
    assert_eq!(fs::read_to_string(place.path("work/sum.txt")).unwrap(), "9");
    // It comes from elsewhere, so it replaces no file.
    assert_eq!(place.run(&["run", "workflow.json", "start=6", "--quiet"]).code, 0);
    assert_eq!(fs::read_to_string(place.path("work/sum.txt")).unwrap(), "9");
    assert_eq!(fs::read_to_string(place.path("work/sum-1.txt")).unwrap(), "10");
    insta::assert_snapshot!(place.run(&["draw", "workflow.json"]).stdout, @r#"
    flowchart LR
        n0["first<br/>stub.Constant"]
        n1["add<br/>stub.Add"]
        n2[["save<br/>stub.WriteText"]]
        n0 -- "value → a" --> n1
        n1 -- "sum → text" --> n2
        i0(["start"])
        i0 -. "value" .-> n0
        i1(["output"])
        i1 -. "path" .-> n2
        o0(["sum"])
        n1 -. "sum" .-> o0
    "#);
    let help = place.run(&["run", "workflow.json", "--help"]).stdout;
    assert!(help.contains("start") && help.contains("Add and save"), "{help}");
    let batch = place.run(&["batch", "workflow.json", "start=1,2", "output={start}.txt", "--quiet"]);
    assert_eq!(batch.code, 0, "{}", batch.stderr);
    assert_eq!(fs::read_to_string(place.path("work/workflow-batch/2.txt")).unwrap(), "6");
}

#[test]
fn a_picture_may_have_only_a_workflow() {
    let place = place();
    let workflow = fs::read_to_string(place.path("work/workflow.json")).unwrap();
    let mut bytes = Vec::new();
    let mut writer = png::Encoder::new(&mut bytes, 1, 1).write_header().unwrap();
    writer.write_text_chunk(&png::text_metadata::ITXtChunk::new("workflow", workflow)).unwrap();
    writer.write_image_data(&[0]).unwrap();
    drop(writer);
    fs::write(place.path("work/picture.png"), bytes).unwrap();
    assert_eq!(parsed(&place.run(&["convert", "picture.png"]).stdout)["nodes"], parsed(GRAPH)["nodes"]);
    insta::assert_snapshot!(place.run(&["run", "picture.png", "--quiet"]).all(), @r#"
    exit code 0
    --- stdout
    --- stderr
    "#);
}

#[test]
fn problems_of_a_workflow_name_its_nodes() {
    let place = place();
    let mut workflow = parsed(&fs::read_to_string(place.path("work/workflow.json")).unwrap());
    workflow["nodes"][0]["widgets_values_named"]["value"] = json!("many");
    workflow["nodes"][1]["type"] = json!("11111111-2222-3333-4444-555555555555");
    place.write("bad.json", &workflow.to_string());
    insta::assert_snapshot!(place.run(&["check", "bad.json"]).all(), @r#"
    exit code 2
    --- stdout
    --- stderr
    error: node `2`: expected the definition of its subgraph in the workflow, got none; save the workflow again in the front end
    1 problem in bad.json
    "#);
    workflow["nodes"][1]["type"] = json!("stub.Adds");
    place.write("bad.json", &workflow.to_string());
    insta::assert_snapshot!(place.run(&["run", "bad.json"]).all(), @r#"
    exit code 2
    --- stdout
    --- stderr
    error: node `add`: the pack `stub` has no node `Adds`; did you mean `stub.Add`?
    error: node `first` (stub.Constant), input `value`: expected a whole number from -1000 to 1000, got the text "many"
    2 problems in bad.json
    "#);
}
