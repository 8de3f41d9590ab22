//! Batches of many items: memory and time.

use std::fs::{self, OpenOptions};
use std::io::{BufWriter, Write};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::support::Place;
use crate::{journal, node};

/// A graph whose items take next to no time.
fn trivial() -> Place {
    let place = Place::with_stub();
    let graph = json!({
        "inputs": { "n": "add.a", "m": "add.b" },
        "outputs": { "sum": ["add", "sum"] },
        "nodes": { "add": node("Add", json!({"a": 1, "b": 1})) },
    });
    place.write("trivial.json", &graph.to_string());
    place
}

/// Adds the lines of items to a journal, as a batch writes them.
fn as_done(place: &Place, journal: &str, items: std::ops::Range<usize>, values: impl Fn(usize) -> Json) {
    let mut file = BufWriter::new(OpenOptions::new().append(true).open(place.path("work").join(journal)).unwrap());
    for item in items {
        let line = json!({"item": item.to_string(), "values": values(item), "status": "done", "outputs": {"sum": item}, "ms": 0.1});
        writeln!(file, "{line}").unwrap();
    }
    file.flush().unwrap();
}

/// The time that a command takes, and on Linux its most memory in bytes, as far as anybody looked.
fn measured(place: &Place, arguments: &[&str]) -> (Duration, u64) {
    let start = Instant::now();
    let mut command = place.command(arguments);
    let mut running = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut most = 0;
    loop {
        if let Some(status) = running.try_wait().unwrap() {
            assert!(status.success());
            return (start.elapsed(), most);
        }
        let status = fs::read_to_string(format!("/proc/{}/status", running.id())).unwrap_or_default();
        let peak =
            status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        most = most.max(peak.unwrap_or(0) * 1024);
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Items are computed from their values: an item takes less than 100 bytes, and what is done is known again in little time.
#[test]
fn many_items_take_little_memory_and_time() {
    const ITEMS: usize = 200_000;
    let place = trivial();
    let mut rows = String::from("n,m\n");
    (0..ITEMS).for_each(|item| rows += &format!("{item},{}\n", ITEMS - item));
    place.write("rows.csv", &rows);
    place.write("one.csv", &format!("n,m\n0,{ITEMS}\n"));
    let check = |name: &str, one: &str, all: &str, values: &dyn Fn(usize) -> Json| {
        let arguments = ["batch", "trivial.json", "--out", name];
        let (_, base) = measured(&place, &[&arguments[..], &[one]].concat());
        as_done(&place, &format!("{name}/batch.jsonl"), 1..ITEMS, values);
        let (took, most) = measured(&place, &[&arguments[..], &[all]].concat());
        assert!(most.saturating_sub(base) < 100 * ITEMS as u64, "{name}: {most} bytes, {base} with one item");
        // It takes about a second without optimisation, and took a minute when each item was checked as a whole.
        assert!(took < Duration::from_secs(20), "{name}: {took:?}");
        assert_eq!(journal(&place, &format!("{name}/batch.jsonl")).len(), ITEMS, "nothing ran again");
    };
    check("range", "n=0", &format!("n=0..{}", ITEMS - 1), &|item| json!({"n": item.to_string()}));
    let row = |item: usize| json!({"n": item.to_string(), "m": (ITEMS - item).to_string()});
    check("rows", "@one.csv", "@rows.csv", &row);
}

#[test]
fn results_that_successive_items_share_take_no_memory_afterwards() {
    let place = Place::with_stub();
    let graph = json!({
        "inputs": { "size": "image.size", "b": "ratio.b" },
        "outputs": { "ratio": ["ratio", "ratio"] },
        "nodes": {
            "image": node("PlainImage", json!({})),
            "mean": node("Mean", json!({"image": ["image", "image"]})),
            "ratio": node("Ratio", json!({"a": ["mean", "mean"]})),
        },
    });
    place.write("graph.json", &graph.to_string());
    // All pictures together take 1.2 GB.
    let arguments = ["batch", "graph.json", "size=600..799", "b=1,2", "--jobs", "2"];
    let (_, most) = measured(&place, &[&arguments[..], &["--out", "measured"]].concat());
    assert!(most < 300_000_000, "{most} bytes");
    let ran = place.run(&[&arguments[..], &["--out", "counted", "--json"]].concat());
    let summary: Json = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&summary["done"], &summary["nodes"]), (&json!(400), &json!(800)), "each picture is made once");
}

#[test]
fn what_is_missing_of_many_items_runs() {
    let place = trivial();
    let run = |values: &str| place.run(&["batch", "trivial.json", "--out", "out", values, "--json"]);
    assert_eq!(run("n=0").code, 0);
    as_done(&place, "out/batch.jsonl", 3..5000, |item| json!({"n": item.to_string()}));
    let ran = run("n=0..5009");
    let result: Json = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((ran.code, &result["done"], &result["earlier"]), (0, &12.into(), &4998.into()));
    let mut done: Vec<String> = journal(&place, "out/batch.jsonl")
        .iter()
        .map(|line| line["values"]["n"].as_str().unwrap().to_owned())
        .collect();
    done.sort();
    done.dedup();
    assert_eq!(done.len(), 5010);
}

/// Two files with one name among many are found, whatever made the names.
#[test]
fn clashes_among_many_items_are_found() {
    let place = Place::with_stub();
    let graph = json!({
        "inputs": { "n": "add.a", "output": "save.path" },
        "nodes": {
            "add": node("Add", json!({"a": 1, "b": 1})),
            "save": node("WriteText", json!({"text": ["add", "sum"], "path": "{n}.txt"})),
        },
    });
    place.write("graph.json", &graph.to_string());
    // Two texts for one number.
    insta::assert_snapshot!(place.run(&["batch", "graph.json", "n=0..3000,0005"]).stderr, @"
    error: the items `5` and `0005` would write the same file, in node `save` (stub.WriteText); give each item its own file, for example with output='{n}.txt'
      [DIR]/work/graph-batch/5.txt
    ");
    insta::assert_snapshot!(place.run(&["batch", "graph.json", "n=0..3000", "output=x.txt"]).stderr, @"
    error: the items `0` and `1` would write the same file, in node `save` (stub.WriteText); give each item its own file, for example with output='{n}.txt'
      [DIR]/work/graph-batch/x.txt
    ");
    let mut rows = String::from("n,output\n");
    (0..3000).for_each(|item| rows += &format!("{item},a{}-{}.txt\n", item % 7, item / 7));
    place.write("rows.csv", &rows);
    let ran = place.run(&["batch", "graph.json", "@rows.csv", "--out", "out"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    place.write("rows.csv", &(rows + "3000,./a1-42.txt\n"));
    insta::assert_snapshot!(place.run(&["batch", "graph.json", "@rows.csv", "--out", "new"]).stderr, @"
    error: the items `295-a1-42` and `3000-a1-42` would write the same file, in node `save` (stub.WriteText); give each item its own file, for example with output='./{n}.txt'
      [DIR]/work/new/a1-42.txt
    ");
}

/// Wrong values among many are found before anything runs, and counted.
#[test]
fn wrong_values_among_many_items_are_found() {
    let place = trivial();
    let mut rows = String::from("n,m\n");
    (0..3000).for_each(|item| rows += &format!("{},{item}\n", if item % 1000 == 999 { "x" } else { "1" }));
    place.write("rows.csv", &rows);
    insta::assert_snapshot!(place.run(&["batch", "trivial.json", "@rows.csv"]).stderr, @r#"
    error: item `x-999` and 2 more: node `add` (stub.Add), input `a`: `n=x`: expected a whole number, got "x"
    1 problem in trivial.json; no item ran
    "#);
    insta::assert_snapshot!(place.run(&["batch", "trivial.json", "n=0..999,x", "m=1..5"]).stderr, @r#"
    error: item `x-1` and 4 more: node `add` (stub.Add), input `a`: `n=x`: expected a whole number, got "x"
    1 problem in trivial.json; no item ran
    "#);
}
