//! Nodes that change the process, and nodes with very long results.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value as Json, json};

use crate::support::{Place, Ran};
use crate::{act, add, write_graph};

/// A place with a hostile pack whose graph does `deed` and then writes the file `file`.
fn place() -> Place {
    let place = Place::with_stub();
    add(&place, 0, "honest");
    place
}

fn act_and_write(place: &Place, deed: &str, options: &[&str]) -> Ran {
    let graph = json!({"outputs": {"value": ["bad", 0]}, "nodes": {
        "bad": {"class_type": "hostile_00.ActNow", "inputs": {"deed": deed}},
        "save": {"class_type": "stub.WriteText", "inputs": {"text": ["bad", 0], "path": "file"}}}});
    place.write("bad.json", &graph.to_string());
    place.run(&[&["run", "bad.json"], options].concat())
}

#[test]
fn a_pack_that_prints_does_not_break_json() {
    let place = place();
    let ran = act(&place, "print", &["--json"]);
    let printed: Json = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((ran.code, &printed["outputs"]["value"]), (0, &json!(1)));
    assert_eq!(ran.stderr, "the hostile pack prints to stdout\n");
    let ran = act(&place, "print", &[]);
    assert_eq!(ran.stdout, "value  1\n");
    let ran = place.run(&["batch", "bad.json", "--set", "bad.deed=print", "--json"]);
    assert_eq!(serde_json::from_str::<Json>(&ran.stdout).unwrap()["done"], 1, "{}", ran.all());
}

#[test]
fn what_a_node_changes_is_put_back_and_told() {
    let place = place();
    for (deed, told) in [
        (
            "umask",
            "warning: node `bad`: the umask was changed from 022 to 000 during this node or just before; it is put back\n",
        ),
        (
            "move",
            "warning: node `bad`: the working directory was changed to / during this node or just before; it is put back\n",
        ),
        (
            "close-1",
            "warning: node `bad`: the standard input or output was closed or changed during this node or just before; it is put back\n",
        ),
        (
            "close-std",
            "warning: node `bad`: the standard input or output was closed or changed during this node or just before; it is put back\n",
        ),
    ] {
        let _ = fs::remove_file(place.path("work/file"));
        let ran = act_and_write(&place, deed, &["--json"]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, told), "{deed}");
        assert_eq!(serde_json::from_str::<Json>(&ran.stdout).unwrap()["outputs"]["value"], 1, "{deed}");
        assert_eq!(place.path("work/file").metadata().unwrap().permissions().mode() & 0o777, 0o644, "{deed}");
        assert_eq!(place.read("file"), "1", "{deed}");
    }
}

#[test]
fn a_pack_that_closes_the_files_of_the_program_is_no_success() {
    let place = place();
    for options in [&[][..], &["--json"], &["--quiet"]] {
        let ran = act(&place, "close-all", options);
        // Threads of the program may need these files before the node ends.
        let told = ["error: a pack closed files that belong to the program", "error: the process was ended by"];
        let is_told = told.iter().any(|told| ran.stderr.contains(told));
        assert!(ran.code != 0 && is_told, "{}", ran.all());
    }
}

#[test]
fn long_errors_lists_and_texts_are_shortened() {
    let place = place();
    write_graph(&place, "LongError", json!({}));
    let ran = place.run(&["run", "bad.json"]);
    assert!(ran.code == 1 && ran.stderr.len() < 10_000, "{} bytes", ran.stderr.len());
    assert!(ran.stderr.contains("eee ... (the first 4000 of 200000000 bytes) [hostile_00 0.1.0"), "{}", ran.stderr);
    let json: Json = serde_json::from_str(&place.run(&["run", "bad.json", "--json"]).stdout).unwrap();
    assert!(json["failures"][0]["message"].as_str().unwrap().len() < 10_000);
    let ran = place.run(&["batch", "bad.json", "--set", "bad.deed=x"]);
    assert!(ran.stderr.len() < 10_000, "{} bytes", ran.stderr.len());

    write_graph(&place, "LongList", json!({}));
    let ran = place.run(&["run", "bad.json"]);
    assert!(ran.code == 0 && ran.stdout.len() < 200_000, "{} bytes", ran.stdout.len());
    assert!(ran.stdout.ends_with("7,7,7] ... (25000000 values)\n"), "{}", &ran.stdout[..100]);
    let json: Json = serde_json::from_str(&place.run(&["run", "bad.json", "--json"]).stdout).unwrap();
    assert_eq!(json["outputs"]["value"], json!({"type": "a list", "length": 25_000_000}));

    write_graph(&place, "LongText", json!({}));
    let ran = place.run(&["run", "bad.json"]);
    assert!(ran.code == 0 && ran.stdout.len() < 200_000 && ran.stderr.len() < 20_000, "{} bytes", ran.stdout.len());
    assert!(ran.stdout.ends_with("ttt ... (the first 100000 of 200000000 bytes)\n"));
}
