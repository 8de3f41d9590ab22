//! Nodes that end the process.

use serde_json::json;

use crate::support::Place;
use crate::{act, add, write_graph};

#[test]
fn a_node_that_ends_the_process_is_named_and_never_a_success() {
    let place = Place::new();
    add(&place, 0, "honest");
    let exit = "error: the process was ended by a call of `exit` during the node `bad` (hostile_00.ActNow)";
    for deed in ["exit-0", "exit-3", "exit-0-in-a-thread"] {
        for options in [&[][..], &["--quiet"], &["--json"]] {
            let ran = act(&place, deed, options);
            assert!(ran.code == 1 && ran.stderr.lines().any(|line| line == exit), "{deed}: {}", ran.all());
            assert_eq!(ran.stdout, "", "{deed}");
        }
    }
    // A signal has no exit code.
    for (deed, signal) in [("abort", "SIGABRT"), ("segv", "SIGSEGV"), ("overflow", "SIGSEGV"), ("kill", "")] {
        let ran = act(&place, deed, &[]);
        assert_eq!(ran.code, -1, "{deed}: {}", ran.all());
        let note =
            format!("error: the process was ended by the signal {signal} during the node `bad` (hostile_00.ActNow)");
        assert_eq!(ran.stderr.matches(&note).count(), usize::from(deed != "kill"), "{deed}: {}", ran.all());
        assert_eq!(ran.stderr.matches("the process was ended").count(), usize::from(deed != "kill"), "{deed}");
    }
    let ran = act(&place, "overflow", &[]);
    assert!(ran.stderr.contains("has overflowed its stack"), "the runtime says its part: {}", ran.stderr);
}

#[test]
fn every_command_that_runs_nodes_names_them() {
    let place = Place::new();
    add(&place, 0, "honest");
    write_graph(&place, "ActNow", json!({"deed": "exit-0"}));
    for command in
        [&["batch", "bad.json", "--set", "bad.deed=exit-0"][..], &["bench", "bad.json"], &["watch", "bad.json"]]
    {
        let ran = place.run(command);
        assert!(
            ran.code == 1 && ran.stderr.contains("during the node `bad` (hostile_00.ActNow)"),
            "{command:?}: {}",
            ran.all()
        );
    }
}

#[test]
fn a_pack_that_ends_the_process_outside_of_nodes_is_named() {
    let place = Place::new();
    add(&place, 0, "devices-exit-0");
    let ran = act(&place, "", &[]);
    let note = "error: the process was ended by a call of `exit` during the list of devices of the pack `hostile_00`\n";
    assert!(ran.code == 1 && ran.stderr.ends_with(note), "{}", ran.all());

    // It passes the look-over, and crashes when it is opened.
    add(&place, 0, "open-second-abort");
    let ran = place.command(&["nodes"]).env("HOSTILE_TRACE", place.path("trace")).output().unwrap();
    assert_eq!(place.ran(&ran).code, 0);
    let ran = place.command(&["run", "bad.json"]).env("HOSTILE_TRACE", place.path("trace")).output().unwrap();
    let ran = place.ran(&ran);
    let note = "error: the process was ended by the signal SIGABRT during the opening of the pack `hostile_00`\n";
    assert!(ran.code == -1 && ran.stderr.ends_with(note), "{}", ran.all());
}

#[test]
fn a_process_that_a_pack_forks_ends_in_its_own_way() {
    let place = Place::new();
    add(&place, 0, "honest");
    let ran = act(&place, "fork-exit-7", &[]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert!(!ran.stderr.contains("the process was ended"), "{}", ran.stderr);
}
