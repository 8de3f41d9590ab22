use super::{LOAD, SAVE, check_with, given, graph, problems};
use splatgraph::graph::{Feed, Socket};

#[test]
fn links_must_lead_somewhere_and_fit() {
    let text = graph(&format!(
        r#"{LOAD},
        "a": {{"class_type": "std.Resize", "inputs": {{"image": ["laod", "image"], "width": 3}}}},
        "b": {{"class_type": "std.Resize", "inputs": {{"image": ["nowhere", "image"], "width": 3}}}},
        "c": {{"class_type": "std.Resize", "inputs": {{"image": ["load", "imgae"], "width": 3}}}},
        "d": {{"class_type": "std.Resize", "inputs": {{"image": ["load", 2], "width": 3}}}},
        "e": {{"class_type": "std.Resize", "inputs": {{"image": ["load", "mask"], "width": ["note", "text"]}}}},
        "f": {{"class_type": "gpstoken.DrawTokens", "inputs": {{"tokens": ["load", "image"]}}}},
        "note": {{"class_type": "std.Note"}},
        {SAVE}"#
    ));
    insta::assert_snapshot!(problems(&text), @"");
}

#[test]
fn lists_go_where_lists_belong() {
    let text = graph(&format!(
        r#"{LOAD},
        "split": {{"class_type": "std.Split", "inputs": {{"image": ["load", 0]}}}},
        "one": {{"class_type": "std.Resize", "inputs": {{"image": ["split", "images"], "width": 3}}}},
        "two": {{"class_type": "std.Resize", "inputs": {{"image": [["load", 0], ["load", 0]], "width": 3}}}},
        "none": {{"class_type": "std.Resize", "inputs": {{"image": [], "width": 3}}}},
        "mix": {{"class_type": "std.Grid", "inputs": {{"images": [["load", 0], ["load", "mask"]]}}}},
        {SAVE}"#
    ));
    insta::assert_snapshot!(problems(&text), @"");
}

#[test]
fn one_link_several_links_and_a_list_fill_a_list() {
    let text = graph(&format!(
        r#"{LOAD}, {SAVE},
        "split": {{"class_type": "std.Split", "inputs": {{"image": ["load", 0]}}}},
        "one": {{"class_type": "std.Grid", "inputs": {{"images": ["load", 0]}}}},
        "all": {{"class_type": "std.Grid", "inputs": {{"images": ["split", "images"]}}}},
        "two": {{"class_type": "std.Grid", "inputs": {{"images": [["load", 0], ["split", "images"]]}}}},
        "any": {{"class_type": "std.Note", "inputs": {{"any": ["split", "images"]}}}}"#
    ));
    let checked = check_with(&text, &given()).unwrap();
    let (load, split) = (Socket { node: 0, output: 0 }, Socket { node: 2, output: 0 });
    assert_eq!(checked.nodes[3].feeds[0], Feed::Link(load));
    assert_eq!(checked.nodes[4].feeds[0], Feed::Link(split));
    assert_eq!(checked.nodes[5].feeds[0], Feed::Links(vec![load, split]));
    assert_eq!(checked.nodes[6].feeds[4], Feed::Link(split));
}

/// Resize nodes with links from each to the one named.
fn chain(links: &[(&str, &str)]) -> String {
    let node = |(id, from): &(&str, &str)| {
        format!(r#""{id}": {{"class_type": "std.Resize", "inputs": {{"image": ["{from}", "image"], "width": 3}}}}"#)
    };
    graph(&format!("{LOAD}, {SAVE}, {}", links.iter().map(node).collect::<Vec<_>>().join(", ")))
}

#[test]
fn every_cycle_is_named_once() {
    insta::assert_snapshot!(problems(&chain(&[("a", "a")])), @"");
    // The node after the cycle is not on it.
    insta::assert_snapshot!(problems(&chain(&[("z", "c"), ("a", "c"), ("b", "a"), ("c", "b"), ("y", "z")])), @"");
    insta::assert_snapshot!(problems(&chain(&[("a", "b"), ("b", "a"), ("x", "y"), ("y", "x")])), @"");
}

#[test]
fn long_chains_are_no_cycles_and_need_no_deep_stack() {
    let ids: Vec<String> = (0..20_000).map(|n| format!("n{n}")).collect();
    let mut links = vec![(ids[0].as_str(), "load")];
    links.extend(ids.windows(2).map(|pair| (pair[1].as_str(), pair[0].as_str())));
    assert!(check_with(&chain(&links), &given()).is_ok());
    links[0].1 = "n19999";
    assert_eq!(check_with(&chain(&links), &given()).unwrap_err().problems.len(), 1);
}
