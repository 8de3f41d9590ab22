use super::{LOAD, SAVE, check_with, given, graph, problems};
use splatgraph::graph::Feed;

#[test]
fn a_right_graph_has_no_problems_and_keeps_the_order_of_nodes() {
    let checked = check_with(&graph(&format!("{SAVE}, {LOAD}")), &given()).unwrap();
    assert_eq!(checked.nodes.iter().map(|node| &*node.id).collect::<Vec<_>>(), ["save", "load"]);
    assert_eq!(checked.roots, [0]);
    assert!(checked.warnings.is_empty());
}

#[test]
fn unknown_classes_get_the_nearest_name_or_the_packs_that_are_loaded() {
    let text = graph(
        r#""a": {"class_type": "std.LoadImag"},
           "b": {"class_type": "std.InitTokens"},
           "c": {"class_type": "std.Wobble"},
           "d": {"class_type": "sdt.LoadImage"},
           "e": {"class_type": "acme.Texture"},
           "f": {"class_type": "acme.SaveImage"},
           "g": {"class_type": "LoadImage"},
           "h": {"class_type": "Wobble"},
           "i": {"class_type": ""}"#,
    );
    insta::assert_snapshot!(problems(&text), @"");
}

#[test]
fn a_missing_pack_has_an_exit_code_of_its_own() {
    let missing = |text: &str| check_with(text, &given()).unwrap_err().exit_code();
    assert_eq!(missing(&graph(r#""a": {"class_type": "acme.Texture"}"#)), 3);
    assert_eq!(missing(&graph(r#""a": {"class_type": "acme.Texture"}, "b": {"class_type": "std.X"}"#)), 2);
}

#[test]
fn bare_names_are_for_bare_prompts() {
    let text = r#"{"1": {"class_type": "LoadImage", "inputs": {"path": "cat.png", "upload": "image"}},
        "2": {"class_type": "SaveImage", "inputs": {"image": ["1", 0], "path": "o.png"}}}"#;
    let checked = check_with(text, &given()).unwrap();
    assert_eq!(checked.nodes[0].class.full_name, "std.LoadImage");
    insta::assert_snapshot!(checked.warnings[0], @"");
}

#[test]
fn literals_must_fit() {
    let text = graph(&format!(
        r#"{LOAD},
        "note": {{"class_type": "std.Note", "inputs": {{"text": 5, "on": "true", "seed": -1, "any": {{"a": 1}}}}}},
        "more": {{"class_type": "std.Note", "inputs": {{"text": true, "on": 1, "seed": 3.0, "extra": null}}}},
        "null": {{"class_type": "std.Note", "inputs": {{"text": {{}}, "on": null, "seed": "12"}}}},
        "size": {{"class_type": "std.Resize", "inputs": {{"image": "cat.png", "width": 70000, "fit": "Fil"}}}},
        "init": {{"class_type": "gpstoken.InitTokens", "inputs": {{"image": ["load", 0], "tokens": 2.5, "exponent": -1}}}},
        "grid": {{"class_type": "std.Grid", "inputs": {{"images": ["load", "image"], "weights": {{"__value__": [1, "2"]}}}}}},
        "list": {{"class_type": "std.Grid", "inputs": {{"images": {{"__value__": [1]}}, "weights": 2}}}},
        "path": {{"class_type": "std.LoadImage", "inputs": {{"path": ""}}}},
        {SAVE}"#
    ));
    insta::assert_snapshot!(problems(&text), @"");
}

#[test]
fn whole_numbers_become_floats_and_large_seeds_stay_exact() {
    let text = graph(&format!(
        r#"{LOAD}, {SAVE}, "note": {{"class_type": "std.Note", "inputs": {{"seed": 18446744073709551615}}}},
        "init": {{"class_type": "gpstoken.InitTokens", "inputs": {{"image": ["load", 0], "exponent": 3}}}},
        "grid": {{"class_type": "std.Grid", "inputs": {{"images": [], "weights": {{"__value__": [1, 2.5]}}}}}}"#
    ));
    let checked = check_with(&text, &given()).unwrap();
    let feed = |node: usize, input: usize| checked.nodes[node].feeds[input].clone();
    assert_eq!(feed(2, 3), Feed::Value(u64::MAX.into()));
    assert_eq!(feed(3, 2), Feed::Value(3.0.into()));
    assert_eq!(feed(4, 0), Feed::Links(vec![]));
    assert_eq!(feed(4, 1), Feed::Value(vec![1.0, 2.5].into()));
}

#[test]
fn missing_and_unknown_inputs() {
    let text = graph(&format!(
        r#"{LOAD},
        "init": {{"class_type": "gpstoken.InitTokens", "inputs": {{"token": 3, "colour": ["load", 0]}}}},
        "size": {{"class_type": "std.Resize"}},
        "note": {{"class_type": "std.Note", "inputs": {{"wobble": 3}}}},
        {SAVE}"#
    ));
    insta::assert_snapshot!(problems(&text), @"");
}

#[test]
fn a_bare_prompt_with_an_unknown_link_is_refused() {
    let text = r#"{"1": {"class_type": "LoadImage", "inputs": {"path": "cat.png", "vae": ["1", 0]}}}"#;
    insta::assert_snapshot!(problems(text), @"");
}

#[test]
fn nothing_to_do() {
    insta::assert_snapshot!(problems(&graph(LOAD)), @"");
    insta::assert_snapshot!(problems(&graph("")), @"");
}

#[test]
fn named_inputs_and_outputs_must_point_somewhere() {
    let text = format!(
        r#"{{
        "inputs": {{"image": "laod.path", "tokens": ["load.tokens", "load.path"], "far": "wobble.x"}},
        "outputs": {{"a": ["load", "imag"], "b": ["sav", 0], "c": ["load", 2]}},
        "nodes": {{{LOAD}, {SAVE}}}}}"#
    );
    insta::assert_snapshot!(problems(&text), @"");
}

#[test]
fn problems_of_reading_and_of_checking_come_together() {
    let text = format!(r#"{{"titel": "x", "nodes": {{{LOAD}, "a": {{"class_type": "std.Wobble"}}, {SAVE}}}}}"#);
    insta::assert_snapshot!(problems(&text), @"");
}

#[test]
fn problems_as_json() {
    let text = graph(&format!(
        r#"{LOAD}, "init": {{"class_type": "gpstoken.InitTokens", "inputs": {{"image": ["load", 0], "tokens": 0}}}}, {SAVE}"#
    ));
    let problems = check_with(&text, &given()).unwrap_err();
    insta::assert_snapshot!(serde_json::to_string_pretty(&problems).unwrap(), @"");
}
