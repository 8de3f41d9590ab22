//! Done means that the files are there, and an item that ends the process does not hold up the others.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::support::Place;
use crate::{copying, files, journal, node, texts};

const BATCH: [&str; 5] = ["batch", "copy.json", "file=in/*.txt", "--out", "out"];

fn result(place: &Place, arguments: &[&str]) -> (i32, Json) {
    let ran = place.run(&[arguments, &["--json"]].concat());
    (ran.code, serde_json::from_str(&ran.stdout).unwrap_or(Json::Null))
}

#[test]
fn items_whose_files_are_gone_or_empty_run_again() {
    let place = copying();
    texts(&place, &["a", "b", "c", "d"]);
    assert_eq!(place.run(&BATCH).code, 0);
    fs::remove_file(place.path("work/out/a.txt")).unwrap();
    fs::write(place.path("work/out/b.txt"), "").unwrap();
    fs::write(place.path("work/out/c.txt"), "edited").unwrap();
    insta::assert_snapshot!(place.run(&BATCH).all(), @"
    exit code 0
    --- stdout
    --- stderr
    2 items done before, 2 to run
    2 items run again, because files are gone
    done: 2 items in [TIME], 2 done before
    ");
    assert_eq!([place.read("out/a.txt"), place.read("out/b.txt")], ["a", "b"]);
    assert_eq!(place.read("out/c.txt"), "edited", "a file with content stays as it is");
    assert_eq!(result(&place, &BATCH).1["earlier"], 4);
}

#[test]
fn an_item_that_writes_an_empty_file_is_done() {
    let place = copying();
    place.write("in/empty.txt", "");
    assert_eq!(place.run(&BATCH).code, 0);
    assert_eq!(result(&place, &BATCH).1["earlier"], 1);
}

#[test]
fn shards_that_are_gone_are_made_again() {
    let place = Place::with_stub();
    let make = node("MakeTokens", json!({"count": 1}));
    let graph =
        json!({"inputs": {"value": "make.value"}, "outputs": {"tokens": ["make", "tokens"]}, "nodes": {"make": make}});
    place.write("tokens.json", &graph.to_string());
    let arguments = ["batch", "tokens.json", "value=0..5", "--collect", "tokens", "--shard", "3", "--out", "out"];
    assert_eq!(place.run(&arguments).code, 0);
    fs::remove_file(place.path("work/out/tokens-00000.safetensors")).unwrap();
    let (code, again) = result(&place, &arguments);
    assert_eq!((code, &again["done"], &again["earlier"]), (0, &3.into(), &3.into()));
    assert_eq!(result(&place, &arguments).1["earlier"], 6);
}

#[test]
fn a_folder_that_is_removed_while_the_batch_runs_is_no_success() {
    let place = Place::with_stub();
    let save = node("WriteSlowly", json!({"text": ["read", "text"], "path": "{stem}.txt"}));
    let read = node("ReadText", json!({"path": "none.txt"}));
    let graph = json!({"inputs": {"file": "read.path"}, "nodes": {"read": read, "save": save}});
    place.write("copy.json", &graph.to_string());
    let names: Vec<String> = (0..400).map(|number| format!("t{number:03}")).collect();
    texts(&place, &names.iter().map(String::as_str).collect::<Vec<_>>());
    let running = place.command(&[&BATCH[..], &["--jobs", "1"]].concat());
    let mut running = { running }.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    while !place.path("work/out/t003.txt").exists() {
        assert!(start.elapsed() < Duration::from_secs(30) && running.try_wait().unwrap().is_none());
        thread::sleep(Duration::from_millis(1));
    }
    fs::rename(place.path("work/out"), place.path("work/moved")).unwrap();
    let ran = place.ran(&running.wait_with_output().unwrap());
    insta::assert_snapshot!(ran.all(), @"
    exit code 1
    --- stdout
    --- stderr
    error: the journal was removed while the batch ran; the same command runs the items that are missing
      [DIR]/work/out/batch.jsonl
    ");
    assert_eq!(place.run(&BATCH).code, 0);
    assert_eq!(files(&place, "out").len(), 401);
}

#[test]
fn a_file_that_is_removed_while_the_batch_runs_is_no_success() {
    let place = Place::with_stub();
    // The last item waits until the test has removed the file of the first one.
    let read = node("ReadText", json!({"path": "none.txt"}));
    let letters = node("Letters", json!({"text": ["read", "text"]}));
    let wait = node("Sleep", json!({"ms": ["letters", "letters"]}));
    let save = node("WriteText", json!({"text": ["read", "text"], "path": "{stem}.txt"}));
    let graph = json!({
        "inputs": {"file": "read.path"},
        "outputs": {"ms": ["wait", "ms"]},
        "nodes": {"read": read, "letters": letters, "wait": wait, "save": save},
    });
    place.write("copy.json", &graph.to_string());
    place.write("in/a.txt", "a");
    place.write("in/b.txt", &"b".repeat(1500));
    let mut command = place.command(&[&BATCH[..], &["--jobs", "1"]].concat());
    let running = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    while !place.path("work/out/b.txt").exists() {
        assert!(start.elapsed() < Duration::from_secs(30));
        thread::sleep(Duration::from_millis(1));
    }
    fs::remove_file(place.path("work/out/a.txt")).unwrap();
    let ran = place.ran(&running.wait_with_output().unwrap());
    insta::assert_snapshot!(ran.all(), @"
    exit code 1
    --- stdout
    --- stderr
    error: item `a`: its files are gone; the same command makes them again
    done: 1 item in [TIME], 1 failed
    the same command with --retry-failed runs the failed items again
    ");
    assert_eq!(result(&place, &BATCH).0, 0);
}

/// Items of which one ends the process.
fn with_a_deadly_item() -> Place {
    let place = Place::with_stub();
    let read = node("ReadText", json!({"path": "none.txt"}));
    let die = node("Die", json!({"text": ["read", "text"]}));
    let save = node("WriteText", json!({"text": ["die", "text"], "path": "{stem}.txt"}));
    let graph = json!({"inputs": {"file": "read.path"}, "nodes": {"read": read, "die": die, "save": save}});
    place.write("copy.json", &graph.to_string());
    texts(&place, &["a", "b", "die", "e", "f"]);
    place
}

#[test]
fn an_item_during_which_the_process_died_twice_counts_as_failed() {
    let place = with_a_deadly_item();
    for jobs in ["1", "3"] {
        let _ = fs::remove_dir_all(place.path("work/out"));
        let arguments = [&BATCH[..], &["--jobs", jobs]].concat();
        let ended = place.command(&arguments).stderr(Stdio::null()).stdout(Stdio::null()).status().unwrap();
        assert_ne!(ended.code(), Some(0));
        // The second time, the item runs after all others, in another process.
        let ran = place.run(&arguments);
        assert_eq!(ran.code, 1);
        let error =
            "error: item `die`: ended the process twice: a node may crash or exit, or need more memory than there is";
        assert!(ran.stderr.contains(error), "{}", ran.stderr);
        assert_eq!(files(&place, "out"), ["a.txt", "b.txt", "batch.jsonl", "e.txt", "f.txt"]);
        // It stays failed, and runs again only on request.
        let (code, again) = result(&place, &arguments);
        assert_eq!((code, &again["earlier"]), (1, &4.into()));
        place.write("in/die.txt", "mended");
        assert_eq!(place.run(&[&arguments[..], &["--retry-failed"]].concat()).code, 0);
        assert_eq!(place.read("out/die.txt"), "mended");
        place.write("in/die.txt", "die");
    }
}

/// Two items that wait until somebody stops them.
fn waiting() -> Place {
    let place = Place::with_stub();
    let sleep = node("Sleep", json!({"ms": 2000}));
    let save = node("WriteText", json!({"text": ["sleep", "ms"], "path": "{index}.txt"}));
    let graph = json!({"inputs": {"ms": "sleep.ms"}, "nodes": {"sleep": sleep, "save": save}});
    place.write("wait.json", &graph.to_string());
    place
}

/// Starts a batch, and waits until it has started an item.
fn started(place: &Place, arguments: &[&str]) -> Child {
    let length = fs::read_to_string(place.path("work/out/batch.jsonl")).map_or(0, |text| text.len());
    let running = place.command(arguments).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    let has_started = |text: String| text.get(length..).is_some_and(|new| new.contains("started"));
    while !fs::read_to_string(place.path("work/out/batch.jsonl")).is_ok_and(has_started) {
        assert!(start.elapsed() < Duration::from_secs(30));
        thread::sleep(Duration::from_millis(1));
    }
    running
}

#[test]
fn an_item_that_was_running_when_somebody_killed_the_batch_is_not_to_blame() {
    let place = waiting();
    let arguments = ["batch", "wait.json", "ms=300,301", "--out", "out"];
    for _ in 0..3 {
        let mut running = started(&place, &arguments);
        thread::sleep(Duration::from_millis(100));
        running.kill().unwrap();
        running.wait().unwrap();
    }
    let ran = place.run(&arguments);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[test]
fn an_item_that_was_running_when_the_user_stopped_is_not_to_blame() {
    let place = waiting();
    let arguments = ["batch", "wait.json", "ms=400,401", "--out", "out"];
    for signal in ["-INT", "-HUP", "-TERM"] {
        let mut running = started(&place, &arguments);
        assert!(Command::new("kill").args([signal, &running.id().to_string()]).status().unwrap().success());
        let code = running.wait().unwrap().code();
        assert_eq!(
            code,
            Some(match signal {
                "-INT" => 130,
                "-HUP" => 129,
                _ => 143,
            })
        );
    }
    assert_eq!(place.run(&arguments).code, 0);
    assert_eq!(journal(&place, "out/batch.jsonl").len(), 2);
}

#[test]
fn a_name_with_a_placeholder_in_it_is_a_name() {
    let place = copying();
    texts(&place, &["p{b}", "p0", "{index}", "{stem}"]);
    assert_eq!(place.run(&BATCH).code, 0);
    assert_eq!(files(&place, "out"), ["batch.jsonl", "p0.txt", "p{b}.txt", "{index}.txt", "{stem}.txt"]);
    fs::create_dir(place.path("work/{b}")).unwrap();
    assert_eq!(place.run(&["batch", "copy.json", "file=in/p*.txt", "--out", "{b}"]).code, 0);
    assert_eq!(files(&place, "{b}"), ["batch.jsonl", "p0.txt", "p{b}.txt"]);
}

#[test]
fn a_durable_batch_gives_the_same_files() {
    let place = copying();
    texts(&place, &["a", "b"]);
    assert_eq!(place.run(&[&BATCH[..], &["--durable"]].concat()).code, 0);
    assert_eq!(files(&place, "out"), ["a.txt", "b.txt", "batch.jsonl"]);
}

#[test]
fn a_foreign_graph_replaces_no_file_of_others() {
    let place = copying();
    texts(&place, &["a", "b"]);
    let stdin = |arguments: &[&str]| {
        let graph = fs::File::open(place.path("work/copy.json")).unwrap();
        place.ran(&place.command(arguments).stdin(graph).output().unwrap())
    };
    let arguments = ["batch", "-", "file=in/*.txt", "--out", "out"];
    place.write("out/b.txt", "mine");
    insta::assert_snapshot!(stdin(&arguments).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: the item `b` would replace a file, and its graph comes from elsewhere
      [DIR]/work/out/b.txt
      --overwrite replaces it, --out names another folder
    ");
    assert_eq!(place.read("out/b.txt"), "mine");
    fs::remove_file(place.path("work/out/b.txt")).unwrap();
    assert_eq!(stdin(&arguments).code, 0);
    // Its own files are no strangers.
    fs::write(place.path("work/out/b.txt"), "").unwrap();
    assert_eq!(stdin(&arguments).code, 0);
    assert_eq!(place.read("out/b.txt"), "b");
    fs::remove_file(place.path("work/out/batch.jsonl")).unwrap();
    assert_eq!(stdin(&arguments).code, 2);
    assert_eq!(stdin(&[&arguments[..], &["--overwrite"]].concat()).code, 0);
}

#[test]
fn a_name_that_is_not_unicode_is_an_error_that_names_the_file() {
    use std::os::unix::ffi::OsStrExt;
    let place = copying();
    texts(&place, &["a"]);
    let name = std::ffi::OsStr::from_bytes(b"b\xff.txt");
    fs::write(place.path("work/in").join(name), "b").unwrap();
    insta::assert_snapshot!(place.run(&BATCH).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: `file=in/*.txt` matches a file whose name is not Unicode; rename the file
      in/b\u{fffd}.txt
    ");
    // Other files are not affected.
    assert_eq!(place.run(&["batch", "copy.json", "file=in/a*.txt", "--out", "out"]).code, 0);
}
