//! `splatgraph run --store`.

use std::fs;

use serde_json::{Value as Json, json};

use crate::support::Place;
use crate::{counting, entries, node, tally};

const RUN: [&str; 4] = ["run", "count.json", "--store", "store"];

fn explained(place: &Place, more: &[&str]) -> String {
    let ran = place.run(&[&RUN[..], &["--explain"], more].concat());
    assert_eq!(ran.code, 0, "{}", ran.all());
    // Whether the file is read again depends on how long that took.
    let is_about_nodes = |line: &&str| ["letters ", "sum ", "save "].iter().any(|id| line.starts_with(id));
    let is_why = |line: &&str| ["ran:", "cached", "from"].iter().any(|why| line.contains(why));
    ran.stderr.lines().filter(is_about_nodes).filter(is_why).collect::<Vec<_>>().join("\n")
}

#[test]
fn another_process_takes_results_from_the_store() {
    let place = counting();
    assert_eq!(place.run(&RUN).code, 0);
    insta::assert_snapshot!(place.run(&RUN).all(), @"
    exit code 0
    --- stdout
    letters    3
    sum        4
    unchanged  in-copy.txt
    --- stderr
    letters unchanged
    sum unchanged
    save unchanged
    done: 0 nodes ran in [TIME], 2 from the store
    ");
    assert_eq!(tally(&place), 1);
    insta::assert_snapshot!(explained(&place, &["extra=2"]), @"
    letters  from the store
    sum      ran: its result was not in the store
    save     cached: its files have not changed
    ");
    assert_eq!(tally(&place), 1);
    place.write("in.txt", "abcd");
    insta::assert_snapshot!(explained(&place, &[]), @"
    letters  ran: its result was not in the store
    sum      ran: its result was not in the store
    save     ran: its result was not in the store
    ");
    assert_eq!(tally(&place), 2);
    assert_eq!(place.read("in-copy.txt"), "abcd");
}

#[test]
fn a_file_is_written_again_only_if_it_changed() {
    let place = counting();
    assert_eq!(place.run(&RUN).code, 0);
    for change in ["edited", "", "gone", "none"] {
        match change {
            "gone" => fs::remove_file(place.path("work/in-copy.txt")).unwrap(),
            "none" => {}
            text => fs::write(place.path("work/in-copy.txt"), text).unwrap(),
        }
        let report = place.run(&[&RUN[..], &["--json"]].concat()).stdout;
        let report: Json = serde_json::from_str(&report).unwrap();
        let count = |key: &str| report[key].as_array().unwrap().len();
        let expected = if change == "none" { (0, 1) } else { (1, 0) };
        assert_eq!((count("written"), count("unchanged")), expected, "{change}");
        assert_eq!(place.read("in-copy.txt"), "abc");
    }
    // Another folder has no file yet.
    assert_eq!(place.run(&[&RUN[..], &["--out", "other"]].concat()).code, 0);
    assert_eq!(place.read("other/in-copy.txt"), "abc");
    assert_eq!(tally(&place), 1);
}

#[test]
fn a_picture_is_written_again_without_its_graph() {
    let place = Place::with_stub();
    let image = node("PlainImage", json!({"size": 2}));
    let save = node("SavePicture", json!({"image": ["image", "image"], "path": "x.png"}));
    place.write("save.json", &json!({"nodes": {"image": image, "save": save}}).to_string());
    let save = |more: &[&str]| {
        let ran = place.run(&[&["run", "save.json", "--store", "store"], more].concat());
        assert_eq!(ran.code, 0, "{}", ran.all());
        (ran.stdout.trim_end().to_owned(), fs::read(place.path("work/x.png")).unwrap().len())
    };
    let with_graph = save(&[]);
    assert_eq!(with_graph.0, "wrote  x.png");
    assert_eq!(save(&[]), ("unchanged  x.png".to_owned(), with_graph.1));
    let why = place.run(&["why", "save.json", "save", "--no-metadata", "--store", "store"]);
    assert!(why.stdout.ends_with("\n  the graph that is written into pictures changed\n"), "{}", why.all());
    let without = save(&["--no-metadata"]);
    assert!(without.0 == "wrote  x.png" && without.1 < with_graph.1, "{without:?}");
    assert_eq!(save(&[]), with_graph);
}

#[cfg(unix)]
#[test]
fn a_file_that_changes_during_the_run_does_not_spoil_the_store() {
    let place = Place::with_stub();
    let nodes = json!({
        "wait": node("Sleep", json!({"ms": 1500})),
        "number": node("Letters", json!({"text": ["read", "text"]})),
        "read": node("ReadText", json!({"path": "in.txt"})),
        "sum": node("Add", json!({"a": ["number", "letters"], "b": ["wait", "ms"]})),
    });
    let outputs = json!({"letters": ["number", "letters"], "sum": ["sum", "sum"]});
    place.write("count.json", &json!({"outputs": outputs, "nodes": nodes}).to_string());
    place.write("in.txt", "abc");
    // With one thread, the file is read after the wait.
    let mut command = place.command(&[&RUN[..], &["--threads", "1"]].concat());
    let mut running = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let start = std::time::Instant::now();
    while !place.path("work/store/results-1/stub.Sleep").exists() {
        assert!(start.elapsed().as_secs() < 30 && running.try_wait().unwrap().is_none());
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    place.write("in.txt", "abcd");
    assert!(running.wait_with_output().unwrap().status.success());
    place.write("in.txt", "abc");
    assert!(place.run(&RUN).stdout.contains("letters  3"));
}

#[test]
fn damaged_entries_are_computed_again() {
    let place = counting();
    assert_eq!(place.run(&RUN).code, 0);
    let all: Vec<_> =
        ["stub.Letters", "stub.Add", "stub.WriteText"].iter().flat_map(|class| entries(&place, class)).collect();
    assert_eq!(all.len(), 3);
    for path in &all {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(path, bytes).unwrap();
    }
    let ran = place.run(&[&RUN[..], &["--quiet"]].concat());
    assert_eq!((ran.code, ran.stderr.as_str(), tally(&place)), (0, "", 2));
    assert_eq!(place.run(&RUN).code, 0);
    assert_eq!(tally(&place), 2);
}

#[test]
fn a_store_that_can_not_be_written_does_not_fail_a_run() {
    let place = counting();
    fs::create_dir(place.path("work/store")).unwrap();
    place.write("store/results-1", "a file in the place of the folder");
    // One after the other, so that the lines have one order.
    insta::assert_snapshot!(place.run(&[&RUN[..], &["--threads", "1"]].concat()).all(), @"
    exit code 0
    --- stdout
    letters  3
    sum      4
    wrote    in-copy.txt
    --- stderr
    warning: node `letters`: the store of results cannot be written: File exists (os error 17); the run keeps no further results: [DIR]/work/store
    read (stub.ReadText) ...
    read done in [TIME]
    letters (stub.Letters) ...
    letters done in [TIME]
    sum (stub.Add) ...
    sum done in [TIME]
    save (stub.WriteText) ...
    save done in [TIME]
    done: 4 nodes ran in [TIME]
    ");
    assert_eq!(place.run(&RUN).code, 0);
    assert_eq!(tally(&place), 2);
}

#[cfg(unix)]
#[test]
fn a_full_disk_does_not_fail_a_run() {
    let place = Place::with_stub();
    let tensor = node("MakeTensor", json!({}));
    place.write("count.json", &json!({"outputs": {"value": ["t", "value"]}, "nodes": {"t": tensor}}).to_string());
    // A limit on the size of files has the effect of a full disk, without root permissions.
    let mut command = place.command(&[]);
    let program = command.get_program().to_owned();
    let mut limited = std::process::Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 1000; exec \"$0\" \"$@\""]).arg(program).args(RUN);
    let set: Vec<_> = command.get_envs().filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned()))).collect();
    let ran = place.ran(&limited.envs(set).current_dir(place.path("work")).output().unwrap());
    insta::assert_snapshot!(ran.all(), @"
    exit code 0
    --- stdout
    value  DATA data [8388608]
    --- stderr
    t (stub.MakeTensor) ...
    warning: node `t`: the store of results cannot be written: File too large (os error 27); the run keeps no further results: [DIR]/work/store
    t done in [TIME]
    done: 1 node ran in [TIME]
    ");
    assert_eq!(entries(&place, "stub.MakeTensor").len(), 0);
    command.args(RUN);
    assert!(command.output().unwrap().status.success());
    assert_eq!(entries(&place, "stub.MakeTensor").len(), 1);
}

#[test]
fn mistakes_with_a_store_are_errors_in_words() {
    let place = counting();
    insta::assert_snapshot!(place.run(&["run", "count.json", "--store", "in.txt"]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: --store: expected a folder, got a file; name another folder
      [DIR]/work/in.txt
    ");
    insta::assert_snapshot!(place.run(&[&RUN[..], &["--store-size", "0"]].concat()).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: invalid value '0' for '--store-size <MB>': number would be zero for non-zero type
    ");
    let ran = place.ran(&place.command(&["run", "count.json"]).env("SPLATGRAPH_STORE", "in.txt").output().unwrap());
    assert!(ran.code == 2 && ran.stderr.contains("SPLATGRAPH_STORE: expected a folder"), "{}", ran.all());
}

#[test]
fn the_variable_names_a_store_and_debug_does_without() {
    let place = counting();
    for more in [&[][..], &["--debug", "seen"]] {
        let mut command = place.command(&[&["run", "count.json"], more].concat());
        assert!(command.env("SPLATGRAPH_STORE", place.path("work/store")).output().unwrap().status.success());
    }
    assert_eq!(tally(&place), 2);
    assert_eq!(place.run(&RUN).code, 0);
    assert_eq!(tally(&place), 2);
}

#[test]
fn another_library_with_the_same_version_is_other_code() {
    let place = counting();
    assert_eq!(place.run(&RUN).code, 0);
    let library = fs::read_dir(place.path("packs")).unwrap().next().unwrap().unwrap().path();
    // Bytes behind the end of a library change nothing in it.
    let bytes = [fs::read(&library).unwrap(), vec![0; 8]].concat();
    fs::write(&library, bytes).unwrap();
    insta::assert_snapshot!(place.run(&["why", "count.json", "sum", "--store", "store"]).stdout, @"
    sum: it would run. In the nearest result in the store, these are different:
      the library of the pack `stub` changed, and its version did not
    ");
    assert_eq!(place.run(&RUN).code, 0);
    assert_eq!(tally(&place), 2);
}

#[test]
fn a_small_store_keeps_what_was_used_last() {
    let place = Place::with_stub();
    let tensor = node("MakeTokens", json!({"count": 10_000}));
    let graph =
        json!({"inputs": {"v": "t.value"}, "outputs": {"tokens": ["t", "tokens"]}, "nodes": {"t": tensor}}).to_string();
    place.write("count.json", &graph);
    for value in 0..8 {
        let value = format!("v={value}");
        let ran = place.run(&["run", "count.json", &value, "--store", "store", "--store-size", "1"]);
        assert_eq!(ran.code, 0, "{}", ran.all());
    }
    // An entry has 320 kB.
    assert_eq!(entries(&place, "stub.MakeTokens").len(), 3);
}
