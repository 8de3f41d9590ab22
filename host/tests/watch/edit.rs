//! Token editing with the real packs: dragging a number of `graphs/edit-move.json`.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs;
use std::path::Path;

use serde_json::{Value as Json, json};

use crate::support::{Place, build_folder};
use crate::{Watching, ran};

/// A folder with the packs `std` and `gpstoken` and the graph's photo.
fn place() -> Place {
    let place = Place::new();
    for pack in ["std", "gpstoken"] {
        let name = format!("{DLL_PREFIX}splatgraph_pack_{pack}{DLL_SUFFIX}");
        let (from, to) = (build_folder().join(&name), place.path("packs").join(&name));
        if fs::hard_link(&from, &to).is_err() {
            fs::copy(from, to).unwrap();
        }
    }
    fs::copy(graphs().join("chelsea.png"), place.path("work/chelsea.png")).unwrap();
    place
}

fn graphs() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../graphs")
}

#[test]
fn dragging_a_number_runs_only_the_edit_and_what_follows() {
    let place = place();
    let mut graph: Json = serde_json::from_str(&fs::read_to_string(graphs().join("edit-move.json")).unwrap()).unwrap();
    let write = |graph: &Json| place.write("graph.json", &graph.to_string());
    write(&graph);
    let watching = Watching::start(&place, &["--device", "cpu"]);
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
    // Another rectangle also selects anew; an empty one is told, and the last picture stays.
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
