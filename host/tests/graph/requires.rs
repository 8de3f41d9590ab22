//! The packs that a graph requires.

use super::{check_with, given, problems};
use splatgraph::graph::{File, Origin};

fn graph(requires: &str, class: &str) -> String {
    format!(
        r#"{{"requires": {requires},
    "outputs": {{"a": ["n", 0]}}, "nodes": {{"n": {{"class_type": "{class}"}}, "m": {{"class_type": "{class}"}}}}}}"#
    )
}

fn only_missing(text: &str) -> bool {
    check_with(text, &given()).unwrap_err().only_missing()
}

#[test]
fn a_pack_that_is_there_is_not_spoken_of() {
    for requires in [
        r#"{}"#,
        r#"{"std": {}, "_note": 1}"#,
        r#"{"std": {"version": "^0.1"}}"#,
        r#"{"std": {"version": "*", "url": "https://example.org"}, "tokenize": {"version": ">=0.1, <0.3"}}"#,
    ] {
        assert!(check_with(&graph(requires, "std.Note"), &given()).is_ok(), "{requires}");
    }
}

#[test]
fn a_missing_pack_is_reported_once_with_its_address() {
    let text = graph(r#"{"acme": {"version": "0.2", "url": "https://example.org/acme"}}"#, "acme.Note");
    insta::assert_snapshot!(problems(&text), @"
    line 1, column 15: the graph requires the pack `acme` ^0.2, but the loaded packs are: std, tokenize; get it from https://example.org/acme, then `splatgraph packs add FILE`
    1 problem in the text
    ");
    assert!(only_missing(&text));
    insta::assert_snapshot!(problems(&graph(r#"{"acme": {}}"#, "std.Note")), @"
    line 1, column 15: the graph requires the pack `acme`, but the loaded packs are: std, tokenize; install it with `splatgraph packs add FILE`, or add its folder to SPLATGRAPH_PACKS
    1 problem in the text
    ");
    // A pack that the graph does not require is a problem of its node.
    insta::assert_snapshot!(problems(&graph(r#"{"acme": {}}"#, "other.Note")), @"
    line 1, column 15: the graph requires the pack `acme`, but the loaded packs are: std, tokenize; install it with `splatgraph packs add FILE`, or add its folder to SPLATGRAPH_PACKS
    line 2, column 43, node `n`: `other.Note` needs the pack `other`, but the loaded packs are: std, tokenize; did you mean `std.Note`?
    line 2, column 78, node `m`: `other.Note` needs the pack `other`, but the loaded packs are: std, tokenize; did you mean `std.Note`?
    3 problems in the text
    ");
}

#[test]
fn another_version_names_both() {
    let text = graph(r#"{"std": {"version": "^0.2", "url": "https://example.org/std"}}"#, "std.Newer");
    insta::assert_snapshot!(problems(&text), @r"
    line 1, column 15: the graph requires another version of the pack `std`: expected ^0.2, got 0.1.0; get it from https://example.org/std, then `splatgraph packs add FILE`
    1 problem in the text
    ");
    assert!(only_missing(&text));
    let text = graph(r#"{"std": {"version": "^0.2"}, "tokenize": {"version": "<0.1"}}"#, "tokenize.InitTokens");
    insta::assert_snapshot!(problems(&text), @"
    line 1, column 15: the graph requires another version of the pack `std`: expected ^0.2, got 0.1.0; install it with `splatgraph packs add FILE`, or add its folder to SPLATGRAPH_PACKS
    line 1, column 43: the graph requires another version of the pack `tokenize`: expected <0.1, got 0.1.0; install it with `splatgraph packs add FILE`, or add its folder to SPLATGRAPH_PACKS
    line 2, column 43, node `n` (tokenize.InitTokens), input `image`: expected a link to IMAGE, got nothing
    line 2, column 87, node `m` (tokenize.InitTokens), input `image`: expected a link to IMAGE, got nothing
    4 problems in the text
    ");
    assert!(!only_missing(&text), "there is more to correct than versions");
}

#[test]
fn bad_forms_have_a_place() {
    insta::assert_snapshot!(problems(&graph("[]", "std.Note")), @r#"
    line 1, column 14: `requires`: expected an object like {"acme": {"version": "^0.2"}}, got an array
    1 problem in the text
    "#);
    let requires = r#"{"a": "^0.2", "b": {"version": "newest"}, "c": {"version": 2},
        "d": {"version": "^0.1", "ulr": "x"}, "std": {"url": "\u001b[31m"}}"#;
    insta::assert_snapshot!(problems(&graph(requires, "std.Note")), @r#"
    line 1, column 20: `requires`, `a`: expected an object like {"version": "^0.2", "url": "https://..."}, got the text "^0.2"
    line 1, column 28: the graph requires the pack `b`, but the loaded packs are: std, tokenize; install it with `splatgraph packs add FILE`, or add its folder to SPLATGRAPH_PACKS
    line 1, column 45: `requires`, `b`, `version`: expected versions like "^0.2", ">=1.3, <3" or "=1.0.4", got the text "newest"
    line 1, column 56: the graph requires the pack `c`, but the loaded packs are: std, tokenize; install it with `splatgraph packs add FILE`, or add its folder to SPLATGRAPH_PACKS
    line 1, column 73: `requires`, `c`, `version`: expected versions like "^0.2", ">=1.3, <3" or "=1.0.4", got the number 2
    line 2, column 9: the graph requires the pack `d` ^0.1, but the loaded packs are: std, tokenize; install it with `splatgraph packs add FILE`, or add its folder to SPLATGRAPH_PACKS
    line 2, column 34: `requires`, `d` has no key "ulr"; did you mean `url`?
    line 2, column 62: `requires`, `std`, `url`: expected the address of the pack, like "https://...", got the text "\u{1b}[31m"
    8 problems in the text
    "#);
}

#[test]
fn it_is_written_again() {
    let requires = r#"{"acme": {"version": "0.2", "url": "https://example.org"}, "b": {}}"#;
    let file = File::parse(&graph(requires, "std.Note"), Origin::Text).unwrap();
    insta::assert_snapshot!(file.to_json()["requires"], @r#"{"acme":{"version":"^0.2","url":"https://example.org"},"b":{}}"#);
}
