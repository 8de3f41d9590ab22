//! Values and items.

use crate::{copying, files, journal, texts};

#[test]
fn the_product_of_all_values_is_run_in_order() {
    let place = copying();
    texts(&place, &["b", "a"]);
    let ran = place.run(&["batch", "copy.json", "file=in/*.txt", "extra=1..2,7", "output={stem}-{extra}.txt", "--jobs", "1"]);
    insta::assert_snapshot!(ran.all(), @r"
    exit code 0
    --- stdout
    --- stderr
    done: 6 items in [TIME]
    ");
    assert_eq!(
        files(&place, "copy-batch"),
        ["a-1.txt", "a-2.txt", "a-7.txt", "b-1.txt", "b-2.txt", "b-7.txt", "batch.jsonl"]
    );
    let names: Vec<String> =
        journal(&place, "copy-batch/batch.jsonl").iter().map(|line| line["item"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names, ["a-1", "a-2", "a-7", "b-1", "b-2", "b-7"]);
    let first = place.read("copy-batch/batch.jsonl").lines().nth(1).unwrap().to_owned();
    let (before, after) = first.split_once("\"ms\":").unwrap();
    let after = after.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    insta::assert_snapshot!(format!("{before}...{after}"), @r#"{"item":"a-1","values":{"file":"in/a.txt","extra":"1","output":"{stem}-{extra}.txt"},"status":"done","files":["a-1.txt"],"outputs":{"letters":1,"sum":2},...}"#);
}

#[test]
fn rows_of_a_csv_file_go_together() {
    let place = copying();
    texts(&place, &["a", "b"]);
    place.write("in/rows.csv", "extra,file,note\n5,a.txt,x\n,b.txt,y\n");
    place.write("in/all.csv", "file,extra\na.txt,1\nb.txt,2\n");
    let sums = |folder: &str| -> Vec<i64> {
        let lines = journal(&place, &format!("{folder}/batch.jsonl"));
        lines.iter().map(|line| line["outputs"]["sum"].as_i64().unwrap()).collect()
    };
    let one = ["batch", "copy.json", "file=@in/rows.csv", "extra=@in/rows.csv", "--out", "one", "--jobs", "1"];
    assert_eq!(place.run(&one).code, 0);
    // An empty cell leaves the graph's own value.
    assert_eq!(sums("one"), [6, 1]);
    assert_eq!(place.run(&["batch", "copy.json", "@in/all.csv", "--out", "all", "--jobs", "1"]).code, 0);
    assert_eq!(sums("all"), [2, 3]);
}

#[test]
fn a_batch_of_one_needs_no_values() {
    let place = copying();
    place.write("none.txt", "abc");
    let ran = place.run(&["batch", "copy.json", "--json"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let result: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&result["status"], &result["done"], &result["files"]), (&"done".into(), &1.into(), &1.into()));
    assert!(result["ms"].as_f64() > result["node_ms"].as_f64());
    assert_eq!(files(&place, "copy-batch"), ["batch.jsonl", "none.txt"]);
}
