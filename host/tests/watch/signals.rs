//! Signals that end a watch.

use std::process::Command;

use serde_json::json;

use crate::support::Place;
use crate::{Watching, node, write_graph};

fn interrupt(watching: &Watching) {
    let sent = Command::new("kill").args(["-INT", &watching.child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn ctrl_c_between_runs_is_the_normal_end() {
    let place = Place::with_stub();
    write_graph(&place, json!({"n": node("Constant", json!({"value": 1}))}), json!(["n", 0]));
    let mut watching = Watching::start(&place, &[]);
    watching.done();
    interrupt(&watching);
    assert_eq!(watching.child.wait().unwrap().code(), Some(0));
}

#[test]
fn ctrl_c_in_a_run_cancels_it() {
    let place = Place::with_stub();
    let nodes = json!({"bad": node("Endless", json!({})), "add": node("Add", json!({"a": ["bad", 0]}))});
    write_graph(&place, nodes, json!(["add", 0]));
    let mut watching = Watching::start(&place, &[]);
    std::thread::sleep(std::time::Duration::from_millis(300));
    interrupt(&watching);
    assert_eq!(watching.next()["status"], "cancelled");
    assert_eq!(watching.child.wait().unwrap().code(), Some(130));
}
