//! Problems of a whole graph.

use super::{LOAD, SAVE, check_file, check_with, closures::PackOf, given, graph, parse, problems};
use serde_json::json;
use splatgraph::{graph::Feed, registry::Registry};

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
    insta::assert_snapshot!(problems(&text), @r#"
    line 1, column 26, node `a`: the pack `std` has no node `LoadImag`; did you mean `std.LoadImage`?
    line 2, column 12, node `b`: the pack `std` has no node `InitTokens`; did you mean `tokenize.InitTokens`?
    line 3, column 12, node `c`: the pack `std` has no node `Wobble`; `splatgraph nodes std` lists its nodes
    line 4, column 12, node `d`: `sdt.LoadImage` needs the pack `sdt`, but the loaded packs are: std, tokenize; did you mean `std.LoadImage`?
    line 5, column 12, node `e`: `acme.Texture` needs the pack `acme`, but the loaded packs are: std, tokenize; install it with `splatgraph packs add FILE`, or add its folder to SPLATGRAPH_PACKS
    line 6, column 12, node `f`: `acme.SaveImage` needs the pack `acme`, but the loaded packs are: std, tokenize; did you mean `std.SaveImage`?
    line 7, column 12, node `g`: expected a class with the name of its pack, got `LoadImage`; write `std.LoadImage`
    line 8, column 12, node `h`: no pack has a node `Wobble`; `splatgraph nodes` lists all nodes
    line 9, column 32: node `i`, `class_type`: expected a class like "pack.Node", got the text ""
    9 problems in the text
    "#);
}

#[test]
fn a_node_that_this_build_of_its_pack_cannot_run_is_a_problem_with_the_packs_reason() {
    let declared = PackOf::new("acme").declared(json!({ "name": "Blur", "inputs": [], "outputs": [], "output": true }));
    let mut pack = declared.pack();
    pack.manifest.absent.insert("Blur".to_owned(), "it was built without blurring; use another build".to_owned());
    let text = graph(r#""blur": {"class_type": "acme.Blur"}"#);
    let found = check_file(parse(&text).unwrap(), &Registry::new(vec![pack]), &given()).expect_err("a problem");
    insta::assert_snapshot!(found.to_string(), @"
    line 1, column 26, node `blur`: this build of the pack `acme` can't run `acme.Blur`; it was built without blurring; use another build
    1 problem in the text
    ");
}

#[test]
fn a_quoted_list_is_no_list() {
    let of = |extra: &str| {
        let nodes = format!(r#""a": {{"class_type": "std.Note", "inputs": {{"extra": {extra}}}}}"#);
        format!(r#"{{"outputs": {{"text": ["a", "text"]}}, "nodes": {{{nodes}}}}}"#)
    };
    insta::assert_snapshot!(problems(&of(r#""[64, 165]""#)), @r#"
    line 1, column 100, node `a` (std.Note), input `extra`: expected a JSON value, got the text "[64, 165]"; write it without quotes: {"__value__": [64,165]}
    1 problem in the text
    "#);
    insta::assert_snapshot!(problems(&of(r#""{\"a\": 1}""#)), @r#"
    line 1, column 100, node `a` (std.Note), input `extra`: expected a JSON value, got the text "{\"a\": 1}"; write it without quotes: {"a":1}
    1 problem in the text
    "#);
    for fine in [r#""text""#, r#""[text""#, r#"{"__value__": [64, 165]}"#, r#"{"a": 1}"#, "null"] {
        assert!(check_with(&of(fine), &given()).is_ok(), "{fine}");
    }
}

#[test]
fn a_missing_pack_is_distinguished_from_a_wrong_class() {
    let missing = |text: &str| check_with(text, &given()).unwrap_err().only_missing();
    assert!(missing(&graph(r#""a": {"class_type": "acme.Texture"}"#)));
    assert!(!missing(&graph(r#""a": {"class_type": "acme.Texture"}, "b": {"class_type": "std.X"}"#)));
}

#[test]
fn bare_names_are_for_bare_prompts() {
    let text = r#"{"1": {"class_type": "LoadImage", "inputs": {"path": "cat.png", "upload": "image"}},
        "2": {"class_type": "SaveImage", "inputs": {"image": ["1", 0], "path": "o.png"}}}"#;
    let checked = check_with(text, &given()).unwrap();
    assert_eq!(checked.nodes[0].class.full_name, "std.LoadImage");
    insta::assert_snapshot!(checked.warnings[0], @"line 1, column 75, node `1` (std.LoadImage): the class has no input `upload`; its inputs are: path");
}

#[test]
fn literals_must_fit() {
    let text = graph(&format!(
        r#"{LOAD},
        "note": {{"class_type": "std.Note", "inputs": {{"text": 5, "on": "true", "seed": -1, "any": {{"a": 1}}}}}},
        "more": {{"class_type": "std.Note", "inputs": {{"text": true, "on": 1, "seed": 3.0, "extra": null}}}},
        "null": {{"class_type": "std.Note", "inputs": {{"text": {{}}, "on": null, "seed": "12"}}}},
        "size": {{"class_type": "std.Resize", "inputs": {{"image": "cat.png", "width": 70000, "fit": "Fil"}}}},
        "init": {{"class_type": "tokenize.InitTokens", "inputs": {{"image": ["load", 0], "tokens": 2.5, "exponent": -1}}}},
        "grid": {{"class_type": "std.Grid", "inputs": {{"images": ["load", "image"], "weights": {{"__value__": [1, "2"]}}}}}},
        "list": {{"class_type": "std.Grid", "inputs": {{"images": {{"__value__": [1]}}, "weights": 2}}}},
        "path": {{"class_type": "std.LoadImage", "inputs": {{"path": ""}}}},
        {SAVE}"#
    ));
    insta::assert_snapshot!(problems(&text), @r#"
    line 2, column 63, node `note` (std.Note), input `text`: expected a text, got the number 5; write it in quotes: "5"
    line 2, column 72, node `note` (std.Note), input `on`: expected true or false, got the text "true"; write it without quotes: true
    line 2, column 88, node `note` (std.Note), input `seed`: expected a whole number from 0 to 18446744073709551615, got -1
    line 3, column 63, node `more` (std.Note), input `text`: expected a text, got true; write it in quotes: "true"
    line 3, column 75, node `more` (std.Note), input `on`: expected true or false, got the number 1; write true
    line 3, column 86, node `more` (std.Note), input `seed`: expected a whole number from 0 to 18446744073709551615, got the number 3.0; write 3
    line 4, column 63, node `null` (std.Note), input `text`: expected a text, got an object
    line 4, column 87, node `null` (std.Note), input `seed`: expected a whole number from 0 to 18446744073709551615, got the text "12"; write it without quotes: 12
    line 5, column 66, node `size` (std.Resize), input `image`: expected a link to IMAGE, got the text "cat.png"; write a link as ["node", "output"]
    line 5, column 86, node `size` (std.Resize), input `width`: expected a whole number from 1 to 65536, got 70000
    line 5, column 100, node `size` (std.Resize), input `fit`: expected one of "fill", "fit", "stretch", got "Fil"; did you mean "fill"?
    line 6, column 98, node `init` (tokenize.InitTokens), input `tokens`: expected a whole number from 1 to 4096, got the number 2.5
    line 6, column 115, node `init` (tokenize.InitTokens), input `exponent`: expected a number of at least 0, got -1
    line 7, column 95, node `grid` (std.Grid), input `weights`: expected a number, got the text "2" at position 1
    line 8, column 65, node `list` (std.Grid), input `images`: expected a link to IMAGE, got the number 1 at position 0; write a link as ["node", "output"]
    line 8, column 96, node `list` (std.Grid), input `weights`: expected a list in which each item is a number, got the number 2; write a list of values as {"__value__": [...]}
    line 9, column 68, node `path` (std.LoadImage), input `path`: expected a path, got an empty text
    17 problems in the text
    "#);
}

#[test]
fn whole_numbers_become_floats_and_large_seeds_stay_exact() {
    let text = graph(&format!(
        r#"{LOAD}, {SAVE}, "note": {{"class_type": "std.Note", "inputs": {{"seed": 18446744073709551615}}}},
        "init": {{"class_type": "tokenize.InitTokens", "inputs": {{"image": ["load", 0], "exponent": 3}}}},
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
        "init": {{"class_type": "tokenize.InitTokens", "inputs": {{"token": 3, "colour": ["load", 0]}}}},
        "size": {{"class_type": "std.Resize"}},
        "note": {{"class_type": "std.Note", "inputs": {{"wobble": 3}}}},
        {SAVE}"#
    ));
    insta::assert_snapshot!(problems(&text), @r#"
    line 2, column 9, node `init` (tokenize.InitTokens), input `image`: expected a link to IMAGE, got nothing; these outputs fit: ["load", "image"], ["size", "image"]
    line 2, column 75, node `init` (tokenize.InitTokens): the class has no input `token`; did you mean `tokens`?
    line 2, column 88, node `init` (tokenize.InitTokens): the class has no input `colour`; its inputs are: image, tokens, exponent
    line 3, column 9, node `size` (std.Resize), input `image`: expected a link to IMAGE, got nothing; these outputs fit: ["load", "image"]
    line 3, column 9, node `size` (std.Resize), input `width`: expected a whole number from 1 to 65536, got nothing
    line 4, column 65, node `note` (std.Note): the class has no input `wobble`; its inputs are: text, extra, on, seed, any
    6 problems in the text
    "#);
}

#[test]
fn a_bare_prompt_with_an_unknown_link_is_refused() {
    let text = r#"{"1": {"class_type": "LoadImage", "inputs": {"path": "cat.png", "vae": ["1", 0]}}}"#;
    insta::assert_snapshot!(problems(text), @"
    line 1, column 72, node `1` (std.LoadImage): the class has no input `vae`; its inputs are: path
    the graph has nothing to run for: expected named results under `outputs`, or an output node; output nodes are: std.SaveImage
    2 problems in the text
    ");
}

#[test]
fn nothing_to_do() {
    insta::assert_snapshot!(problems(&graph(LOAD)), @"
    the graph has nothing to run for: expected named results under `outputs`, or an output node; output nodes are: std.SaveImage
    1 problem in the text
    ");
    insta::assert_snapshot!(problems(&graph("")), @"
    the graph has nothing to run for: expected named results under `outputs`, or an output node; output nodes are: std.SaveImage
    1 problem in the text
    ");
}

#[test]
fn named_inputs_and_outputs_must_point_somewhere() {
    let text = format!(
        r#"{{
        "inputs": {{"image": "laod.path", "tokens": ["load.tokens", "load.path"], "far": "wobble.x"}},
        "outputs": {{"a": ["load", "imag"], "b": ["sav", 0], "c": ["load", 2]}},
        "nodes": {{{LOAD}, {SAVE}}}}}"#
    );
    insta::assert_snapshot!(problems(&text), @r#"
    line 2, column 20: the named input `image` sets `laod.path`, but the graph has no node `laod`; did you mean `load`?
    line 2, column 42: the named input `tokens` sets `load.tokens`, but node `load` (std.LoadImage) has no input `tokens`; its inputs are: path
    line 2, column 82: the named input `far` sets `wobble.x`, but the graph has no node `wobble`; the nodes are: load, save
    line 3, column 21: the named output `a`: node `load` (std.LoadImage) has no output `imag`; did you mean `image`?
    line 3, column 44: the named output `b`: the link ["sav", 0] needs a node `sav`, which the graph does not have; did you mean `save`?
    line 3, column 61: the named output `c`: node `load` (std.LoadImage) has no output number 2; its outputs are: image, mask
    6 problems in the text
    "#);
}

#[test]
fn problems_of_reading_and_of_checking_come_together() {
    let text = format!(r#"{{"titel": "x", "nodes": {{{LOAD}, "a": {{"class_type": "std.Wobble"}}, {SAVE}}}}}"#);
    insta::assert_snapshot!(problems(&text), @r#"
    line 1, column 2: a graph has no key "titel"; did you mean `title`?
    line 1, column 98, node `a`: the pack `std` has no node `Wobble`; `splatgraph nodes std` lists its nodes
    2 problems in the text
    "#);
}

#[test]
fn problems_as_json() {
    let text = graph(&format!(
        r#"{LOAD}, "init": {{"class_type": "tokenize.InitTokens", "inputs": {{"image": ["load", 0], "tokens": 0}}}}, {SAVE}"#
    ));
    let problems = check_with(&text, &given()).unwrap_err();
    insta::assert_snapshot!(serde_json::to_string_pretty(&problems).unwrap(), @r#"
    {
      "problems": [
        {
          "kind": "too_small",
          "node": "init",
          "class": "tokenize.InitTokens",
          "input": "tokens",
          "expected": "a whole number from 1 to 4096",
          "received": "0",
          "hint": null,
          "place": {
            "line": 1,
            "column": 187
          },
          "text": "line 1, column 187, node `init` (tokenize.InitTokens), input `tokens`: expected a whole number from 1 to 4096, got 0"
        }
      ],
      "graph": "the text"
    }
    "#);
}
