//! What is wrong before a batch starts, or while it runs.

use std::fs;

use crate::support::{Place, Ran};
use crate::{copying, files, journal, texts};

/// Runs a batch of `copy.json` over three files that must not start.
fn refused(arguments: &[&str]) -> String {
    let place = copying();
    texts(&place, &["a", "b", "c"]);
    place.write("in/rows.csv", "file,extra\na.txt,1\nb.txt,x\n");
    let ran = place.run(&[&["batch", "copy.json"], arguments].concat());
    assert!(!place.path("work/copy-batch").exists(), "nothing is made");
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
    ran.stderr
}

#[test]
fn values_that_name_nothing() {
    insta::assert_snapshot!(refused(&["file=in/*.jpg"]), @"");
    insta::assert_snapshot!(refused(&["files=in/*.txt"]), @"");
    insta::assert_snapshot!(refused(&["in/*.txt"]), @"");
    insta::assert_snapshot!(refused(&["file=in/*.txt", "extra="]), @"");
    insta::assert_snapshot!(refused(&["file=in/*.txt", "extra=9..0"]), @"");
    insta::assert_snapshot!(refused(&["file=in/a.txt", "file=in/b.txt"]), @"");
}

#[test]
fn csv_files() {
    insta::assert_snapshot!(refused(&["file=@in/rows.csv", "output=@in/rows.csv"]), @"");
    insta::assert_snapshot!(refused(&["file=@in/none.csv"]), @"");
    insta::assert_snapshot!(refused(&["@in/rows.csv", "extra=3"]), @"");
    insta::assert_snapshot!(refused(&["@in/rows.csv"]), @"");
}

#[test]
fn parts_that_are_none() {
    insta::assert_snapshot!(refused(&["file=in/*.txt", "--part", "9/8"]), @"");
    insta::assert_snapshot!(refused(&["file=in/*.txt", "--part", "0/3"]), @"");
    insta::assert_snapshot!(refused(&["file=in/*.txt", "--part", "two"]), @"");
}

#[test]
fn problems_of_items_are_told_once_for_all() {
    insta::assert_snapshot!(refused(&["file=in/*.txt", "extra=1,two,3.5"]), @"");
    insta::assert_snapshot!(refused(&["file=in/*.txt", "output={none}.txt"]), @"");
}

#[test]
fn two_items_may_not_write_one_file() {
    insta::assert_snapshot!(refused(&["file=in/*.txt", "extra=1,2"]), @"");
    insta::assert_snapshot!(refused(&["file=in/*.txt", "output=same.png"]), @"");
    insta::assert_snapshot!(refused(&["file=in/a.txt,copy.json", "output=../in/a.txt"]), @"");
    // One item over what another reads.
    insta::assert_snapshot!(refused(&["file=in/a.txt,in/b.txt", "extra=1", "--out", "in", "output=c{stem}.txt", "--set", "save.path=in/{index}.txt"]), @"");
}

#[test]
fn collecting_what_cannot_be_collected() {
    insta::assert_snapshot!(refused(&["file=in/*.txt", "--collect", "letter"]), @"");
    insta::assert_snapshot!(refused(&["file=in/*.txt", "--collect", "letters"]), @"");
    insta::assert_snapshot!(refused(&["file=in/*.txt", "--shard", "3"]), @"");
}

#[test]
fn a_folder_that_cannot_be_written() {
    let place = copying();
    texts(&place, &["a"]);
    place.write("taken", "a file");
    let run = |out: &str| place.run(&["batch", "copy.json", "file=in/*.txt", "--out", out]).all();
    insta::assert_snapshot!(run("taken"), @"");
    fs::create_dir_all(place.path("work/odd/batch.jsonl")).unwrap();
    insta::assert_snapshot!(run("odd"), @"");
}

#[test]
fn journals_of_other_batches() {
    let place = copying();
    texts(&place, &["a", "b"]);
    let run = |arguments: &[&str]| place.run(&[&["batch", "copy.json", "--out", "out"], arguments].concat()).all();
    assert!(run(&["file=in/a.txt"]).starts_with("exit code 0"));
    insta::assert_snapshot!(run(&["file=in/a.txt", "--part", "1/2"]), @"");
    insta::assert_snapshot!(run(&["file=in/a.txt", "extra=3"]), @"");
    let graph = place.read("copy.json").replace("{stem}.txt", "{stem}.text");
    place.write("copy.json", &graph);
    insta::assert_snapshot!(run(&["file=in/a.txt"]), @"");
    place.write("other.json", &graph);
    insta::assert_snapshot!(place.run(&["batch", "other.json", "--out", "out", "file=in/a.txt"]).all(), @"");
    place.write("out/batch.jsonl", "photos\n");
    insta::assert_snapshot!(run(&["file=in/a.txt"]), @"");
}

#[test]
fn a_damaged_line_of_the_journal_is_named() {
    let place = copying();
    texts(&place, &["a", "b"]);
    let arguments = ["batch", "copy.json", "--out", "out", "file=in/*.txt"];
    assert_eq!(place.run(&arguments).code, 0);
    let damaged = place.read("out/batch.jsonl").replacen("\"item\":", "\"item\"", 1);
    place.write("out/batch.jsonl", &damaged);
    insta::assert_snapshot!(place.run(&arguments).all(), @"");
}

/// The errors without the place in the pack.
fn without_places(ran: &Ran) -> String {
    let lines = ran.stderr.lines().map(|line| line.split(" [stub").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_failing_item_does_not_stop_the_rest() {
    let place = copying();
    texts(&place, &["a", "b", "c"]);
    // A file that vanished: found by the pattern, and gone when its turn comes.
    std::os::unix::fs::symlink("nowhere", place.path("work/in/gone.txt")).unwrap();
    fs::write(place.path("work/in/latin.txt"), b"\xff").unwrap();
    let run = |more: &[&str]| place.run(&[&["batch", "copy.json", "file=in/*.txt", "--jobs", "1"], more].concat());
    let ran = run(&[]);
    assert_eq!(ran.code, 1);
    insta::assert_snapshot!(without_places(&ran), @"");
    assert_eq!(files(&place, "copy-batch"), ["a.txt", "b.txt", "batch.jsonl", "c.txt"]);
    let again = run(&[]);
    assert_eq!(again.code, 1, "what failed is still reported");
    insta::assert_snapshot!(without_places(&again), @"");
    fs::remove_file(place.path("work/in/gone.txt")).unwrap();
    fs::write(place.path("work/in/gone.txt"), "back").unwrap();
    let retried = run(&["--retry-failed"]);
    assert_eq!(retried.code, 1);
    insta::assert_snapshot!(without_places(&retried), @"");
    assert_eq!(journal(&place, "copy-batch/batch.jsonl").len(), 7);
    assert_eq!(place.read("copy-batch/gone.txt"), "back");
}

#[test]
fn many_failures_are_counted() {
    let place = copying();
    let list: Vec<String> = (0..25).map(|number| format!("none{number}.txt")).collect();
    let ran = place.run(&["batch", "copy.json", &format!("file={}", list.join(",")), "--jobs", "1"]);
    assert_eq!(ran.stderr.lines().filter(|line| line.starts_with("error: item")).count(), 20);
    let end: Vec<&str> = ran.stderr.lines().skip(20).collect();
    insta::assert_snapshot!(end.join("\n"), @"");
}

#[test]
fn what_all_items_need_stops_all() {
    let place = Place::with_stub();
    let graph = serde_json::json!({
        "inputs": { "a": "sum.b", "output": "save.path" },
        "nodes": {
            "bad": crate::node("Misses", serde_json::json!({})),
            "sum": crate::node("Add", serde_json::json!({"a": ["bad", "never"]})),
            "save": crate::node("WriteText", serde_json::json!({"text": ["sum", "sum"], "path": "{a}.txt"})),
        },
    });
    place.write("graph.json", &graph.to_string());
    let ran = place.run(&["batch", "graph.json", "a=0..99"]);
    assert_eq!(ran.code, 3);
    insta::assert_snapshot!(without_places(&ran), @"");
}
