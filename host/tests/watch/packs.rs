//! Packs that change while a watch uses them.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::support::{Place, example_pack};
use crate::{Watching, node, ran, write_graph};

/// Another version of the pack `stub`, whose node `EveryKind` returns another word.
fn version(word: &str) -> Vec<u8> {
    let mut bytes = fs::read(example_pack("stub_pack")).unwrap();
    let said = b"hello";
    assert_eq!(word.len(), said.len());
    let found: Vec<usize> = (0..bytes.len() - said.len()).filter(|&at| bytes[at..].starts_with(said)).collect();
    for at in found {
        bytes[at..at + said.len()].copy_from_slice(word.as_bytes());
    }
    bytes
}

fn write(library: &Path, bytes: &[u8]) {
    fs::write(library, bytes).unwrap();
}

#[test]
fn a_pack_that_is_written_over_is_reloaded() {
    let place = Place::with_stub();
    let library = place.path("packs/libstub_pack.so");
    let nodes = json!({"every": node("EveryKind", json!({"numbers": {"__value__": []}}))});
    write_graph(&place, nodes, json!(["every", 0]));
    let watching = Watching::start(&place, &[]);
    assert_eq!(watching.done()["outputs"]["result"], "0.5 true hello left [] false");
    // Written in place, as by a copy.
    write(&library, &version("world"));
    let round = watching.done();
    assert_eq!(round["outputs"]["result"], "0.5 true world left [] false");
    assert_eq!(round["nodes"][0]["why"], "ran: its pack was reloaded");
    assert_eq!(ran(&round), ["every"]);
    let changed = round["changed"][0].as_str().unwrap();
    assert!(changed.ends_with("packs/libstub_pack.so"), "messages name the original: {changed}");

    // Half of a library: the old version stays in use, with a warning.
    let new = version("other");
    write(&library, &new[..new.len() / 2]);
    watching.stays_quiet();
    let log = fs::read_to_string(place.path("log")).unwrap();
    assert!(log.contains("; its last version stays in use\n"), "{log}");
    write(&library, &new);
    assert_eq!(watching.done()["outputs"]["result"], "0.5 true other left [] false");

    // Renamed into place, as by `packs add`.
    let beside = place.path("packs/new");
    write(&beside, &version("again"));
    fs::rename(&beside, &library).unwrap();
    assert_eq!(watching.done()["outputs"]["result"], "0.5 true again left [] false");
    assert_eq!(
        fs::read_dir(std::env::temp_dir()).unwrap().count(),
        fs::read_dir(std::env::temp_dir()).unwrap().count()
    );
}

#[test]
fn packs_come_and_go() {
    let place = Place::new();
    let nodes = json!({"every": node("EveryKind", json!({"numbers": {"__value__": []}}))});
    write_graph(&place, nodes, json!(["every", 0]));
    let watching = Watching::start(&place, &[]);
    assert_eq!(watching.next()["problems"][0]["kind"], "missing_pack");
    // The folder did not exist either.
    let library = place.add_pack("stub_pack", "data/splatgraph/packs");
    watching.done();
    fs::remove_file(&library).unwrap();
    assert_eq!(watching.next()["problems"][0]["kind"], "missing_pack");
    place.add_pack("stub_pack", "packs");
    watching.done();
}

/// A Python with numpy: the one that SPLATGRAPH_PYTHON names, the one of `.ci/quick`, or `python3`.
#[cfg(unix)]
fn python() -> Option<std::path::PathBuf> {
    let named = std::env::var_os("SPLATGRAPH_PYTHON").map(std::path::PathBuf::from);
    let of_ci = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.venv-ci/bin/python");
    named.into_iter().chain([of_ci, "python3".into()]).find(|python| {
        let tried = std::process::Command::new(python).args(["-c", "import numpy"]).output();
        tried.is_ok_and(|tried| tried.status.success())
    })
}

#[test]
#[cfg(unix)]
fn a_pack_in_python_that_is_edited_is_reloaded() {
    let Some(python) = python() else {
        println!("skipped: no Python with numpy; set SPLATGRAPH_PYTHON");
        return;
    };
    let place = Place::with_stub();
    let text = |result: &str| {
        format!(
            "from splatgraph import node\n\n\n@node\ndef word(number: int = 3) -> str:\n    \"A word.\"\n    return {result}\n"
        )
    };
    // Writes the module that the worker needs.
    let file = place.write("snake.py", &text("'first'"));
    let added = place.run(&["packs", "add", file.to_str().unwrap(), "--python", python.to_str().unwrap()]);
    assert_eq!(added.code, 0, "{}", added.all());
    let source = place.path("data/splatgraph/packs/snake.py");
    let nodes = json!({"word": {"class_type": "snake.Word", "inputs": {}}});
    write_graph(&place, nodes, json!(["word", 0]));
    let watching = Watching::start(&place, &[]);
    assert_eq!(watching.done()["outputs"]["result"], "first");

    fs::write(&source, text("f'second {number}'")).unwrap();
    let round = watching.done();
    assert_eq!(round["outputs"]["result"], "second 3");
    assert_eq!(round["nodes"][0]["why"], "ran: its pack was reloaded");

    // A file that cannot be read: the old version stays in use, with a warning.
    fs::write(&source, "def word(:\n").unwrap();
    let start = std::time::Instant::now();
    let warned = |log: &str| log.contains("SyntaxError") && log.contains("; its last version stays in use\n");
    while !warned(&fs::read_to_string(place.path("log")).unwrap()) {
        let log = fs::read_to_string(place.path("log")).unwrap();
        assert!(start.elapsed() < std::time::Duration::from_secs(20), "{log}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    watching.stays_quiet();

    // Another input is part of the next check.
    fs::write(&source, text("f'third {number + 1}'").replace("int = 3", "int = 4")).unwrap();
    assert_eq!(watching.done()["outputs"]["result"], "third 5");
}
