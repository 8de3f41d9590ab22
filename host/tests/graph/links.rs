//! Links and cycles.

use super::{LOAD, SAVE, check_with, given, graph, problems};
use splatgraph::graph::{Feed, Socket};

#[test]
fn a_link_by_the_number_of_a_node_gets_its_text() {
    let prompt = |link: &str| {
        format!(
            r#"{{"1": {{"class_type": "std.LoadImage", "inputs": {{"path": "cat.png"}}}},
                "2": {{"class_type": "std.SaveImage", "inputs": {{"image": {link}, "path": "out.png"}}}}}}"#
        )
    };
    insta::assert_snapshot!(problems(&prompt("[1, 0]")), @r#"
    line 2, column 74, node `2`, input `image`: expected a link ["node", "output"] or a list of links, got another array; the ids of nodes are texts; write ["1", 0]
    1 problem in the text
    "#);
    insta::assert_snapshot!(problems(&prompt(r#"["1", -1]"#)), @r#"
    line 2, column 74, node `2`, input `image`: expected a link ["node", "output"] or a list of links, got another array; the outputs of a node are counted from 0, got -1; write ["1", 0], or the name of the output
    1 problem in the text
    "#);
    insta::assert_snapshot!(problems(&prompt(r#"["1"]"#)), @r#"
    line 2, column 74, node `2`, input `image`: expected a link ["node", "output"] or a list of links, got another array; a link has the id of a node and an output; write ["1", 0], or the name of the output
    1 problem in the text
    "#);
    insta::assert_snapshot!(problems(&prompt(r#"[["1", 0], [1, 0]]"#)), @r#"
    line 2, column 74, node `2`, input `image`: expected a link ["node", "output"] or a list of links, got another array; the ids of nodes are texts; write ["1", 0]
    1 problem in the text
    "#);
    insta::assert_snapshot!(problems(r#"{"nodes": {"1": {"class_type": "std.Note"}}, "outputs": {"a": [1, 0], "b": [1, 2, 3]}}"#), @r#"
    line 1, column 63: the named output `a`: expected a link: ["node", "output"], got an array; the ids of nodes are texts; write ["1", 0]
    line 1, column 76: the named output `b`: expected a link: ["node", "output"], got an array
    the graph has nothing to run for: expected named results under `outputs`, or an output node; output nodes are: std.SaveImage
    3 problems in the text
    "#);
    insta::assert_snapshot!(problems(&prompt("[1, 2, 3]")), @r#"
    line 2, column 74, node `2` (std.SaveImage), input `image`: expected a link to IMAGE, got an array; write a link as ["node", "output"]
    1 problem in the text
    "#);
}

#[test]
fn links_must_lead_somewhere_and_fit() {
    let text = graph(&format!(
        r#"{LOAD},
        "a": {{"class_type": "std.Resize", "inputs": {{"image": ["laod", "image"], "width": 3}}}},
        "b": {{"class_type": "std.Resize", "inputs": {{"image": ["nowhere", "image"], "width": 3}}}},
        "c": {{"class_type": "std.Resize", "inputs": {{"image": ["load", "imgae"], "width": 3}}}},
        "d": {{"class_type": "std.Resize", "inputs": {{"image": ["load", 2], "width": 3}}}},
        "e": {{"class_type": "std.Resize", "inputs": {{"image": ["load", "mask"], "width": ["note", "text"]}}}},
        "f": {{"class_type": "tokenize.DrawTokens", "inputs": {{"tokens": ["load", "image"]}}}},
        "note": {{"class_type": "std.Note"}},
        {SAVE}"#
    ));
    insta::assert_snapshot!(problems(&text), @r#"
    line 2, column 63, node `a` (std.Resize), input `image`: the link ["laod", "image"] needs a node `laod`, which the graph does not have; did you mean `load`?
    line 3, column 63, node `b` (std.Resize), input `image`: the link ["nowhere", "image"] needs a node `nowhere`, which the graph does not have; the nodes are: load, a, b, c, d, e, f, note, save
    line 4, column 63, node `c` (std.Resize), input `image`: node `load` (std.LoadImage) has no output `imgae`; did you mean `image`?
    line 5, column 63, node `d` (std.Resize), input `image`: node `load` (std.LoadImage) has no output number 2; its outputs are: image, mask
    line 6, column 63, node `e` (std.Resize), input `image`: expected IMAGE, got MASK from `load.mask`
    line 6, column 90, node `e` (std.Resize), input `width`: expected INT, got STRING from `note.text`
    line 7, column 73, node `f` (tokenize.DrawTokens), input `tokens`: expected TOKENS,LAYOUT, got IMAGE from `load.image`
    7 problems in the text
    "#);
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
    insta::assert_snapshot!(problems(&text), @r#"
    line 3, column 65, node `one` (std.Resize), input `image`: expected one IMAGE, got a list of IMAGE from `split.images`
    line 4, column 65, node `two` (std.Resize), input `image`: expected a link to IMAGE, got a list of 2 links
    line 5, column 66, node `none` (std.Resize), input `image`: expected a link to IMAGE, got a list of 0 links; write an array of values as {"__value__": [...]}
    line 6, column 64, node `mix` (std.Grid), input `images`: expected IMAGE, got MASK from `load.mask`
    4 problems in the text
    "#);
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

/// Nodes `Resize`, each with a link to the node that is named.
fn chain(links: &[(&str, &str)]) -> String {
    let node = |(id, from): &(&str, &str)| {
        format!(r#""{id}": {{"class_type": "std.Resize", "inputs": {{"image": ["{from}", "image"], "width": 3}}}}"#)
    };
    graph(&format!("{LOAD}, {SAVE}, {}", links.iter().map(node).collect::<Vec<_>>().join(", ")))
}

#[test]
fn every_cycle_is_named_once() {
    insta::assert_snapshot!(problems(&chain(&[("a", "a")])), @"
    line 1, column 198: expected links without a cycle, got `a` > `a`; remove one of these links
    1 problem in the text
    ");
    // The node behind the cycle is not part of it.
    insta::assert_snapshot!(problems(&chain(&[("z", "c"), ("a", "c"), ("b", "a"), ("c", "b"), ("y", "z")])), @"
    line 1, column 282: expected links without a cycle, got `a` > `b` > `c` > `a`; remove one of these links
    1 problem in the text
    ");
    insta::assert_snapshot!(problems(&chain(&[("a", "b"), ("b", "a"), ("x", "y"), ("y", "x")])), @"
    line 1, column 198: expected links without a cycle, got `a` > `b` > `a`; remove one of these links
    line 1, column 366: expected links without a cycle, got `x` > `y` > `x`; remove one of these links
    2 problems in the text
    ");
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
