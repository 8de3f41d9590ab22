//! Events of jobs.

use crate::{node, server::Server, sleeps, writes};
use serde_json::{Value as Json, json};

fn names(events: &[(String, Json)]) -> Vec<&str> {
    events.iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn events_tell_how_a_job_goes() {
    let server = Server::start(&[]);
    let mut socket = server.socket("me");
    let (name, first) = socket.next();
    assert_eq!((name.as_str(), &first["sid"]), ("status", &json!("me")));
    let id = server.prompt(&writes(7, "seven.txt"), "me");
    let events = socket.until_end(&id);
    assert_eq!(
        names(&events),
        ["execution_start", "execution_cached", "executing", "executed", "execution_success", "executing"]
    );
    assert_eq!(events[3].1["output"]["files"][0]["filename"], "seven.txt");
    assert!(events.iter().all(|(_, data)| data["prompt_id"] == id));
    let id = server.prompt(&writes(7, "seven.txt"), "me");
    let events = socket.until_end(&id);
    assert_eq!(names(&events), ["execution_start", "execution_cached", "executed", "execution_success", "executing"]);
    assert_eq!(events[1].1["nodes"], json!(["1", "2"]));
    assert_eq!(events[2].1["output"]["files"][0]["filename"], "seven.txt");
}

#[test]
fn a_client_that_posts_first_and_connects_after_still_gets_its_events() {
    let server = Server::start(&[]);
    let id = server.prompt(&writes(7, "seven.txt"), "late");
    server.ended(&id);
    let mut socket = server.socket("late");
    let events = socket.until_end(&id);
    assert!(names(&events).contains(&"execution_success"), "{events:?}");
    // Not those of others.
    let other = server.prompt(&writes(8, "eight.txt"), "other");
    server.ended(&other);
    let id = server.prompt(&writes(9, "nine.txt"), "late");
    assert!(socket.until_end(&id).iter().all(|(_, data)| data["prompt_id"] == id));
}

#[test]
fn progress_is_told_rarely_and_in_the_form_that_the_client_knows() {
    let server = Server::start(&[]);
    let (mut plain, mut front_end, mut ours) = (server.socket("plain"), server.socket("front"), server.socket("ours"));
    front_end.send(&json!({"type": "feature_flags", "data": {"supports_preview_metadata": true}}));
    ours.send(&json!({"type": "feature_flags", "data": {"supports_preview_metadata": true, "splatgraph": true}}));
    for socket in [&mut front_end, &mut ours] {
        while socket.next().0 != "feature_flags" {}
    }
    let count = |events: &[(String, Json)], name: &str| events.iter().filter(|(event, _)| event == name).count();
    let run = |socket: &mut crate::server::Socket, client: &str, ms: u64| {
        let id = server.prompt(&sleeps(ms, &format!("{client}.txt")), client);
        socket.until_end(&id)
    };
    let events = run(&mut plain, "plain", 1000);
    assert!((4..=16).contains(&count(&events, "progress")), "{events:?}");
    assert_eq!(count(&events, "progress_state"), 0);
    let events = run(&mut front_end, "front", 1005);
    assert!((4..=16).contains(&count(&events, "progress_state")), "{events:?}");
    assert_eq!((count(&events, "progress"), count(&events, "node_finished")), (0, 0));
    let (_, state) = events.iter().find(|(name, _)| name == "progress_state").unwrap();
    assert_eq!((&state["nodes"]["1"]["state"], &state["nodes"]["1"]["max"]), (&json!("running"), &json!(201)));
    let events = run(&mut ours, "ours", 1010);
    assert_eq!(count(&events, "node_finished"), 2);
    let (_, finished) = events.iter().find(|(name, _)| name == "node_finished").unwrap();
    assert_eq!((&finished["node"], &finished["cached"]), (&json!("1"), &json!(false)));
    assert_eq!(finished["outputs"], json!([{"name": "ms", "type": "INT"}]));
}

#[test]
fn previews_go_only_to_clients_that_ask_for_them() {
    let server = Server::start(&[]);
    let (mut plain, mut front_end) = (server.socket("plain"), server.socket("front"));
    front_end.send(&json!({"type": "feature_flags", "data": {"supports_preview_metadata": true}}));
    while front_end.next().0 != "feature_flags" {}
    let shows = |file: &str| {
        json!({
            "1": node("Show", json!({"count": 4, "ms": 110})),
            "2": node("WriteText", json!({"text": ["1", 0], "path": file})),
        })
    };
    let id = server.prompt(&shows("a.txt"), "plain");
    assert!(!names(&plain.until_end(&id)).contains(&"binary"));
    assert_eq!(server.result("a.txt"), "0");
    // Whether somebody looks does not change results, so another file name is needed for another run.
    let mut again = shows("b.txt");
    again["1"]["inputs"]["count"] = 5.into();
    let id = server.prompt(&again, "front");
    let events = front_end.until_end(&id);
    let previews: Vec<&Json> = events.iter().filter(|(name, _)| name == "binary").map(|(_, data)| data).collect();
    assert!(previews.len() >= 4, "{events:?}");
    // The last one is the result.
    let widths: Vec<&Json> = previews.iter().map(|preview| &preview["width"]).collect();
    assert_eq!((widths[0], widths[widths.len() - 2], widths[widths.len() - 1]), (&json!(2), &json!(2), &json!(1)));
    assert_eq!((&previews[0]["kind"], &previews[0]["is_png"]), (&json!(4), &json!(true)));
    assert_eq!((&previews[0]["about"]["node_id"], &previews[0]["about"]["prompt_id"]), (&json!("1"), &json!(id)));
    // It has the name of its output, with which clients find it later.
    let outputs: Vec<&Json> = previews.iter().map(|preview| &preview["about"]["output"]).collect();
    let (last, unfinished) = outputs.split_last().unwrap();
    assert!(**last == json!("picture") && unfinished.iter().all(|output| output.is_null()), "{outputs:?}");
    assert_eq!(server.result("b.txt"), "5");
}

#[test]
fn a_request_says_whether_it_wants_previews_and_need_not_wait_for_its_socket() {
    let server = Server::start(&[]);
    let previews = |method: &str, count: u32, understands_before: bool| {
        let mut socket = server.socket("page");
        let says = json!({"type": "feature_flags", "data": {"supports_preview_metadata": true}});
        let shows = json!({
            "1": node("Show", json!({"count": count, "ms": 110})),
            "2": node("WriteText", json!({"text": ["1", 0], "path": format!("{count}.txt")})),
        });
        if understands_before {
            socket.send(&says);
            while socket.next().0 != "feature_flags" {}
        }
        let body = json!({"prompt": shows, "client_id": "page", "extra_data": {"preview_method": method}});
        let id = server.post("/prompt", &body).json()["prompt_id"].as_str().unwrap().to_owned();
        socket.send(&says);
        names(&socket.until_end(&id)).iter().filter(|name| **name == "binary").count()
    };
    assert!(previews("auto", 4, false) >= 3);
    assert_eq!(previews("none", 5, true), 0);
    assert!(previews("default", 6, true) >= 4);
}
