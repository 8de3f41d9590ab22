//! Prompts, the queue and the history.

use crate::{node, server::Server, sleeps, writes};
use serde_json::{Value as Json, json};
use std::{thread, time::Duration};

#[test]
fn a_prompt_runs_and_stands_in_the_history() {
    let server = Server::start(&[]);
    let id = server.prompt(&writes(7, "seven.txt"), "me");
    let job = server.ended(&id);
    assert_eq!(job["status"], "completed", "{job:#}");
    assert_eq!(server.result("seven.txt"), "7");
    let shown = json!({"files": [{"filename": "seven.txt", "subfolder": "", "type": "output"}]});
    let history = server.get("/api/history").json();
    assert_eq!(history[&id]["outputs"]["2"], shown);
    assert_eq!(history[&id]["status"]["status_str"], "success");
    assert_eq!(history[&id]["prompt"][1], *id);
    assert_eq!(server.get(&format!("/history/{id}")).json()[&id], history[&id]);
    assert_eq!(server.get("/history/no-such-job").json(), json!({}));
    assert_eq!(job["outputs"]["2"], shown);
    assert_eq!(job["preview_output"]["filename"], "seven.txt");
    let explained = server.get(&format!("/api/explain/{id}")).json();
    assert_eq!(explained["nodes"][0]["why"], "ran: first time");
    assert_eq!(server.post("/history", &json!({"delete": [id]})).status, 200);
    assert_eq!(server.get("/history").json(), json!({}));
}

#[test]
fn an_unlisted_job_runs_for_any_node_and_only_its_client_hears_of_it() {
    let server = Server::start(&[]);
    let (mut mine, mut other) = (server.socket("me"), server.socket("other"));
    while mine.next().0 != "status" {}
    while other.next().0 != "status" {}
    let asks = |targets: Json| json!({"prompt": writes(7, "a.txt"), "client_id": "me", "unlisted": true, "partial_execution_targets": targets});
    let answer = server.post("/prompt", &asks(json!(["1"]))).json();
    let id = answer["prompt_id"].as_str().unwrap();
    let events = mine.until_end(id);
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert!(!names.contains(&"status") && names.contains(&"execution_success"), "{names:?}");
    assert_eq!(server.get(&format!("/values/{id}/1/value")).json(), 7);
    assert!(server.result_names().is_empty());
    assert_eq!(server.get("/history").json(), json!({}));
    assert_eq!(server.get("/jobs").json()["jobs"], json!([]));
    assert_eq!(server.get(&format!("/jobs/{id}")).status, 404);
    // The next that the other client hears of is the next listed job.
    let listed = server.prompt(&sleeps(300, "b.txt"), "me");
    let (name, status) = other.next();
    assert_eq!((name.as_str(), &status["status"]["exec_info"]["queue_remaining"]), ("status", &json!(1)));
    while server.get("/queue").json()["queue_running"] == json!([]) {
        thread::sleep(Duration::from_millis(2));
    }
    // One that waits is not in the queue, and stays when that is cleared.
    let waits = server.post("/prompt", &asks(json!(["1", "2"]))).json()["prompt_id"].as_str().unwrap().to_owned();
    assert_eq!(server.get("/queue").json()["queue_pending"], json!([]));
    assert_eq!(server.post("/queue", &json!({"clear": true})).status, 200);
    assert_eq!(server.ended(&listed)["status"], "completed");
    mine.until_end(&waits);
    assert_eq!(server.result("a.txt"), "7");
    // A listed job runs for output nodes only.
    let listed = json!({"prompt": writes(7, "a.txt"), "partial_execution_targets": ["1"]});
    assert_eq!(server.post("/prompt", &listed).status, 400);
}

#[test]
fn a_later_job_never_replaces_the_result_of_an_earlier_one() {
    let server = Server::start(&[]);
    for number in [1, 2, 2, 1, 3] {
        let id = server.prompt(&writes(number, "a.txt"), "me");
        assert_eq!(server.ended(&id)["status"], "completed");
    }
    assert_eq!(server.result_names(), ["a-1.txt", "a-2.txt", "a-3.txt", "a.txt"]);
    let contents = ["a.txt", "a-1.txt", "a-2.txt", "a-3.txt"].map(|name| server.result(name));
    // The third job found its result there, and ran nothing.
    assert_eq!(contents, ["1", "2", "1", "3"]);
    let jobs = server.get("/jobs?sort_order=asc").json();
    let third = jobs["jobs"][2]["id"].as_str().unwrap();
    let nodes = server.get(&format!("/explain/{third}")).json();
    assert_eq!(nodes["nodes"][1]["why"], "cached: its files have not changed");
    assert_eq!(server.ended(third)["outputs"]["2"]["files"][0]["filename"], "a-1.txt");
}

#[test]
fn all_problems_come_at_once_and_good_outputs_run() {
    let server = Server::start(&[]);
    let bad = json!({
        "1": node("Constant", json!({"value": 5000})),
        "2": node("Add", json!({"a": ["1", 0], "b": "many"})),
        "3": node("WriteText", json!({"text": ["2", 0], "path": "bad.txt"})),
        "4": node("WriteText", json!({"text": ["9", 0], "path": "worse.txt"})),
        "5": node("Constant", json!({"value": "not needed"})),
    });
    let answer = server.post("/prompt", &json!({"prompt": bad}));
    assert_eq!(answer.status, 400);
    let answer = answer.json();
    assert_eq!(answer["error"]["type"], "prompt_outputs_failed_validation");
    let errors = |answer: &Json| -> Vec<String> {
        let nodes = answer["node_errors"].as_object().unwrap();
        let errors = nodes.iter().flat_map(|(node, about)| {
            about["errors"].as_array().unwrap().iter().map(move |error| {
                format!(
                    "{node} {} {} {}: {}",
                    about["dependent_outputs"], error["type"], error["details"], error["message"]
                )
            })
        });
        errors.collect()
    };
    insta::assert_snapshot!(errors(&answer).join("\n"), @r#"
    1 ["3"] "value_bigger_than_max" "value": "expected a whole number from -1000 to 1000, got 5000"
    2 ["3"] "invalid_input_type" "b": "expected a whole number, got the text \"many\""
    4 ["4"] "bad_linked_input" "text": "the link [\"9\", 0] needs a node `9`, which the graph does not have; did you mean `1`?"
    "#);
    let mut some = bad;
    some["6"] = node("WriteText", json!({"text": "good", "path": "good.txt"}));
    let answer = server.post("/prompt", &json!({"prompt": some})).json();
    assert_eq!(errors(&answer).len(), 3);
    let id = answer["prompt_id"].as_str().unwrap();
    assert_eq!(server.ended(id)["status"], "completed");
    assert_eq!(server.result_names(), ["good.txt"]);
}

#[test]
fn a_prompt_that_is_none_says_what_is_expected() {
    let server = Server::start(&[]);
    let refused = |body: Json| {
        let answer = server.post("/prompt", &body);
        assert_eq!(answer.status, 400);
        let error = &answer.json()["error"];
        format!("{}: {} {}", error["type"], error["message"], error["details"])
    };
    insta::assert_snapshot!(refused(json!({})), @r#""no_prompt": "expected the key `prompt`, got none" """#);
    insta::assert_snapshot!(refused(json!({"prompt": 3})), @r#""invalid_prompt": "`prompt`: expected an object of nodes, got a number" """#);
    insta::assert_snapshot!(refused(json!({"prompt": {}, "prompt_id": "1"})), @r#""invalid_prompt_id": "`prompt_id`: expected a UUID in lower case" """#);
    insta::assert_snapshot!(refused(json!({"prompt": {"7": node("Nothing", json!({}))}})), @r#""invalid_prompt": "a node has an unknown class" "Node ID '#7': the pack `stub` has no node `Nothing`; `splatgraph nodes stub` lists its nodes""#);
    insta::assert_snapshot!(refused(json!({"prompt": {"7": node("Constant", json!({}))}})), @r#""prompt_no_outputs": "the prompt has nothing to run for" "expected a node that writes or shows something, such as WriteText, SavePicture, WriteSlowly; got none""#);
    insta::assert_snapshot!(refused(json!({"prompt": writes(1, "a.txt"), "partial_execution_targets": ["1"]})), @r#""prompt_no_outputs": "the prompt has nothing to run for" "expected a node that writes or shows something, such as WriteText, SavePicture, WriteSlowly; got none""#);
    insta::assert_snapshot!(refused(json!({"prompt": writes(1, "../a.txt")})), @r#""prompt_outputs_failed_validation": "the prompt has problems" "node `2` (stub.WriteText), input `path`: a graph from elsewhere may write only below the folder for output: got \"../a.txt\"; give the path on the command line, or save the graph as a file of its own""#);
}

#[test]
fn jobs_run_in_the_order_of_their_numbers() {
    let server = Server::start(&["--jobs", "1"]);
    let first = server.prompt(&sleeps(1500, "first.txt"), "me");
    // A job that comes before the first one runs could overtake it.
    while server.get("/queue").json()["queue_running"] == json!([]) {
        thread::sleep(Duration::from_millis(10));
    }
    for (file, extra) in [("a.txt", json!({})), ("b.txt", json!({"front": true})), ("c.txt", json!({"number": -5000}))]
    {
        let mut body = json!({"prompt": writes(1, file)});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        assert_eq!(server.post("/prompt", &body).status, 200);
    }
    let queue = server.get("/queue").json();
    assert_eq!(queue["queue_running"][0][1], *first);
    let waiting: Vec<&str> = queue["queue_pending"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item[2]["2"]["inputs"]["path"].as_str().unwrap())
        .collect();
    assert_eq!(waiting, ["c.txt", "b.txt", "a.txt"]);
    server.idle();
    let jobs = server.get("/jobs?status=completed").json();
    let mut jobs: Vec<Json> = jobs["jobs"].as_array().unwrap().clone();
    jobs.sort_by_key(|job| job["execution_start_time"].as_u64());
    let order: Vec<&str> = jobs.iter().map(|job| job["preview_output"]["filename"].as_str().unwrap()).collect();
    assert_eq!(order, ["first.txt", "c.txt", "b.txt", "a.txt"]);
}

#[test]
fn several_jobs_run_at_once() {
    let server = Server::start(&["--jobs", "4"]);
    let start = std::time::Instant::now();
    // The same time would be the same result.
    for (file, ms) in [("a.txt", 400), ("b.txt", 405), ("c.txt", 410), ("d.txt", 415)] {
        server.prompt(&sleeps(ms, file), "me");
    }
    server.idle();
    assert!(start.elapsed().as_millis() < 1200, "{:?}", start.elapsed());
    assert_eq!(server.result_names().len(), 4);
}

#[test]
fn running_and_waiting_jobs_are_cancelled() {
    let server = Server::start(&["--jobs", "1"]);
    let endless = json!({
        "1": node("Endless", json!({})),
        "2": node("WriteText", json!({"text": ["1", 0], "path": "never.txt"})),
    });
    let mut socket = server.socket("me");
    socket.send(&json!({"type": "feature_flags", "data": {"splatgraph": true}}));
    while socket.next().0 != "feature_flags" {}
    let running = server.prompt(&endless, "me");
    let [deleted, cleared] = ["deleted.txt", "cleared.txt"].map(|file| server.prompt(&writes(1, file), "me"));
    while socket.next().0 != "executing" {}
    // Our pages hear of a job that will not run, so that they do not wait for its end.
    let mut stopped = |id: &str| {
        let (_, about) =
            std::iter::repeat_with(|| socket.next()).find(|(name, _)| name == "execution_interrupted").unwrap();
        assert_eq!(about["prompt_id"], *id, "{about}");
    };
    assert_eq!(server.post("/queue", &json!({"delete": [deleted]})).status, 200);
    assert_eq!(server.get(&format!("/jobs/{deleted}")).status, 404);
    stopped(&deleted);
    assert_eq!(server.post("/queue", &json!({"clear": true})).status, 200);
    stopped(&cleared);
    let waiting = server.prompt(&writes(1, "waits.txt"), "me");
    let answer = server.post("/api/jobs/cancel", &json!({"job_ids": [waiting, running]}));
    assert_eq!(answer.json(), json!({"cancelled": true}));
    stopped(&waiting);
    let names: Vec<String> = socket.until_end(&running).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["execution_interrupted", "executing"]);
    for id in [&running, &waiting] {
        assert_eq!(server.ended(id)["status"], "cancelled");
    }
    assert!(server.result_names().is_empty());
    // Again is no error.
    assert_eq!(server.post(&format!("/jobs/{running}/cancel"), &json!({})).status, 200);
    let again = server.prompt(&endless, "me");
    while socket.next().0 != "executing" {}
    assert_eq!(server.post("/interrupt", &json!({})).status, 200);
    assert_eq!(server.ended(&again)["status"], "cancelled");
}

#[test]
fn a_node_that_fails_is_named_and_the_next_job_runs() {
    let server = Server::start(&[]);
    let mut socket = server.socket("me");
    for (class, message) in [("Fails", "the stub fails on purpose"), ("Panics", "the stub panics on purpose")] {
        let prompt = json!({
            "5": node(class, json!({})),
            "6": node("WriteText", json!({"text": ["5", 0], "path": "never.txt"})),
        });
        let id = server.prompt(&prompt, "me");
        let events = socket.until_end(&id);
        let (_, error) = events.iter().find(|(name, _)| name == "execution_error").unwrap();
        assert_eq!((&error["node_id"], &error["node_type"]), (&json!("5"), &json!(format!("stub.{class}"))));
        assert!(error["exception_message"].as_str().unwrap().contains(message), "{error}");
        let job = server.ended(&id);
        assert_eq!((&job["status"], &job["execution_error"]), (&json!("failed"), error));
    }
    let id = server.prompt(&writes(1, "fine.txt"), "me");
    assert_eq!(server.ended(&id)["status"], "completed");
}
