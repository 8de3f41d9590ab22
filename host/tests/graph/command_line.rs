use super::{LOAD, SAVE, check_with, given, problems_with};
use splatgraph::graph::{Feed, Given};

const NODES: &str = r#"
    "init": {"class_type": "gpstoken.InitTokens", "inputs": {"image": ["load", "image"], "tokens": 64}},
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
    insta::assert_snapshot!(feeds.join("\n"), @"");
    // The graph as it ran, for a picture's metadata.
    insta::assert_snapshot!(checked.file().to_prompt(&super::closures::declared())["size"], @"");
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
fn values_that_do_not_fit() {
    let inputs =
        ["tokens=many", "on=yes", "seed=-1", "exponent=nan", "fit=fil", "extra={", "weights=1", "picture=a.png"];
    insta::assert_snapshot!(problems_with(&text(), &with(&inputs, &["init.tokens=5000"])), @"");
}

#[test]
fn names_that_the_graph_does_not_have() {
    let inputs = ["token=3", "wobble=3", "init.tokens=3", "on=true", "on=false"];
    let sets = ["tokens=3", "inti.tokens=3", "init.token=3", "note.on=true", "note.on=true"];
    insta::assert_snapshot!(problems_with(&text(), &with(&inputs, &sets)), @"");
    let bare = format!(r#"{{"nodes": {{{LOAD}, {SAVE}}}}}"#);
    insta::assert_snapshot!(problems_with(&bare, &with(&["tokens=3"], &[])), @"");
}
