//! Workflows that nobody can read, and damaged ones.

use super::{check, closures::declared, load, node, problems, resize, save, workflow};
use serde_json::{Value as Json, json};
use splatgraph::graph::{File, Origin};

#[test]
fn unknown_versions_and_classes_are_named() {
    let mut newer = workflow(&[load(1)], &[]);
    newer["version"] = 2.into();
    let refused = |json: &Json| File::parse(&json.to_string(), Origin::Text).unwrap_err().to_string();
    insta::assert_snapshot!(refused(&newer), @r#"
    line 1, column 264: `version` of a ComfyUI workflow: expected 0.4 or 1, got the number 2; export it in the API format: Workflow > Export (API)
    1 problem in the text
    "#);
    newer["version"] = "one".into();
    insta::assert_snapshot!(refused(&newer), @r#"
    line 1, column 264: `version` of a ComfyUI workflow: expected 0.4 or 1, got the text "one"; export it in the API format: Workflow > Export (API)
    1 problem in the text
    "#);
    let unknown = node(2, "acme.Wobble", &[("image", "IMAGE", Some(1), false)], &["IMAGE"], json!([1]));
    insta::assert_snapshot!(problems(&workflow(&[load(1), unknown, save(3, 2)], &[[1, 1, 0, 2, 0], [2, 2, 0, 3, 0]])), @r#"
    node `2`: `acme.Wobble` needs the pack `acme`, but the loaded packs are: std, tokenize; install it with `splatgraph packs add FILE`, or add its folder to SPLATGRAPH_PACKS
    1 problem in the text
    "#);
}

#[test]
fn problems_name_the_node_and_the_input() {
    let mut wrong = resize(2, None);
    wrong["widgets_values"] = json!([0, "squeeze"]);
    insta::assert_snapshot!(problems(&workflow(&[wrong, save(3, 2)], &[[2, 2, 0, 3, 0]])), @r#"
    node `2` (std.Resize), input `image`: expected a link to IMAGE, got nothing
    node `2` (std.Resize), input `width`: expected a whole number from 1 to 65536, got 0
    node `2` (std.Resize), input `fit`: expected one of "fill", "fit", "stretch", got "squeeze"
    3 problems in the text
    "#);
}

#[test]
fn a_circle_of_reroutes_has_an_end() {
    let reroute = |id: u64, link: u64| node(id, "Reroute", &[("", "*", Some(link), false)], &["*"], json!([]));
    let circle =
        workflow(&[reroute(1, 2), reroute(2, 1), save(3, 3)], &[[1, 1, 0, 2, 0], [2, 2, 0, 1, 0], [3, 1, 0, 3, 0]]);
    insta::assert_snapshot!(problems(&circle), @r#"
    node `3` (std.SaveImage): the links to `image` go round in a circle; remove one of the links in the front end
    1 problem in the text
    "#);
}

#[test]
fn a_long_chain_of_reroutes_is_followed() {
    const COUNT: u64 = 5_000;
    let mut nodes = vec![load(1)];
    nodes.extend((2..COUNT).map(|id| node(id, "Reroute", &[("", "*", Some(id), false)], &["*"], json!([]))));
    nodes.push(save(COUNT, COUNT));
    let links: Vec<[u64; 5]> = (2..=COUNT).map(|id| [id, id - 1, 0, id, 0]).collect();
    assert_eq!(super::prompt(&workflow(&nodes, &links))[COUNT.to_string()]["inputs"]["image"], json!(["1", 0]));
}

/// Each link through the same reroutes has the same origin, so it is looked for once. Otherwise these workflows take minutes.
#[test]
fn many_links_through_many_reroutes_take_seconds() {
    const COUNT: u64 = 5_000;
    let reroute = |id: u64| node(id, "Reroute", &[("", "*", Some(id), false)], &["*"], json!([]));
    let start = std::time::Instant::now();
    for circle in [false, true] {
        let mut nodes = vec![if circle { reroute(1) } else { load(1) }];
        nodes.extend((2..=COUNT).map(reroute));
        nodes.extend((1..=COUNT).map(|n| save(COUNT + n, COUNT + n)));
        let mut links: Vec<[u64; 5]> = (2..=COUNT).map(|id| [id, id - 1, 0, id, 0]).collect();
        links.push([1, COUNT, 0, 1, 0]);
        links.extend((1..=COUNT).map(|n| [COUNT + n, COUNT, 0, COUNT + n, 0]));
        match splatgraph::workflow::to_prompt(&workflow(&nodes, &links), &declared()) {
            Ok(prompt) => assert_eq!(prompt[(2 * COUNT).to_string()]["inputs"]["image"], json!(["1", 0])),
            Err(problems) => assert_eq!(problems.to_string().matches("go round in a circle").count(), 5_000),
        }
    }
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

#[test]
fn a_node_with_too_many_inputs_is_named() {
    let names: Vec<String> = (0..4_097).map(|n| format!("i{n}")).collect();
    let inputs: Vec<_> = names.iter().map(|name| (name.as_str(), "IMAGE", None, false)).collect();
    insta::assert_snapshot!(problems(&workflow(&[node(1, "std.Resize", &inputs, &["IMAGE"], json!([]))], &[])), @r#"
    node `1`: expected at most 4096 inputs, got 4097; use several nodes
    1 problem in the text
    "#);
}

/// Replaces each value in a workflow by values of other kinds, one at a time.
#[test]
fn no_damage_makes_the_host_panic() {
    let mut whole = workflow(&[load(1), resize(2, Some(1)), save(3, 2)], &[[1, 1, 0, 2, 0], [2, 2, 0, 3, 0]]);
    whole["extra"] =
        json!({ "splatgraph": { "inputs": { "size": "2.width" }, "outputs": { "x": ["2", 0] }, "title": "T" } });
    whole["nodes"][1]["properties"] =
        json!({ "splatgraph_id": "r", "splatgraph_given": ["width"], "splatgraph_values": {} });
    let registry = declared();
    let mut paths = Vec::new();
    pointers(&whole, String::new(), &mut paths);
    assert!(paths.len() > 100);
    for path in &paths {
        for other in [Json::Null, json!(-1), json!(1e300), json!("x"), json!([]), json!([["1", 0]]), json!({ "a": 1 })]
        {
            let mut damaged = whole.clone();
            *damaged.pointer_mut(path).unwrap() = other;
            let _ = check(&damaged, &registry);
            let _ = splatgraph::workflow::to_prompt(&damaged, &registry);
            if let Ok(mut file) = File::parse(&json!({ "2": { "class_type": "std.Note" } }).to_string(), Origin::Text) {
                splatgraph::workflow::add_names(&mut file, &damaged);
            }
        }
    }
}

fn pointers(json: &Json, path: String, all: &mut Vec<String>) {
    match json {
        Json::Object(members) => members.iter().for_each(|(key, value)| pointers(value, format!("{path}/{key}"), all)),
        Json::Array(items) => items.iter().enumerate().for_each(|(i, item)| pointers(item, format!("{path}/{i}"), all)),
        _ => {}
    }
    all.push(path);
}
