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
