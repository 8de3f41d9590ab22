//! Workflows that the front end saves.

use super::{load, node, own, parse, prompt, resize, save, with_mode, workflow};
use serde_json::{Value as Json, json};

fn chain() -> Json {
    workflow(&[load(1), resize(2, Some(1)), save(3, 2)], &[[1, 1, 0, 2, 0], [2, 2, 0, 3, 0]])
}

#[test]
fn a_workflow_becomes_the_prompt_that_the_front_end_sends() {
    assert_eq!(
        prompt(&chain()),
        json!({
            "1": { "class_type": "std.LoadImage", "inputs": { "path": "cat.png" } },
            "2": { "class_type": "std.Resize", "inputs": { "width": 64, "fit": "fit", "image": ["1", 0] } },
            "3": { "class_type": "std.SaveImage", "inputs": { "path": "out.png", "image": ["2", 0] } },
        })
    );
    assert!(parse(&chain()).is_foreign());
}

#[test]
fn version_1_has_links_as_objects() {
    let mut newer = chain();
    let link = |link: &Json| json!({ "id": link[0], "origin_id": link[1], "origin_slot": link[2], "target_id": link[3], "target_slot": link[4] });
    newer["links"] = newer["links"].as_array().unwrap().iter().map(link).collect();
    newer["version"] = 1.into();
    assert_eq!(prompt(&newer), prompt(&chain()));
}

#[test]
fn values_come_by_name_or_else_by_their_order() {
    let inputs = |node: Json| prompt(&workflow(&[node], &[]))["1"]["inputs"].clone();
    let note = |inputs: &[(&str, &str, Option<u64>, bool)], values: Json| node(1, "std.Note", inputs, &[], values);
    // The value behind the seed says what happens to it.
    let values = json!(["hello", "{}", true, 7, "randomize"]);
    let whole = json!({ "text": "hello", "extra": "{}", "on": true, "seed": 7 });
    assert_eq!(inputs(note(&[], values.clone())), whole);
    assert_eq!(inputs(note(&[], json!({ "text": "hello", "extra": "{}", "on": true, "seed": 7, "other": 1 }))), whole);
    assert_eq!(inputs(note(&[], json!(["hello", "{}"]))), json!({ "text": "hello", "extra": "{}" }));
    assert_eq!(inputs(note(&[], Json::Null)), json!({}));
    // An older class had other fields.
    let listed = [("seed", "INT", None, true), ("gone", "INT", None, true), ("text", "STRING", None, true)];
    assert_eq!(inputs(note(&listed, json!([7, "fixed", 1, "hello"]))), json!({ "seed": 7, "text": "hello" }));
    let mut named = note(&[], json!(["wrong"]));
    named["widgets_values_named"] = json!({ "seed": u64::MAX, "control_after_generate": "fixed" });
    assert_eq!(inputs(named), json!({ "seed": u64::MAX }));
}

#[test]
fn a_link_to_a_field_takes_the_place_of_its_value() {
    let mut wired = resize(2, Some(1));
    wired["inputs"][1]["link"] = 3.into();
    let number = node(4, "PrimitiveNode", &[], &["INT"], json!([200, "fixed"]));
    let note = node(5, "Note", &[], &[], json!(["to whom it may concern"]));
    let prompt = prompt(&workflow(&[load(1), wired, number, note], &[[1, 1, 0, 2, 0], [3, 4, 0, 2, 1]]));
    assert_eq!(prompt["2"]["inputs"], json!({ "width": 200, "fit": "fit", "image": ["1", 0] }));
    assert_eq!(prompt.as_object().unwrap().len(), 2);
}

#[test]
fn muted_nodes_are_gone_and_links_pass_through_bypassed_ones() {
    let links = [[1, 1, 0, 2, 0], [2, 2, 0, 3, 0]];
    let with = |middle: Json| prompt(&workflow(&[load(1), middle, save(3, 2)], &links));
    let muted = with(with_mode(resize(2, Some(1)), 2));
    assert_eq!(muted["3"]["inputs"], json!({ "path": "out.png" }));
    assert_eq!(muted.get("2"), None);
    let bypassed = with(with_mode(resize(2, Some(1)), 4));
    assert_eq!(bypassed["3"]["inputs"], json!({ "path": "out.png", "image": ["1", 0] }));
    // Neither the class nor the place of the input matters, but its type.
    let inputs = [("mask", "MASK", None, false), ("image", "IMAGE", Some(1), false)];
    let unknown = with(with_mode(node(2, "Unknown", &inputs, &["IMAGE"], json!([])), 4));
    assert_eq!(unknown["3"]["inputs"]["image"], json!(["1", 0]));
    let anything = with(with_mode(node(2, "Unknown", &[("value", "*", Some(1), false)], &["IMAGE"], json!([])), 4));
    assert_eq!(anything["3"]["inputs"]["image"], json!(["1", 0]));
    let other = with(with_mode(node(2, "Unknown", &[("mask", "MASK", Some(1), false)], &["IMAGE"], json!([])), 4));
    assert_eq!(other["3"]["inputs"].get("image"), None);
    let reroute = with(node(2, "Reroute", &[("", "*", Some(1), false)], &["IMAGE"], json!([])));
    assert_eq!(reroute["3"]["inputs"]["image"], json!(["1", 0]));
}

#[test]
fn values_are_read_as_those_of_a_prompt() {
    let note = node(1, "std.Note", &[], &["STRING"], json!(["", "[1, 2]", "true", "5", "fixed"]));
    assert_eq!(
        own(&workflow(&[note], &[]))["1"]["inputs"],
        json!({ "text": "", "extra": { "__value__": [1, 2] }, "on": true, "seed": 5 })
    );
}

#[test]
fn a_link_that_is_not_there_is_none() {
    let workflow = workflow(&[load(1), resize(2, Some(9)), save(3, 2)], &[[2, 8, 0, 3, 0]]);
    assert_eq!(prompt(&workflow)["2"]["inputs"], json!({ "width": 64, "fit": "fit" }));
    assert_eq!(prompt(&workflow)["3"]["inputs"], json!({ "path": "out.png" }));
}
