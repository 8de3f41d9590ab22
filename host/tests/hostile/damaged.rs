//! Damaged libraries.

use std::fs;

use crate::GRAPH;
use crate::support::{Place, example_pack};

/// The next of a row of numbers that looks random.
fn next(state: &mut u64) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as usize
}

/// A damaged copy of a library: cut, with garbage at places of its headers or anywhere, or with a part of zeros.
fn damaged(whole: &[u8], number: usize, state: &mut u64) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    let length = bytes.len();
    match number % 6 {
        0 => bytes.truncate(next(state) % length),
        1 => (0..8).for_each(|_| bytes[next(state) % 64] = next(state) as u8),
        // Headers of segments, and the tables of the loader behind them.
        2 => (0..8).for_each(|_| bytes[64 + next(state) % 640] = next(state) as u8),
        3 => (0..200).for_each(|_| bytes[next(state) % length.min(200_000)] = next(state) as u8),
        4 => (0..2000).for_each(|_| bytes[next(state) % length] = next(state) as u8),
        _ => {
            let start = next(state) % length;
            let end = length.min(start + 100_000);
            bytes[start..end].fill(0);
        }
    }
    bytes
}

#[test]
fn damaged_libraries_disturb_no_command() {
    const LIBRARIES: usize = 72;
    let place = Place::with_stub();
    place.write("graph.json", GRAPH);
    let calm = place.run(&["run", "graph.json", "--quiet", "--json"]);
    assert_eq!(calm.code, 0);
    let whole = fs::read(example_pack("second_pack")).unwrap();
    let mut state = 17;
    for number in 0..LIBRARIES {
        // Each in a folder of its own, as several may still be the pack `second`.
        let folder = place.path(&format!("packs-{number}"));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("libsecond.so"), damaged(&whole, number, &mut state)).unwrap();
    }
    let folders: Vec<String> = (0..LIBRARIES).map(|number| format!("--packs=../packs-{number}")).collect();
    let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
    for command in [&["nodes"][..], &["check", "graph.json"], &["run", "graph.json", "--quiet"], &["packs"]] {
        let ran = place.run(&[command, &folders].concat());
        assert_eq!(ran.code, 0, "{command:?}: {}", ran.all());
    }
    // A graph that uses one gets an error, a right result or a note of the end of the process, but no false success.
    place.write(
        "second.json",
        r#"{"outputs": {"bits": ["told", "bits"]}, "nodes": {"told": {"class_type": "second.Told", "inputs": {}}}}"#,
    );
    for folder in folders {
        let ran = place.run(&["run", "second.json", "--quiet", "--json", folder]);
        let right = ran.code == 0 && ran.stdout.contains("\"bits\": 32.0");
        // A node that fails is told in the JSON, anything else on stderr.
        let told = ran.stderr.contains("error") || ran.stdout.contains("\"status\": \"failed\"");
        assert!(right || ran.code != 0 && told, "{folder}: {}", ran.all());
    }
}
