//! Edits of tokens in a watch, with the real packs: changes of a number in `graphs/edit-move.json`.

mod support;
#[path = "../../host/tests/support/watching.rs"]
mod watching;

use serde_json::{Value as Json, json};
use std::{
    env::consts::{DLL_PREFIX, DLL_SUFFIX},
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use support::{build_folder, graphs, program};
use tempfile::TempDir;
use watching::{Watching, ran};

/// A folder with copies of the program and its packs, which no build replaces, and with the graph's photo.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        for name in ["bin", "work"] {
            fs::create_dir(place.path(name)).unwrap();
        }
        link(&program(), &place.path("bin/splatgraph"));
        for pack in ["std", "gpstoken"] {
            let name = format!("{DLL_PREFIX}splatgraph_pack_{pack}{DLL_SUFFIX}");
            link(&build_folder().join(&name), &place.path("bin").join(&name));
        }
        fs::copy(graphs().join("chelsea.png"), place.path("work/chelsea.png")).unwrap();
        place
    }

    fn path(&self, inside: &str) -> PathBuf {
        self.0.path().join(inside)
    }
}

fn link(from: &Path, to: &Path) {
    if fs::hard_link(from, to).is_err() {
        fs::copy(from, to).unwrap();
    }
}

/// Watches `graph.json`.
fn watch(place: &Place) -> Watching {
    let mut command = Command::new(place.path("bin/splatgraph"));
    command
        .args(["watch", "graph.json", "--json", "--device", "cpu"])
        .current_dir(place.path("work"))
        .env("XDG_DATA_HOME", place.path("data"))
        .env("XDG_DATA_DIRS", place.path("more-data"))
        .env_remove("SPLATGRAPH_PACKS")
        .env_remove("SPLATGRAPH_MODELS")
        .stdin(Stdio::null());
    Watching::of(&mut command, &place.path("log"))
}

#[test]
fn changing_a_number_runs_only_the_edit_and_its_consumers() {
    let place = Place::new();
    let mut graph: Json = serde_json::from_str(&fs::read_to_string(graphs().join("edit-move.json")).unwrap()).unwrap();
    let write = |graph: &Json| fs::write(place.path("work/graph.json"), graph.to_string()).unwrap();
    write(&graph);
    let watching = watch(&place);
    let first = watching.done();
    assert_eq!(ran(&first).len(), graph["nodes"].as_object().unwrap().len());
    let picture = || fs::read(place.path("work/chelsea-moved.png")).unwrap();
    let mut before = picture();
    let follows = ["edit", "splat", "decode", "save", "compare", "save_comparison", "draw", "sheet", "save_sheet"];
    for move_x in [11, 15, 20] {
        graph["nodes"]["edit"]["inputs"]["move_x"] = json!(move_x);
        write(&graph);
        let round = watching.done();
        assert_eq!(ran(&round), follows);
        let edit = round["nodes"].as_array().unwrap().iter().find(|node| node["id"] == "edit").unwrap();
        assert_eq!(edit["why"], "ran: input `move_x` changed");
        let after = picture();
        assert_ne!(after, before);
        before = after;
    }
    // Another rectangle runs the selection too. An empty one is an error, and the last picture stays.
    let select = |graph: &mut Json, region: [i32; 4]| {
        graph["nodes"]["select"]["inputs"]["region"] = json!({"__value__": region});
    };
    select(&mut graph, [40, 55, 130, 130]);
    write(&graph);
    assert_eq!(ran(&watching.done()), [&["select"][..], &follows].concat());
    let before = picture();
    select(&mut graph, [300, 300, 310, 310]);
    write(&graph);
    let empty = watching.next();
    assert_eq!((&empty["status"], &empty["failures"][0]["node"]), (&json!("failed"), &json!("edit")), "{empty:#}");
    assert_eq!(picture(), before);
}
