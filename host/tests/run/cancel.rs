//! Cancelling a run.

use super::{arithmetic, checked, run, runner, statuses};
use serde_json::json;
use splatgraph::run::{CancelToken, Event, RunResult, Settings, Status};
use splatgraph_sdk::Value;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

const GRAPH: &str = r#"{"outputs": {"a": ["after", 0], "b": ["b", 0]}, "nodes": {
    "a": {"class_type": "t.Work"},
    "after": {"class_type": "t.Add", "inputs": {"a": ["a", 0], "b": ["a", 0]}},
    "b": {"class_type": "t.Number", "inputs": {"value": 1}}}}"#;

/// Cancels as soon as `a` has started and `b` is done.
fn cancelled_run(
    work: impl Fn(&splatgraph_sdk::Ctx) -> splatgraph_sdk::Result<Vec<Value>> + Send + Sync + 'static,
) -> (RunResult, Duration) {
    let spec = json!({ "name": "Work", "outputs": [{ "name": "x", "type": "INT" }] });
    let pack = arithmetic().node(spec, move |ctx, _| work(ctx));
    let (token, seen) = (CancelToken::new(), AtomicUsize::new(0));
    let cancelled_at = Arc::new(std::sync::Mutex::new(None));
    let events = {
        let (token, cancelled_at) = (token.clone(), cancelled_at.clone());
        move |event: Event| {
            let counts = match event {
                Event::Started { node } => &*node == "a",
                Event::Finished { node, .. } => &*node == "b",
                _ => false,
            };
            if counts && seen.fetch_add(1, Ordering::SeqCst) == 1 {
                *cancelled_at.lock().unwrap() = Some(Instant::now());
                token.cancel();
            }
        }
    };
    let result = runner(2, 0).run(&checked(GRAPH, &pack.registry()), &Settings::new(), events, &token);
    let took = cancelled_at.lock().unwrap().expect("it was cancelled").elapsed();
    (result, took)
}

#[test]
fn a_node_that_listens_stops_at_once() {
    let (result, took) = cancelled_run(|ctx| {
        loop {
            ctx.step(0, 0)?;
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    assert!(result.cancelled && result.failures.is_empty());
    let expected = [("a", Status::Cancelled), ("after", Status::Cancelled), ("b", Status::Done)];
    assert_eq!(statuses(&result), expected.map(|(id, status)| (id.to_owned(), status)));
    assert_eq!(result.outputs.len(), 1, "what was done is there");
    assert!(took < Duration::from_millis(500), "{took:?}");
}

#[test]
fn a_node_that_does_not_listen_is_abandoned_within_a_second() {
    let end = Arc::new(AtomicBool::new(false));
    let for_node = end.clone();
    let (result, took) = cancelled_run(move |_| {
        while !for_node.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(vec![Value::int(0)])
    });
    assert_eq!(result.abandoned().map(|id| &**id).collect::<Vec<_>>(), ["a"]);
    assert!(result.cancelled);
    assert!(took < Duration::from_secs(1), "{took:?}");
    end.store(true, Ordering::SeqCst);
}

#[test]
fn a_node_that_saves_has_any_time() {
    let spec = json!({ "name": "Work", "saves": true, "outputs": [{ "name": "x", "type": "INT" }] });
    let saved = Arc::new(AtomicBool::new(false));
    let for_node = saved.clone();
    let pack = arithmetic().node(spec, move |ctx, _| {
        while !ctx.cancelled() {
            std::thread::sleep(Duration::from_millis(5));
        }
        // It ends a step and saves, which takes longer than other nodes have.
        std::thread::sleep(Duration::from_millis(1500));
        for_node.store(true, Ordering::SeqCst);
        Err(splatgraph_sdk::Error::cancelled())
    });
    let token = CancelToken::new();
    let for_event = token.clone();
    let events = move |event| {
        if matches!(event, Event::Started { .. }) {
            for_event.cancel();
        }
    };
    let text = r#"{"outputs": {"a": ["a", 0]}, "nodes": {"a": {"class_type": "t.Work"}}}"#;
    let result = runner(1, 0).run(&checked(text, &pack.registry()), &Settings::new(), events, &token);
    assert!(saved.load(Ordering::SeqCst) && result.cancelled);
    assert_eq!((result.abandoned().count(), result.failures.len()), (0, 0));
    assert_eq!(statuses(&result), [("a".to_owned(), Status::Cancelled)]);
}

#[test]
fn a_token_that_was_used_runs_nothing() {
    let token = CancelToken::new();
    token.cancel();
    let text = r#"{"outputs": {"b": ["b", 0]}, "nodes": {"b": {"class_type": "t.Number", "inputs": {"value": 1}}}}"#;
    let checked = checked(text, &arithmetic().registry());
    let runner = runner(2, 0);
    let result = runner.run(&checked, &Settings::new(), |_| {}, &token);
    assert_eq!((result.cancelled, result.outputs.len()), (true, 0));
    // The runner still works with another token.
    assert_eq!(run(&runner, &checked).outputs.len(), 1);
}

#[test]
fn cancelling_after_the_end_changes_nothing() {
    let text = r#"{"outputs": {"b": ["b", 0]}, "nodes": {"b": {"class_type": "t.Number", "inputs": {"value": 1}}}}"#;
    let token = CancelToken::new();
    let for_event = token.clone();
    let events = move |event| {
        if matches!(event, Event::Finished { .. }) {
            for_event.cancel();
        }
    };
    let result = runner(1, 0).run(&checked(text, &arithmetic().registry()), &Settings::new(), events, &token);
    assert_eq!((result.cancelled, result.outputs.len()), (false, 1));
}
