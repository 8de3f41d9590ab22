//! Packs that misbehave while they are looked over.

use std::fs;
use std::time::Instant;

use splatgraph::packs::LOOK_OVER_LIMIT;

use crate::support::{Place, Ran};
use crate::{GRAPH, add, write_graph};

/// Modes that fail the look-over, and modes that pass it. The mode of the pack `hostile_07` is the eighth.
const FAILING: [&str; 13] = [
    "open-exit-0",
    "open-abort",
    "open-segv",
    "open-hang",
    "open-quick-exit-0",
    "list-exit-0",
    "list-exit-3",
    "list-abort",
    "list-overflow",
    "list-kill",
    "list-panic",
    "list-huge",
    "list-child",
];
const PASSING: [&str; 5] = ["list-close-all", "open-print", "list-print", "list-umask", "list-move"];

fn with_all() -> Place {
    let place = Place::with_stub();
    for (number, mode) in FAILING.iter().chain(&PASSING).enumerate() {
        add(&place, number, mode);
    }
    place
}

/// The output without the warnings about hostile packs, which have two lines each.
fn calm(ran: Ran) -> String {
    let mut lines = ran.stderr.lines();
    let mut rest = String::new();
    while let Some(line) = lines.next() {
        if line.starts_with("warning: a pack cannot be loaded: ") {
            assert!(lines.next().is_some_and(|path| path.contains("/packs/libhostile_")), "{}", ran.stderr);
        } else {
            rest += line;
            rest.push('\n');
        }
    }
    Ran { stderr: rest, ..ran }.all()
}

#[test]
fn no_command_is_affected_that_does_not_name_them() {
    let (clean, all) = (Place::with_stub(), with_all());
    for place in [&clean, &all] {
        place.write("graph.json", GRAPH);
        place.write("record.json", r#"{"1": {"class_type": "Constant", "inputs": {"value": 1}}}"#);
    }
    let commands: [&[&str]; 14] = [
        &["nodes", "stub"],
        &["nodes", "stub.Add"],
        &["nodes", "Stubborn"],
        &["check", "graph.json"],
        &["run", "graph.json", "--quiet"],
        &["run", "graph.json", "--help"],
        &["run", "graph.json", "--swap", "add=stub.Constant"],
        &["batch", "graph.json", "--set", "add.a=5", "--quiet"],
        &["bench", "missing.json"],
        &["watch", "missing.json"],
        &["draw", "graph.json"],
        &["convert", "record.json"],
        &["inspect", "graph.json"],
        &["packs", "remove", "stubb"],
    ];
    for command in commands {
        assert_eq!(calm(all.run(command)), calm(clean.run(command)), "{command:?}");
    }
    // The one that hangs is waited for in the first command.
    let start = Instant::now();
    let nodes = all.run(&["nodes"]);
    assert!(nodes.code == 0 && start.elapsed() < LOOK_OVER_LIMIT, "{:?}", start.elapsed());
    assert!(nodes.stdout.contains("stub.Add") && nodes.stdout.contains("hostile_17.ActNow"), "{}", nodes.stdout);
}

#[test]
fn the_list_of_packs_has_the_reasons_and_a_graph_that_names_one_gets_its_reason() {
    let place = with_all();
    let refused = place.run(&["packs"]).stdout;
    let refused = refused.split_once("Refused\n").unwrap().1;
    // The manifest of the build names its compiler, and its length is that of all nodes of the pack.
    let refused = refused.lines().map(|line| match line.split_once(" (SDK ") {
        Some((before, after)) => format!("{before} (SDK{}\n", after.split_once(')').unwrap().1),
        None => format!("{line}\n"),
    });
    let refused = refused.map(|line| match line.split_once("16777216 bytes, got 2000") {
        Some((before, rest)) if rest.trim().parse::<u32>().is_ok() => format!("{before}16777216 bytes, got 2000..\n"),
        _ => line,
    });
    let refused: String = refused.collect();
    insta::assert_snapshot!(refused.replace("; remove it, or tell its author. `splatgraph packs` looks it over again", "; .."), @r#"
    a pack cannot be loaded: it ended the process with exit code 0 while it was opened; ..
      [DIR]/packs/libhostile_00.so
    a pack cannot be loaded: it ended the process by signal 6 (SIGABRT) while it was opened; ..
      [DIR]/packs/libhostile_01.so
    a pack cannot be loaded: it ended the process by signal 11 (SIGSEGV) while it was opened; ..
      [DIR]/packs/libhostile_02.so
    a pack cannot be loaded: it was not opened within 5 seconds; ..
      [DIR]/packs/libhostile_03.so
    a pack cannot be loaded: it ended the process with exit code 0 while it was opened; ..
      [DIR]/packs/libhostile_04.so
    a pack cannot be loaded: it ended the process with exit code 0 while it listed its nodes; ..
      [DIR]/packs/libhostile_05.so
    a pack cannot be loaded: it ended the process with exit code 3 while it listed its nodes; ..
      [DIR]/packs/libhostile_06.so
    a pack cannot be loaded: it ended the process by signal 6 (SIGABRT) while it listed its nodes; ..
      [DIR]/packs/libhostile_07.so
    a pack cannot be loaded: it ended the process by signal 6 (SIGABRT) while it listed its nodes; ..
      [DIR]/packs/libhostile_08.so
    a pack cannot be loaded: it ended the process by signal 9 (SIGKILL) while it listed its nodes; ..
      [DIR]/packs/libhostile_09.so
    a pack cannot be loaded: the manifest of hostile_10 0.1.0 (SDK) cannot be read: the pack failed to list its nodes: the hostile pack panics on purpose
      [DIR]/packs/libhostile_10.so
    a pack cannot be loaded: the manifest of hostile_11 0.1.0 (SDK) is too long: expected at most 16777216 bytes, got 2000..
      [DIR]/packs/libhostile_11.so
    a pack cannot be loaded: it ended the process with exit code 0 while it listed its nodes; ..
      [DIR]/packs/libhostile_12.so
    "#);

    for (number, reason) in
        [(0, "with exit code 0 while it was opened"), (7, "by signal 6 (SIGABRT) while it listed its nodes")]
    {
        let node = format!(r#"{{"class_type": "hostile_{number:02}.ActNow", "inputs": {{}}}}"#);
        place.write("bad.json", &format!(r#"{{"outputs": {{"value": ["bad", 0]}}, "nodes": {{"bad": {node}}}}}"#));
        let ran = place.run(&["run", "bad.json"]);
        let error = ran.stderr.lines().find(|line| line.starts_with("error")).unwrap();
        let expected =
            format!("needs the pack `hostile_{number:02}`, which cannot be loaded: it ended the process {reason}");
        assert!(ran.code == 3 && error.contains(&expected), "{error}");
        assert!(error.contains(&format!("[DIR]/packs/libhostile_{number:02}.so")), "{error}");
    }
}

#[test]
fn a_hostile_pack_is_not_added_and_can_be_removed() {
    let place = Place::with_stub();
    for (number, mode) in FAILING.iter().enumerate().filter(|(_, mode)| !mode.ends_with("hang")) {
        let library = add(&place, number, mode);
        fs::rename(&library, place.path("work/download.so")).unwrap();
        let ran = place.run(&["packs", "add", "download.so"]);
        assert!(ran.code == 1 && ran.stderr.starts_with("error: the pack cannot be added: "), "{mode}: {}", ran.all());
        let folder = place.path("data/splatgraph/packs");
        let left = fs::read_dir(&folder).map_or(0, Iterator::count);
        assert_eq!(left, 0, "{mode}: nothing is left");
        fs::create_dir_all(&folder).unwrap();
        // As somebody may have copied it by hand.
        fs::rename(place.path("work/download.so"), folder.join("by_hand.so")).unwrap();
        let ran = place.run(&["packs", "remove", &format!("hostile_{number:02}")]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{mode}: {}", ran.all());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "{mode}");
    }
}

#[test]
fn removing_opens_no_library() {
    let place = Place::new();
    let library = add(&place, 1, "open-touch");
    let folder = place.path("data/splatgraph/packs");
    fs::create_dir_all(&folder).unwrap();
    fs::rename(library, folder.join("any.so")).unwrap();
    add(&place, 2, "open-touch");
    let ran =
        place.command(&["packs", "remove", "hostile_01"]).env("HOSTILE_TRACE", place.path("trace")).output().unwrap();
    assert_eq!(ran.status.code(), Some(0));
    assert!(!place.path("trace").exists());
}

#[test]
fn only_the_packs_that_a_graph_names_are_opened() {
    let place = Place::with_stub();
    add(&place, 0, "open-touch");
    place.write("graph.json", GRAPH);
    let trace = place.path("trace");
    let opens = |arguments: &[&str]| {
        let _ = fs::remove_file(&trace);
        let ran = place.command(arguments).env("HOSTILE_TRACE", &trace).output().unwrap();
        assert_eq!(ran.status.code(), Some(0), "{}", String::from_utf8_lossy(&ran.stderr));
        trace.exists()
    };
    assert!(opens(&["nodes"]), "it is looked over once");
    for command in [&["nodes"][..], &["packs"], &["schema"], &["check", "graph.json"], &["run", "graph.json"]] {
        assert!(!opens(command), "{command:?}");
    }
    place.write(
        "bad.json",
        r#"{"outputs": {"value": ["bad", 0]}, "nodes": {"bad": {"class_type": "hostile_00.ActNow", "inputs": {}}}}"#,
    );
    assert!(!opens(&["check", "bad.json"]));
    assert!(opens(&["run", "bad.json"]));
}

#[test]
fn a_pack_that_was_late_once_is_looked_over_again_for_a_graph_that_names_it() {
    let place = Place::with_stub();
    add(&place, 0, "open-first-hang");
    place.write("graph.json", GRAPH);
    write_graph(&place, "ActNow", serde_json::json!({}));
    let run = |arguments: &[&str]| {
        let start = Instant::now();
        let ran = place.command(arguments).env("HOSTILE_TRACE", place.path("trace")).output().unwrap();
        (place.ran(&ran), start.elapsed() < LOOK_OVER_LIMIT)
    };
    let late = "a pack cannot be loaded: it was not opened within 5 seconds";
    let (ran, quick) = run(&["run", "graph.json"]);
    assert!(ran.code == 0 && ran.stderr.contains(late) && !quick, "{}", ran.all());
    let (ran, quick) = run(&["run", "graph.json"]);
    assert!(ran.code == 0 && ran.stderr.contains(late) && quick, "the graph does not need it: {}", ran.all());
    let (ran, _) = run(&["run", "bad.json", "--quiet"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let (ran, _) = run(&["nodes", "hostile_00"]);
    assert!(ran.code == 0 && ran.stderr.is_empty() && ran.stdout.contains("ActNow"), "{}", ran.all());
}

#[test]
fn a_pack_that_ends_the_process_for_its_devices_leaves_out_only_its_own() {
    let place = Place::new();
    place.add_pack("second_pack", "packs");
    let modes =
        ["devices-exit-0", "devices-abort", "devices-print", "devices-panic", "devices-close-all", "open-abort"];
    for (number, mode) in modes.iter().enumerate() {
        add(&place, number, mode);
    }
    let ran = place.run(&["devices"]);
    insta::assert_snapshot!(ran.all(), @"
    exit code 0
    --- stdout
    second
      gpu:0  Steam 1          unavailable: its fan is broken; repair it
      gpu:1  Steam 2          used only on request
      cpu    Abacus   3.0 GB
    --- stderr
    warning: a pack cannot be loaded: it ended the process by signal 6 (SIGABRT) while it was opened; remove it, or tell its author. `splatgraph packs` looks it over again
      [DIR]/packs/libhostile_05.so
    warning: the pack `hostile_00` cannot list its devices: it ended the process with exit code 0 while it listed its devices
    warning: the pack `hostile_01` cannot list its devices: it ended the process by signal 6 (SIGABRT) while it listed its devices
    warning: the pack `hostile_03` cannot list its devices: the pack failed to look for devices: the hostile pack panics on purpose
    ");
    let json: serde_json::Value = serde_json::from_str(&place.run(&["devices", "--json"]).stdout).unwrap();
    assert_eq!(json.as_object().unwrap().keys().collect::<Vec<_>>(), ["second"]);
}
