//! How long the server takes for what is not the work of nodes. The limits are wide, as tests run side by side; `--nocapture` shows
//! the times.

use crate::{node, server::Server};
use serde_json::{Map, json};
use std::time::{Duration, Instant};

#[test]
fn a_chain_of_a_thousand_nodes_is_fast_and_says_little() {
    let server = Server::start(&[]);
    let mut chain = Map::new();
    chain.insert("0".into(), node("Constant", json!({"value": 1})));
    for number in 1..1000 {
        chain.insert(number.to_string(), node("Add", json!({"a": [(number - 1).to_string(), 0], "b": 1})));
    }
    chain.insert("save".into(), node("WriteText", json!({"text": ["999", 0], "path": "chain.txt"})));
    let mut socket = server.socket("me");
    let mut run = || {
        let (start, before) = (Instant::now(), socket.bytes);
        let id = server.prompt(&chain.clone().into(), "me");
        let events = socket.until_end(&id);
        assert!(events.iter().any(|(name, _)| name == "execution_success"));
        (start.elapsed(), socket.bytes - before)
    };
    let (fresh, bytes) = run();
    let mut cached: Vec<Duration> = (0..5).map(|_| run().0).collect();
    cached.sort();
    println!("1001 nodes: {fresh:?} and {bytes} bytes, again {:?}", cached[2]);
    assert_eq!(server.result_names(), ["chain.txt"]);
    assert_eq!(server.result("chain.txt"), "1000");
    assert!(fresh < Duration::from_secs(1), "{fresh:?}");
    assert!(cached[2] < Duration::from_millis(300), "{cached:?}");
    assert!(bytes < 200_000, "{bytes}");
}

#[test]
fn the_first_answer_comes_soon_after_the_start() {
    // The packs are known.
    let place = crate::support::Place::with_stub();
    assert_eq!(place.run(&["nodes"]).code, 0);
    let start = Instant::now();
    let server = Server::at(place, &[]);
    let answer = server.get("/object_info");
    let elapsed = start.elapsed();
    assert!(answer.text().contains("stub.Constant"));
    println!("first /object_info after {elapsed:?}");
    assert!(elapsed < Duration::from_secs(2), "{elapsed:?}");
    #[cfg(target_os = "linux")]
    {
        println!("idle: {} MB", server.memory() >> 20);
        assert!(server.memory() < 60 << 20, "{} bytes", server.memory());
    }
}
