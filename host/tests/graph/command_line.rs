//! Values from the command line.

use super::{LOAD, SAVE, check_with, given, problems_with};
use splatgraph::graph::{Feed, Given};

const NODES: &str = r#"
    "init": {"class_type": "tokenize.InitTokens", "inputs": {"image": ["load", "image"], "tokens": 64}},
    "size": {"class_type": "std.Resize", "inputs": {"image": ["load", "image"], "width": 256}},
    "note": {"class_type": "std.Note"},
    "grid": {"class_type": "std.Grid", "inputs": {"images": ["load", "image"]}}"#;

fn text() -> String {
    format!(
        r#"{{"inputs": {{"image": "load.path", "tokens": ["init.tokens", "size.width"], "on": "note.on", "text": "note.text",
            "seed": "note.seed", "extra": "note.extra", "exponent": "init.exponent", "fit": "size.fit",
            "weights": "grid.weights", "picture": "size.image", "any": "note.any"}},
        "nodes": {{{LOAD}, {SAVE}, {NODES}}}}}"#
    )
}

fn with(inputs: &[&str], sets: &[&str]) -> Given {
    let pairs = |texts: &[&str]| {
        let pair = |text: &&str| text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        texts.iter().filter_map(pair).collect()
    };
    Given { inputs: pairs(inputs), sets: pairs(sets), ..given() }
}

#[test]
fn values_are_converted_by_the_type_of_their_socket() {
    let inputs = ["tokens=256", "on=false", "text=12", "seed=18446744073709551615", "exponent=3", "fit=stretch"];
    let sets = [r#"note.extra={"a": [1]}"#, "grid.weights=[1, 2]", "note.any=7"];
    let checked = check_with(&text(), &with(&inputs, &sets)).unwrap();
    let feeds: Vec<String> = checked.nodes[2..].iter().map(|node| format!("{}: {:?}", node.id, node.feeds)).collect();
    insta::assert_snapshot!(feeds.join("\n"), @r#"
    init: [Link(Socket { node: 0, output: 0 }), Value(Number(256)), Value(Number(3.0))]
    size: [Link(Socket { node: 0, output: 0 }), Value(Number(256)), Value(String("stretch"))]
    note: [Value(String("12")), Value(Object {"a": Array [Number(1)]}), Value(Bool(false)), Value(Number(18446744073709551615)), Value(Number(7))]
    grid: [Link(Socket { node: 0, output: 0 }), Value(Array [Number(1.0), Number(2.0)])]
    "#);
    // The graph with its values, as pictures carry it.
    insta::assert_snapshot!(checked.file().to_prompt(&super::closures::declared())["size"], @r#"{"class_type":"std.Resize","inputs":{"image":["load",0],"width":256,"fit":"stretch"}}"#);
}

#[test]
fn a_value_replaces_a_link() {
    let checked = check_with(
        r#"{"inputs": {"text": "b.text"}, "outputs": {"text": ["b", "text"]},
        "nodes": {"a": {"class_type": "std.Note"}, "b": {"class_type": "std.Note", "inputs": {"text": ["a", "text"]}}}}"#,
        &with(&["text=x"], &[]),
    );
    assert_eq!(checked.unwrap().nodes[1].feeds[0], Feed::Value("x".into()));
}

#[test]
fn whole_numbers_beyond_64_bits_are_told_their_range() {
    let inputs = ["seed=18446744073709551616", "tokens=99999999999999999999", "extra=1"];
    insta::assert_snapshot!(problems_with(&text(), &with(&inputs, &["init.tokens=-99999999999999999999"])), @"
        node `note` (std.Note), input `seed`: `seed=18446744073709551616`: expected a whole number from 0 to 18446744073709551615, got 18446744073709551616
        node `init` (tokenize.InitTokens), input `tokens`: `tokens=99999999999999999999`: expected a whole number from 1 to 4096, got 99999999999999999999
        node `size` (std.Resize), input `width`: `tokens=99999999999999999999`: expected a whole number from 1 to 65536, got 99999999999999999999
        node `init` (tokenize.InitTokens), input `tokens`: `init.tokens=-99999999999999999999`: expected a whole number from 1 to 4096, got -99999999999999999999
        4 problems in the text
        ");
}

#[test]
fn values_that_do_not_fit() {
    let inputs =
        ["tokens=many", "on=yes", "seed=-1", "exponent=nan", "fit=fil", "extra={", "weights=1", "picture=a.png"];
    insta::assert_snapshot!(problems_with(&text(), &with(&inputs, &["init.tokens=5000"])), @r#"
    node `init` (tokenize.InitTokens), input `tokens`: `tokens=many`: expected a whole number from 1 to 4096, got "many"
    node `size` (std.Resize), input `width`: `tokens=many`: expected a whole number from 1 to 65536, got "many"
    node `note` (std.Note), input `on`: `on=yes`: expected true or false, got "yes"
    node `note` (std.Note), input `seed`: `seed=-1`: expected a whole number from 0 to 18446744073709551615, got -1
    node `init` (tokenize.InitTokens), input `exponent`: `exponent=nan`: expected a number of at least 0, got "nan"
    node `size` (std.Resize), input `fit`: `fit=fil`: expected one of "fill", "fit", "stretch", got "fil"; did you mean "fill"?
    node `note` (std.Note), input `extra`: `extra={`: expected a JSON value, got "{"; write it as JSON, as [1, 2] or {"key": 1}
    node `grid` (std.Grid), input `weights`: `weights=1`: expected a list in which each item is a number, got "1"; write a list as JSON: [1, 2]
    node `size` (std.Resize), input `image`: `picture=a.png`: expected a link to IMAGE, got "a.png"; only the graph file can give it
    node `init` (tokenize.InitTokens), input `tokens`: `init.tokens=5000`: expected a whole number from 1 to 4096, got 5000
    10 problems in the text
    "#);
}

#[test]
fn what_is_nearly_json_gets_the_right_form() {
    let hint = |value: &str| {
        let problems = check_with(&text(), &with(&[value], &[])).unwrap_err();
        problems.problems[0].hint.clone().unwrap_or_default()
    };
    let said = [
        "extra=[True]",
        "extra={'a': 1}",
        "extra=None",
        "extra=[1, 2",
        "extra=(1, 2)",
        "weights=[1, None]",
        "tokens=1,2",
        "tokens=0..9:3",
        "on=True",
        "on=maybe",
        "tokens=x,y",
    ]
    .map(hint);
    insta::assert_snapshot!(said.join("\n"), @r#"
    write true
    write text in double quotes, as "text"
    write null
    write it as JSON, as [1, 2] or {"key": 1}
    write it as JSON, as [1, 2] or {"key": 1}
    write null
    a run takes one value; `splatgraph batch` runs a graph over several
    a run takes one value; `splatgraph batch` runs a graph over several
    write true
    "#);
}

#[test]
fn names_that_the_graph_does_not_have() {
    let inputs = ["token=3", "wobble=3", "init.tokens=3", "on=true", "on=false"];
    let sets = ["tokens=3", "inti.tokens=3", "init.token=3", "note.on=true", "note.on=true"];
    insta::assert_snapshot!(problems_with(&text(), &with(&inputs, &sets)), @"
    `token=3`: the graph has no input `token`; did you mean `tokens`?
    `wobble=3`: the graph has no input `wobble`; its inputs are: image, tokens, on, text, seed, extra, exponent, fit, weights, picture, any
    node `init`, input `tokens`: `init.tokens=3`: the graph has no input `init.tokens`
    `on` is given twice; give it once
    a value for an input of a node: expected node.input=value, got tokens=3
    `inti.tokens=3`: the graph has no node `inti`; did you mean `init`?
    `init.token=3`: node `init` (tokenize.InitTokens) has no input `token`; did you mean `tokens`?
    `note.on` is given twice; give it once
    8 problems in the text
    ");
    let bare = format!(r#"{{"nodes": {{{LOAD}, {SAVE}}}}}"#);
    insta::assert_snapshot!(problems_with(&bare, &with(&["tokens=3"], &[])), @"
    `tokens=3`: the graph has no input `tokens`; it has no named inputs
    1 problem in the text
    ");
}

#[test]
fn an_input_with_a_wrong_value_is_not_missing_too() {
    let text = r#"{"version": 1, "inputs": {"width": "size.width"}, "nodes": {
        "load": {"class_type": "std.LoadImage", "inputs": {"path": "cat.png"}},
        "size": {"class_type": "std.Resize", "inputs": {"image": ["load", "image"]}}
    }, "outputs": {"image": ["size", "image"]}}"#;
    let wrong = Given { inputs: vec![("width".into(), "0".into())], ..given() };
    insta::assert_snapshot!(problems_with(text, &wrong), @r#"
    node `size` (std.Resize), input `width`: `width=0`: expected a whole number from 1 to 65536, got 0
    1 problem in the text
    "#);
}
