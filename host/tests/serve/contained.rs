//! Packs in processes of their own behind a server: whatever a job does, the server lives and the jobs of others end.
//!
//! `SPLATGRAPH_ROUNDS=10 cargo test --test serve contained -- --nocapture` does each deed 10 times and prints the table.
#![cfg(target_os = "linux")]

use crate::server::Server;
use crate::support::{Place, example_pack};
use crate::writes;
use serde_json::{Value as Json, json};
use std::fs;

/// Whether the node of the deed fails, and the deed.
const DEEDS: &[(bool, &str)] = &[
    (true, "exit-0"),
    (true, "exit-3"),
    (true, "quick-exit-0"),
    (true, "exit-0-in-a-thread"),
    (true, "abort"),
    (true, "segv"),
    (true, "ill"),
    (true, "fpe"),
    (true, "bus"),
    (true, "kill"),
    (true, "kill-group"),
    (true, "overflow"),
    (true, "stop"),
    (true, "hang"),
    (true, "spin"),
    (true, "ignore-signals"),
    (true, "print-without-end"),
    (true, "memory"),
    (true, "child"),
    (true, "fork-holds-socket"),
    (true, "close-all"),
    (true, "panic"),
    (false, "thread-crashes-later"),
    (false, "thread-goes-on"),
    (false, "close-std"),
    (false, "print-much"),
    (false, "move"),
    (false, "umask"),
    (false, "no-files"),
];

/// A prompt with a node of the pack `hostile_00`, whose output goes into a file.
fn acts(class: &str, inputs: Json, file: &str) -> Json {
    json!({
        "1": {"class_type": format!("hostile_00.{class}"), "inputs": inputs},
        "2": {"class_type": "stub.WriteText", "inputs": {"text": ["1", 0], "path": file}},
    })
}

#[test]
fn no_job_is_lost_whatever_a_contained_pack_does() {
    let place = Place::with_stub();
    fs::copy(example_pack("hostile_pack"), place.path("packs").join("libhostile_00.so")).unwrap();
    let server = Server::at(place, &["--contain", "hostile_00", "--node-timeout", "0.5", "--pack-memory", "600"]);
    let rounds = std::env::var("SPLATGRAPH_ROUNDS").ok().and_then(|rounds| rounds.parse::<u32>().ok()).unwrap_or(1);
    let kept = |number: u32| {
        let mut prompt = acts("TakeOut", json!({"kept": ["3", 0], "ms": 20}), &format!("own-{number}.txt"));
        prompt["3"] = json!({"class_type": "hostile_00.Keep", "inputs": {"number": number}});
        prompt
    };
    let before = server.memory();
    let mut faults = Vec::new();
    let mut number = 0;
    for (fails, deed) in DEEDS {
        let mut right = 0;
        for _ in 0..rounds {
            number += 1;
            let bad = server.prompt(&acts("ActNow", json!({"deed": deed}), &format!("bad-{number}.txt")), "bad");
            // Another job of the same pack, and one of another pack.
            let own = server.prompt(&kept(number), "own");
            let other = server.prompt(&writes(i64::from(number), &format!("other-{number}.txt")), "other");
            let statuses =
                [&bad, &own, &other].map(|id| server.ended(id)["status"].as_str().unwrap_or_default().to_owned());
            let expected = if *fails { "failed" } else { "completed" };
            let results = [format!("own-{number}.txt"), format!("other-{number}.txt")].map(|name| server.result(&name));
            let is_right = statuses == [expected, "completed", "completed"]
                && results.iter().all(|text| text.trim() == number.to_string());
            match is_right {
                true => right += 1,
                false => faults.push(format!("{deed}: {statuses:?} {results:?} {:#}", server.ended(&bad))),
            }
        }
        println!("{deed:<22} {right}/{rounds} server {} MB", server.memory() >> 20);
    }
    println!("server before {} MB, after {} MB", before >> 20, server.memory() >> 20);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(server.memory() < before + (100 << 20), "memory of the server");
}
