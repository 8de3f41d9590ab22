//! Subgraphs in workflows.

use super::{load, node, own, problems, prompt, resize, save, with_mode, workflow};
use serde_json::{Value as Json, json};

const ID: &str = "11111111-2222-3333-4444-555555555555";
const OTHER: &str = "66666666-2222-3333-4444-555555555555";

/// A definition with an input `image`, an input `size` with a field, and an output.
fn definition(id: &str, inner: &Json, input: usize, field: usize) -> Json {
    let number = inner["id"].clone();
    json!({
        "id": id, "name": "Half", "nodes": [inner],
        "inputs": [{ "name": "image", "linkIds": [1] }, { "name": "size", "linkIds": [2] }],
        "outputs": [{ "name": "image", "linkIds": [3] }],
        "links": [
            { "id": 1, "origin_id": -10, "origin_slot": 0, "target_id": number, "target_slot": input, "type": "IMAGE" },
            { "id": 2, "origin_id": -10, "origin_slot": 1, "target_id": number, "target_slot": field, "type": "INT" },
            { "id": 3, "origin_id": number, "origin_slot": 0, "target_id": -20, "target_slot": 0, "type": "IMAGE" },
        ],
    })
}

fn half() -> Json {
    let mut inner = resize(7, Some(1));
    inner["inputs"][1]["link"] = 2.into();
    definition(ID, &inner, 0, 1)
}

fn node_of(id: u64, class: &str, link: Option<u64>, values: Json) -> Json {
    node(id, class, &[("image", "IMAGE", link, false), ("size", "INT", None, true)], &["IMAGE"], values)
}

fn with(definitions: &[Json], nodes: &[Json], links: &[[u64; 5]]) -> Json {
    let mut all = workflow(nodes, links);
    all["definitions"] = json!({ "subgraphs": definitions });
    all
}

fn chain(middle: Json, definitions: &[Json]) -> Json {
    with(definitions, &[load(1), middle, save(3, 2)], &[[1, 1, 0, 2, 0], [2, 2, 0, 3, 0]])
}

#[test]
fn a_subgraph_is_put_in_the_place_of_its_node() {
    let prompt = prompt(&chain(node_of(2, ID, Some(1), json!([32])), &[half()]));
    assert_eq!(prompt["2:7"]["inputs"], json!({ "width": 32, "fit": "fit", "image": ["1", 0] }));
    assert_eq!(prompt["3"]["inputs"]["image"], json!(["2:7", 0]));
    // The order of the workflow.
    assert_eq!(prompt.as_object().unwrap().keys().collect::<Vec<_>>(), ["1", "2:7", "3"]);
}

#[test]
fn without_a_value_outside_the_inner_one_is_used() {
    let prompt = prompt(&chain(node_of(2, ID, Some(1), Json::Null), &[half()]));
    assert_eq!(prompt["2:7"]["inputs"]["width"], 64);
}

#[test]
fn a_subgraph_in_a_subgraph_has_longer_ids() {
    let outer = definition(
        OTHER,
        &{
            let mut inner = node_of(5, ID, Some(1), json!([9]));
            inner["inputs"][1]["link"] = 2.into();
            inner
        },
        0,
        1,
    );
    let prompt = prompt(&chain(node_of(2, OTHER, Some(1), json!([48])), &[half(), outer]));
    assert_eq!(prompt["2:5:7"]["inputs"], json!({ "width": 48, "fit": "fit", "image": ["1", 0] }));
    assert_eq!(prompt["3"]["inputs"]["image"], json!(["2:5:7", 0]));
}

#[test]
fn fields_with_one_name_keep_their_order() {
    let mut twice = half();
    twice["inputs"][0]["name"] = "size".into();
    let inputs = [("size", "IMAGE", Some(1), true), ("size", "INT", None, true)];
    let prompt = prompt(&chain(node(2, ID, &inputs, &["IMAGE"], json!([1, 17])), &[twice]));
    assert_eq!(prompt["2:7"]["inputs"], json!({ "width": 17, "fit": "fit", "image": ["1", 0] }));
}

#[test]
fn older_front_ends_list_the_fields_that_a_node_shows() {
    let mut shown = node(2, ID, &[("image", "IMAGE", Some(1), false)], &["IMAGE"], json!([33]));
    shown["properties"] = json!({ "proxyWidgets": [["7", "width"]] });
    let mut plain = half();
    plain["nodes"][0]["inputs"][1]["link"] = Json::Null;
    assert_eq!(prompt(&chain(shown, &[plain]))["2:7"]["inputs"]["width"], 33);
}

#[test]
fn two_nodes_of_one_subgraph_stand_apart() {
    let nodes = [load(1), node_of(2, ID, Some(1), json!([32])), node_of(4, ID, Some(4), json!([16])), save(3, 2)];
    let links = [[1, 1, 0, 2, 0], [4, 2, 0, 4, 0], [2, 4, 0, 3, 0]];
    let prompt = prompt(&with(&[half()], &nodes, &links));
    assert_eq!(prompt["4:7"]["inputs"], json!({ "width": 16, "fit": "fit", "image": ["2:7", 0] }));
}

#[test]
fn muted_and_bypassed_subgraphs() {
    let muted = prompt(&chain(with_mode(node_of(2, ID, Some(1), json!([32])), 2), &[half()]));
    assert_eq!(muted.as_object().unwrap().keys().collect::<Vec<_>>(), ["1", "3"]);
    let bypassed = prompt(&chain(with_mode(node_of(2, ID, Some(1), json!([32])), 4), &[half()]));
    assert_eq!(bypassed["3"]["inputs"]["image"], json!(["1", 0]));
    assert_eq!(bypassed.get("2:7"), None);
    let mut inside = half();
    inside["nodes"][0]["mode"] = 4.into();
    let inside = prompt(&chain(node_of(2, ID, Some(1), json!([32])), &[inside]));
    assert_eq!(inside["3"]["inputs"]["image"], json!(["1", 0]));
}

#[test]
fn a_graph_of_a_subgraph_runs() {
    let own = own(&chain(node_of(2, ID, Some(1), json!([32])), &[half()]));
    assert_eq!(own["2:7"]["inputs"], json!({ "image": ["1", "image"], "width": 32, "fit": "fit" }));
}

#[test]
fn bad_subgraphs_are_named() {
    insta::assert_snapshot!(problems(&chain(node_of(2, ID, Some(1), json!([])), &[])), @r#"
    node `2`: expected the definition of its subgraph in the workflow, got none; save the workflow again in the front end
    1 problem in the text
    "#);
    let mut circle = half();
    circle["nodes"][0] = node_of(7, ID, Some(1), json!([]));
    insta::assert_snapshot!(problems(&chain(node_of(2, ID, Some(1), json!([])), &[circle])), @r#"
    node `2:7`: expected a subgraph that does not contain itself, got "Half"; remove this node
    1 problem in the text
    "#);
    let id = |level: usize| format!("{level:08}-2222-3333-4444-555555555555");
    let level = |level: usize| definition(&id(level), &node_of(7, &id(level + 1), Some(1), json!([])), 0, 1);
    let levels: Vec<Json> = (0..40).map(level).collect();
    insta::assert_snapshot!(problems(&chain(node_of(2, &id(0), Some(1), json!([])), &levels)), @r#"
    node `2:7:7:7:7:7:7:7:7:7:7:7:7:7:7:7:7:7:7:7:7:7:7:7:7:7:7:7:7:7:7:7:7`: expected at most 32 levels of subgraphs in subgraphs, got more; use fewer levels
    1 problem in the text
    "#);
    let wide = |level: usize| {
        let mut wide = definition(&id(level), &node_of(7, &id(level + 1), Some(1), json!([])), 0, 1);
        let nodes: Vec<Json> = (0..50).map(|number| node_of(number, &id(level + 1), None, json!([]))).collect();
        wide["nodes"] = nodes.into();
        wide
    };
    let mut bomb: Vec<Json> = (0..8).map(wide).collect();
    bomb.push(json!({ "id": id(8), "nodes": [] }));
    let told = problems(&chain(node_of(2, &id(0), Some(1), json!([])), &bomb));
    assert!(told.contains("expected at most 500000 nodes and links, got more; use fewer subgraphs"), "{told}");
}
