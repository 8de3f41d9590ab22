//! Batches with a store.

use std::fs;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::support::Place;
use crate::{counting, node, tally};

fn texts(place: &Place, names: impl IntoIterator<Item = String>) {
    for name in names {
        place.write(&format!("in/{name}.txt"), &name);
    }
}

fn result(place: &Place, arguments: &[&str]) -> Json {
    let ran = place.run(&[arguments, &["--json"]].concat());
    assert_eq!(ran.code, 0, "{}", ran.all());
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn a_batch_that_runs_again_in_another_process_runs_no_node() {
    let place = counting();
    texts(&place, (0..20).map(|number| format!("t{number}")));
    let arguments = ["batch", "count.json", "file=in/*.txt", "--out", "out", "--store", "store"];
    let first = result(&place, &arguments);
    assert_eq!((&first["done"], &first["nodes"], &first["files"]), (&20.into(), &80.into(), &20.into()));
    fs::remove_file(place.path("work/out/batch.jsonl")).unwrap();
    let second = result(&place, &arguments);
    assert_eq!((&second["done"], &second["nodes"], &second["files"]), (&20.into(), &0.into(), &20.into()));
    // The journal has the files that are unchanged, so it knows when they are gone.
    fs::remove_file(place.path("work/out/t3-copy.txt")).unwrap();
    let third = result(&place, &arguments);
    assert_eq!((&third["done"], &third["earlier"]), (&1.into(), &19.into()));
    assert_eq!(place.read("out/t3-copy.txt"), "t3");
    assert_eq!(tally(&place), 20);
}

#[test]
fn nodes_that_run_once_run_only_if_an_item_needs_them() {
    let place = counting();
    let graph = json!({
        "inputs": {"file": "read.path"},
        "outputs": {"data": ["data", "data"]},
        "nodes": {
            // Its outputs can't be stored.
            "model": node("Opaque", json!({})),
            "read": node("ReadText", json!({"path": "in.txt"})),
            "letters": node("Letters", json!({"text": ["read", "text"]})),
            "number": node("Add", json!({"a": ["letters", "letters"], "b": 0})),
            "kept": node("EveryKind", json!({"anything": ["model", "model"], "numbers": [["number", "sum"]]})),
            "data": node("Divide", json!({"numbers": [["number", "sum"]]})),
            "save": node("WriteText", json!({"text": ["kept", "text"], "path": "{stem}.txt"})),
        },
    });
    place.write("once.json", &graph.to_string());
    texts(&place, ["a", "bb", "ccc"].map(str::to_owned));
    let arguments = ["batch", "once.json", "file=in/*.txt", "--out", "out", "--store", "store"];
    // The model once, and 6 other nodes of each item.
    assert_eq!(result(&place, &arguments)["nodes"], 19);
    fs::remove_file(place.path("work/out/batch.jsonl")).unwrap();
    assert_eq!(result(&place, &arguments)["nodes"], 0);
    // In another folder, only the nodes that write run.
    let elsewhere = ["batch", "once.json", "file=in/*.txt", "--out", "elsewhere", "--store", "store"];
    assert_eq!(result(&place, &elsewhere)["nodes"], 3);
}

#[test]
fn an_item_runs_again_if_the_content_of_its_file_changed() {
    let place = counting();
    texts(&place, ["a", "b", "c"].map(str::to_owned));
    let arguments = ["batch", "count.json", "file=in/*.txt", "--out", "out", "--store", "store"];
    assert_eq!(place.run(&arguments).code, 0);
    place.write("in/b.txt", "changed");
    // A new time with the same content is no change.
    place.write("in/c.txt", "c");
    insta::assert_snapshot!(place.run(&arguments).all(), @"
    exit code 0
    --- stdout
    --- stderr
    2 items done before, 1 to run
    1 item runs again, because the content of files to read changed
    done: 1 item in [TIME], 2 done before
    ");
    assert_eq!(place.read("out/b-copy.txt"), "changed");
    assert_eq!(result(&place, &arguments)["earlier"], 3);
    // A file that is gone is no reason, and a batch without a store compares nothing.
    fs::remove_file(place.path("work/in/c.txt")).unwrap();
    place.write("in/a.txt", "changed");
    assert_eq!(result(&place, &["batch", "count.json", "file=in/a.txt,in/c.txt", "--out", "out"])["earlier"], 2);
    let changed = result(&place, &["batch", "count.json", "file=in/a.txt", "--out", "out", "--store", "store"]);
    assert_eq!((&changed["done"], &changed["earlier"]), (&1.into(), &0.into()));
}

fn start(place: &Place, arguments: &[&str]) -> Child {
    place.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn wait(mut child: Child) {
    let start = Instant::now();
    let code = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status.code(),
            None if start.elapsed() > Duration::from_secs(120) => {
                child.kill().unwrap();
                panic!("two batches wait for each other");
            }
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    assert_eq!(code, Some(0));
}

#[test]
fn two_processes_at_once_do_no_item_twice() {
    let place = counting();
    let names: Vec<String> = (10..70).map(|number| format!("t{number}")).collect();
    texts(&place, names.iter().cloned());
    let files = |names: &mut dyn Iterator<Item = &String>| {
        format!("file={}", names.map(|name| format!("in/{name}.txt")).collect::<Vec<_>>().join(","))
    };
    // In opposite orders, and several items of a process at once: a result that one computes, the other waits for.
    let orders = [files(&mut names.iter()), files(&mut names.iter().rev())];
    let batches: Vec<Child> = orders
        .iter()
        .zip(["one", "two"])
        .map(|(files, out)| {
            start(&place, &["batch", "count.json", files, "--out", out, "--store", "store", "--jobs", "3"])
        })
        .collect();
    batches.into_iter().for_each(wait);
    assert_eq!(tally(&place), 60);
    assert_eq!(place.read("two/t42-copy.txt"), "t42");
}

#[test]
fn processes_that_meet_in_the_middle_do_not_wait_for_each_other() {
    let place = Place::with_stub();
    let tally_file = place.path("work/tally.txt");
    let graph = json!({
        "inputs": {"ms": ["sleep.ms", "letters.text"]},
        "outputs": {"ms": ["sleep", "ms"], "letters": ["letters", "letters"]},
        "nodes": {
            "sleep": node("Sleep", json!({"ms": 1})),
            "letters": node("Letters", json!({"text": "1", "tally": tally_file})),
        },
    });
    place.write("sleep.json", &graph.to_string());
    let list: Vec<String> = (0..12).map(|number| (40 + number * 5).to_string()).collect();
    let back: Vec<String> = list.iter().rev().cloned().collect();
    let children: Vec<Child> = [list, back]
        .iter()
        .zip(["one", "two"])
        .map(|(list, out)| {
            let values = format!("ms={}", list.join(","));
            start(&place, &["batch", "sleep.json", &values, "--out", out, "--store", "store", "--jobs", "4"])
        })
        .collect();
    children.into_iter().for_each(wait);
    assert_eq!(tally(&place), 12);
}
