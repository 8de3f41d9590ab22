//! A server that is killed.

use crate::{node, server::Server, sleeps};
use serde_json::json;
use splatgraph_sdk::TEMPORARY_PREFIX;
use std::{collections::BTreeMap, thread, time::Duration};

#[test]
fn a_killed_server_goes_on_with_its_queue_and_keeps_its_results() {
    let options = ["--jobs", "2"];
    let mut server = Server::start(&options);
    let mut ids = Vec::new();
    for number in 0..30 {
        let prompt = json!({
            "1": node("Sleep", json!({"ms": 50 + 5 * number})),
            "2": node("WriteSlowly", json!({"text": "x".repeat(100_000), "path": format!("{number}.txt")})),
            "3": node("WriteText", json!({"text": ["1", 0], "path": format!("after-{number}.txt")})),
        });
        ids.push(server.prompt(&prompt, "me"));
    }
    // Files that are not whole yet have a temporary name, which they lose at any moment.
    let is_temporary = |name: &String| name.starts_with(TEMPORARY_PREFIX);
    let contents = |server: &Server| -> BTreeMap<String, Vec<u8>> {
        let names = server.result_names().into_iter().filter(|name| !is_temporary(name));
        names.map(|name| (name.clone(), std::fs::read(server.results().join(name)).unwrap())).collect()
    };
    let mut before = BTreeMap::new();
    for _ in 0..3 {
        thread::sleep(Duration::from_millis(250));
        let completed = server.get("/jobs?status=completed&limit=1000").json();
        let completed = completed["jobs"].as_array().unwrap().len();
        let results = contents(&server);
        server.kill_and_restart(&options);
        let after = server.get("/jobs?status=completed&limit=1000").json();
        assert!(after["jobs"].as_array().unwrap().len() >= completed, "finished jobs are in the history");
        before.extend(results);
    }
    server.idle();
    for id in &ids {
        assert_eq!(server.ended(id)["status"], "completed");
    }
    let after = contents(&server);
    for (name, content) in &before {
        assert_eq!(after.get(name), Some(content), "{name} is as it was");
    }
    // A job that was killed in the middle may have written one of its files before.
    for (name, content) in &after {
        let is_whole = if name.starts_with("after") {
            std::str::from_utf8(content).unwrap().parse::<u64>().is_ok()
        } else {
            content.len() == 100_000
        };
        assert!(is_whole, "{name} has {} bytes", content.len());
    }
    assert!(after.len() >= 60, "{:?}", after.keys());
    assert!(!server.result_names().iter().any(is_temporary), "{:?}", server.result_names());
}

#[test]
fn settings_and_saved_graphs_survive_too() {
    let mut server = Server::start(&[]);
    server.post("/settings/Comfy.Locale", &json!("de"));
    server.post("/settings", &json!({"a": {"b": [1, null]}}));
    server.ask("POST", "/api/userdata/workflows%2Fmine.json", &[], b"{\"nodes\":[]}");
    server.kill_and_restart(&[]);
    let settings = server.get("/settings").json();
    assert_eq!((&settings["Comfy.Locale"], &settings["a"]["b"][0]), (&json!("de"), &json!(1)));
    assert_eq!(server.get("/userdata/workflows%2Fmine.json").text(), "{\"nodes\":[]}");
}

#[test]
fn ctrl_c_leaves_running_and_waiting_jobs_for_the_next_start() {
    let options = ["--jobs", "1"];
    let mut server = Server::start(&options);
    let running = server.prompt(&sleeps(600, "a.txt"), "me");
    let waiting = server.prompt(&sleeps(20, "b.txt"), "me");
    thread::sleep(Duration::from_millis(100));
    server.interrupt_and_restart(&options);
    for id in [running, waiting] {
        assert_eq!(server.ended(&id)["status"], "completed");
    }
}
