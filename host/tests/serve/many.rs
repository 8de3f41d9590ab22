//! Many jobs, and clients that do not read.

use crate::{node, server::Server};
use serde_json::json;
use std::{collections::HashSet, net::TcpStream, sync::Mutex, thread, time::Duration};

#[test]
fn many_jobs_of_many_clients_are_all_there_although_one_client_is_stuck() {
    // SPLATGRAPH_JOBS=10000 is what a release runs.
    let jobs: usize = std::env::var("SPLATGRAPH_JOBS").map_or(400, |text| text.parse().unwrap());
    let server = Server::start(&["--jobs", "2"]);
    let stuck = server.socket("client-0");
    let ids = Mutex::new(HashSet::new());
    let prompt = |client: usize, number: usize| {
        json!({
            "1": node("Constant", json!({"value": number % 1000})),
            "2": node("Add", json!({"a": ["1", 0], "b": number + client * jobs})),
            "3": node("WriteText", json!({"text": ["2", 0], "path": format!("{client}-{number}.txt")})),
        })
    };
    thread::scope(|scope| {
        for client in 0..8 {
            let (server, ids) = (&server, &ids);
            scope.spawn(move || {
                for number in 0..jobs / 8 {
                    let id = server.prompt(&prompt(client, number), &format!("client-{client}"));
                    assert!(ids.lock().unwrap().insert(id));
                }
            });
        }
    });
    #[cfg(target_os = "linux")]
    let before = server.memory();
    server.idle();
    let mut seen = HashSet::new();
    for offset in (0..jobs).step_by(1000) {
        let page = server.get(&format!("/jobs?limit=1000&offset={offset}")).json();
        assert_eq!(page["pagination"]["total"], jobs);
        for job in page["jobs"].as_array().unwrap() {
            assert_eq!(job["status"], "completed", "{job:#}");
            assert!(seen.insert(job["id"].as_str().unwrap().to_owned()), "no job is there twice");
        }
    }
    assert_eq!(seen, ids.into_inner().unwrap());
    for client in 0..8 {
        for number in 0..jobs / 8 {
            let expected = number % 1000 + number + client * jobs;
            assert_eq!(server.result(&format!("{client}-{number}.txt")), expected.to_string());
        }
    }
    #[cfg(target_os = "linux")]
    {
        let after = server.memory();
        assert!(after < before + (64 << 20), "memory grew from {before} to {after} bytes");
        println!("{jobs} jobs: {} MB, then {} MB", before >> 20, after >> 20);
    }
    drop(stuck);
}

#[test]
fn clients_that_break_off_leave_nothing_behind() {
    let server = Server::start(&[]);
    for number in 0..200 {
        let mut socket = server.socket(&format!("gone-{number}"));
        socket.send(&json!({"type": "feature_flags", "data": {"splatgraph": true}}));
        drop(socket);
        drop(TcpStream::connect(server.host()).unwrap());
    }
    thread::sleep(Duration::from_millis(200));
    #[cfg(target_os = "linux")]
    {
        let memory = server.memory();
        assert!(memory < 100 << 20, "{memory} bytes");
    }
    let id = server.prompt(&crate::writes(1, "fine.txt"), "me");
    assert_eq!(server.ended(&id)["status"], "completed");
}
