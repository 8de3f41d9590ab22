//! `splatgraph why`.

use std::fs;

use serde_json::{Value as Json, json};

use crate::support::Place;
use crate::{counting, node};

fn why(place: &Place, arguments: &[&str]) -> String {
    let ran = place.run(&[&["why", "count.json"], arguments, &["--store", "store"]].concat());
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{}", ran.all());
    ran.stdout
}

#[test]
fn why_tells_which_part_of_a_key_differs() {
    let place = counting();
    insta::assert_snapshot!(why(&place, &["sum"]), @"sum: it would run: the store has no result of stub.Add. Results that are made faster than they are read are not stored, nor objects that only their pack understands");
    assert_eq!(place.run(&["run", "count.json", "--store", "store"]).code, 0);
    insta::assert_snapshot!(why(&place, &["sum"]), @"sum: its result is in the store");
    insta::assert_snapshot!(why(&place, &["sum", "extra=4"]), @"
    sum: it would run. In the nearest result in the store, these are different:
      input `b` of `sum`: 1 then, 4 now
    ");
    place.write("other.txt", "abc");
    insta::assert_snapshot!(why(&place, &["letters", "file=other.txt"]), @r#"
    letters: it would run. In the nearest result in the store, these are different:
      input `path` of `read`: "[DIR]/work/in.txt" then, "[DIR]/work/other.txt" now
    "#);
    place.write("in.txt", "changed");
    insta::assert_snapshot!(why(&place, &["sum", "extra=4"]), @r#"
    sum: it would run. In the nearest result in the store, these are different:
      input `b` of `sum`: 1 then, 4 now
      input `path` of `read`: the content of "[DIR]/work/in.txt" changed
    "#);
    // The nearest of several results is told.
    assert_eq!(place.run(&["run", "count.json", "--store", "store"]).code, 0);
    insta::assert_snapshot!(why(&place, &["sum", "extra=5"]), @"
    sum: it would run. In the nearest result in the store, these are different:
      input `b` of `sum`: 1 then, 5 now
    ");
    fs::write(place.path("work/in-copy.txt"), "edited").unwrap();
    insta::assert_snapshot!(why(&place, &["save"]), @"save: it would run: a file that it wrote is gone or changed since");
}

#[test]
fn why_prints_json() {
    let place = counting();
    assert_eq!(place.run(&["run", "count.json", "--store", "store"]).code, 0);
    let json: Json = serde_json::from_str(&why(&place, &["sum", "extra=4", "--json"])).unwrap();
    assert_eq!((&json["node"], &json["status"]), (&"sum".into(), &"differs".into()));
    assert_eq!(json["differences"], json!(["input `b` of `sum`: 1 then, 4 now"]));
}

#[test]
fn why_tells_what_is_never_stored() {
    let place = Place::with_stub();
    let nodes = json!({
        "write": node("WriteText", json!({"text": "a", "path": "a.txt"})),
        "read": node("ReadText", json!({"path": ["write", "path"]})),
        "letters": node("Letters", json!({"text": ["read", "text"]})),
    });
    place.write("count.json", &json!({"outputs": {"n": ["letters", "letters"]}, "nodes": nodes}).to_string());
    insta::assert_snapshot!(why(&place, &["letters"]), @"letters: it would run, and its result is never stored: the input `path` of `read` is a path from another node, or its file can't be read");
}

#[test]
fn mistakes_of_why_are_errors_in_words() {
    let place = counting();
    insta::assert_snapshot!(place.run(&["why", "count.json", "sum"]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: expected a store to look into, got none; give --store DIR
    ");
    insta::assert_snapshot!(place.run(&["why", "count.json", "leters", "--store", "store"]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: expected a node of the graph, got `leters`; did you mean `letters`?
    ");
}
