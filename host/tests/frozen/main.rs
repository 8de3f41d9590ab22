//! Packs that were built long ago: one of interface 1.0, and one of another interface generation.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use serde_json::{Value, json};
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

const HERE: &str = env!("CARGO_MANIFEST_DIR");

fn splatgraph(arguments: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_splatgraph"));
    command.args(arguments).current_dir(folder).env("NO_COLOR", "1").output().expect("splatgraph runs")
}

fn run_json(arguments: &[&str], folder: &Path) -> Value {
    let output = splatgraph(arguments, folder);
    assert!(output.status.success(), "{arguments:?}\n{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("--json prints JSON")
}

fn folder_with_frozen_pack(change: impl FnOnce(&mut Vec<u8>)) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut library = fs::read(Path::new(HERE).join("tests/frozen/abi-1.0-x86_64-linux.so")).unwrap();
    change(&mut library);
    fs::create_dir(folder.path().join("packs")).unwrap();
    fs::write(folder.path().join("packs/libfrozen.so"), library).unwrap();
    folder
}

#[test]
fn a_pack_of_interface_1_0_still_loads_and_runs() {
    let folder = folder_with_frozen_pack(|_| {});
    let graph = json!({
        "inputs": { "number": "change.number" },
        "outputs": { "number": ["change", "number"], "mean": ["look", "mean"], "text": ["look", "text"], "options": ["look", "options"], "count": ["count", "count"] },
        "nodes": {
            "change": { "class_type": "frozen.Change", "inputs": { "number": 21 } },
            "tone": { "class_type": "frozen.Tone", "inputs": {} },
            "look": { "class_type": "frozen.Look", "inputs": { "image": ["tone", "image"], "options": { "a": [1, 2] } } },
            "count": { "class_type": "frozen.Count", "inputs": { "any": ["look", "mean"] } },
        }
    });
    fs::write(folder.path().join("graph.json"), graph.to_string()).unwrap();
    let result = run_json(&["run", "graph.json", "--packs", "packs", "--json"], folder.path());
    assert_eq!(
        result["outputs"],
        json!({ "number": 42, "mean": 0.25, "text": "nameless", "options": { "a": [1, 2] }, "count": 1 })
    );

    let wrong = splatgraph(&["run", "graph.json", "number=1001", "--packs", "packs"], folder.path());
    assert_eq!(wrong.status.code(), Some(2), "{}", String::from_utf8_lossy(&wrong.stderr));
}

#[test]
fn its_errors_and_panics_are_still_understood() {
    let folder = folder_with_frozen_pack(|_| {});
    for (panic, expected) in [(false, "the frozen pack failed"), (true, "the frozen pack panicked")] {
        let graph = json!({
            "outputs": { "never": ["fail", "never"] },
            "nodes": { "fail": { "class_type": "frozen.Fail", "inputs": { "panic": panic } } }
        });
        fs::write(folder.path().join("graph.json"), graph.to_string()).unwrap();
        let output = splatgraph(&["run", "graph.json", "--packs", "packs"], folder.path());
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains(expected) && text.contains("frozen") && text.contains("src/lib.rs:"), "{text}");
    }
}

#[test]
fn a_pack_of_another_interface_generation_is_refused_with_both_versions() {
    let folder = folder_with_frozen_pack(|library| {
        // The stamp has its magic number, its size, and then the generation.
        let at = library.windows(8).position(|w| w == b"SPLATGR1").expect("the stamp's magic number");
        library[at + 12] = 2;
    });
    let output = splatgraph(&["packs", "--packs", "packs"], folder.path());
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let refused = text.lines().find(|l| l.contains("frozen")).unwrap_or_else(|| panic!("{text}"));
    let (before, after) = (refused.find(" (SDK").unwrap(), refused.find("); ").unwrap());
    let told = format!("{}{}", &refused[..before], &refused[after + 1..]);
    insta::assert_snapshot!(told.trim(), @"a pack cannot be loaded: expected interface 1.2, got 2.0 from frozen 1.0.0; update the host");
}
