//! `--table`.

use serde_json::json;

use crate::support::Place;
use crate::{copying, node, texts};

#[test]
fn results_and_their_means_are_written() {
    let place = copying();
    texts(&place, &["a", "abc"]);
    let arguments = ["batch", "copy.json", "file=in/*.txt", "extra=1,10", "output={stem}-{extra}.txt", "--table", "all.csv"];
    let ran = place.run(&arguments);
    assert_eq!(ran.code, 0);
    insta::assert_snapshot!(ran.stdout, @"");
    insta::assert_snapshot!(place.read("copy-batch/all.csv"), @"");
    // From the journal, where all was done before.
    std::fs::remove_file(place.path("work/copy-batch/all.csv")).unwrap();
    texts(&place, &["ab"]);
    assert_eq!(place.run(&arguments).code, 0);
    assert_eq!(place.read("copy-batch/all.csv").lines().filter(|line| line.contains(".txt")).count(), 6);
    let part = place.run(&["batch", "copy.json", "file=in/*.txt", "--out", "part", "--part", "1/2", "--table", "all.csv"]);
    assert_eq!(part.code, 0, "{}", part.stderr);
    insta::assert_snapshot!(place.read("part/all-1-of-2.csv"), @"");
}

#[test]
fn infinite_results_are_kept_and_failed_items_are_no_rows() {
    let place = Place::with_stub();
    let graph = json!({
        "inputs": { "a": "ratio.a", "b": "ratio.b", "file": "read.path" },
        "outputs": { "ratio": ["ratio", "ratio"], "text": ["read", "text"] },
        "nodes": {
            "ratio": node("Divide", json!({"a": 1})),
            "read": node("ReadText", json!({"path": "none.txt"})),
        },
    });
    place.write("graph.json", &graph.to_string());
    place.write("rows.csv", "file,b\none.txt,0\ntwo.txt,4\nnone.txt,1\n");
    place.write("one.txt", "says \"one\", twice");
    place.write("two.txt", "2");
    assert_eq!(place.run(&["batch", "graph.json", "@rows.csv", "--table", "t/all.csv", "--quiet"]).code, 1);
    insta::assert_snapshot!(place.read("graph-batch/t/all.csv"), @"");
}
