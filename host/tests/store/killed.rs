//! Processes that are killed while they write into a store.

use std::fs;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::entries;
use crate::node;
use crate::random::Random;
use crate::support::Place;

const ITEMS: usize = 800;

#[test]
fn after_200_kills_no_damaged_entry_is_returned() {
    let place = Place::with_stub();
    let make = node("MakeTokens", json!({"count": 1500}));
    let graph = json!({"inputs": {"v": "t.value"}, "outputs": {"tokens": ["t", "tokens"]}, "nodes": {"t": make}});
    place.write("tokens.json", &graph.to_string());
    let batch = |values: &str, out: &str, store: &[&str]| {
        let arguments = ["batch", "tokens.json", values, "--collect", "tokens", "--out", out];
        let mut command = place.command(&[&arguments[..], store].concat());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let store = ["--store", "store", "--store-size", "100"];
    let mut random = Random(1);
    for kill in 0..200 {
        // Each process writes entries that no process before it wrote.
        let first = kill * 4 % ITEMS;
        let mut running = batch(&format!("v={first}..{}", ITEMS - 1), "killed", &store).spawn().unwrap();
        let has_started = |text: String| text.contains("started");
        while running.try_wait().unwrap().is_none()
            && !fs::read_to_string(place.path("work/killed/batch.jsonl")).is_ok_and(has_started)
        {
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(Duration::from_millis(random.next(40) as u64));
        running.kill().unwrap();
        running.wait().unwrap();
        let _ = fs::remove_dir_all(place.path("work/killed"));
        for path in entries(&place, "stub.MakeTokens") {
            if random.next(4) == 0 {
                fs::remove_file(path).unwrap();
            }
        }
    }
    let left = entries(&place, "stub.MakeTokens").len();
    assert!(left > 0, "the processes wrote nothing before they were killed");
    let all = format!("v=0..{}", ITEMS - 1);
    assert!(batch(&all, "stored", &store).status().unwrap().success());
    assert!(batch(&all, "computed", &[]).status().unwrap().success());
    let shard = |out: &str| fs::read(place.path("work").join(out).join("tokens-00000.safetensors")).unwrap();
    assert!(shard("stored") == shard("computed"), "a result from the store differs");
    // What killed processes left behind is gone.
    let folder = fs::read_dir(place.path("work/store/results-1/stub.MakeTokens")).unwrap();
    let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let strange: Vec<String> = names.filter(|name| name.len() != 64).collect();
    assert_eq!(strange, Vec::<String>::new());
}
