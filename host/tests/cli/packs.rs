//! `splatgraph packs`, and packs in other commands.

use std::fs;

use crate::GRAPH;
use crate::support::Place;

#[test]
fn packs_lists_loaded_packs_and_refused_files() {
    let place = Place::with_stub();
    let folder = place.path("packs");
    fs::write(folder.join("broken.so"), "nothing").unwrap();
    // The test executable is position-independent, and so an ELF library that is not a pack.
    fs::copy(std::env::current_exe().unwrap(), folder.join("other.so")).unwrap();
    let ran = place.run(&["packs"]);
    let built = ran.stdout.lines().find(|line| line.trim_start().starts_with("built")).unwrap();
    assert!(built.contains("SDK ") && built.contains("rustc "), "{built}");
    let rest: Vec<&str> = ran.stdout.lines().filter(|line| *line != built).collect();
    insta::assert_snapshot!(rest.join("\n"), @"
    stub 0.1.0  Nodes for the host's tests
      nodes  30 nodes: Constant, Add, EveryKind, Sleep, Endless, Stubborn, Panics, Fails, Misses, NanImage, PlainImage, Mean, MakeTensor, Pass, Address, ReadText, WriteText, SavePicture, UseModel, Settings, Divide, Opaque, Images, Letters, Ratio, MakeTokens, Draw, Die, WriteSlowly, Show
      found  [DIR]/packs/libstub_pack.so (SPLATGRAPH_PACKS)

    Refused
      a pack cannot be loaded: expected a shared library
        [DIR]/packs/broken.so
    ");

    let all: serde_json::Value = serde_json::from_str(&place.run(&["packs", "--all", "--json"]).stdout).unwrap();
    assert_eq!(all["loaded"][0]["id"], "stub");
    assert!(all["refused"][0]["path"].as_str().unwrap().ends_with("broken.so"));
    assert!(all["passed_over"][0].as_str().unwrap().ends_with("other.so"));
}

#[test]
fn packs_are_found_in_every_place() {
    let place = Place::new();
    let place_of = |folder: &str, arguments: &[&str]| {
        let library = place.add_pack("stub_pack", folder);
        let mut command = place.command(arguments);
        let ran = command.args(["packs", "--json"]).output().unwrap();
        fs::remove_file(library).unwrap();
        let packs: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
        packs["loaded"][0]["place"].as_str().map(str::to_owned)
    };
    assert_eq!(place_of("packs", &[]).as_deref(), Some("SPLATGRAPH_PACKS"));
    assert_eq!(place_of("bin/packs", &[]).as_deref(), Some("packs beside the executable"));
    assert_eq!(place_of("bin", &[]).as_deref(), Some("beside the executable"));
    assert_eq!(place_of("data/splatgraph/packs", &[]).as_deref(), Some("data directory"));
    assert_eq!(place_of("more-data/splatgraph/packs", &[]).as_deref(), Some("data directory"));
    // The current directory is never searched.
    assert_eq!(place_of("work", &[]), None);
    assert_eq!(place_of("work/packs", &[]), None);
}

#[test]
fn a_refused_pack_is_a_warning_for_other_commands() {
    let place = Place::with_stub();
    fs::write(place.path("packs/broken.so"), "nothing").unwrap();
    place.write("graph.json", GRAPH);
    insta::assert_snapshot!(place.run(&["check", "graph.json"]).all(), @"
    exit code 0
    --- stdout
    graph.json: 3 nodes, no problems
    --- stderr
    warning: a pack cannot be loaded: expected a shared library
      [DIR]/packs/broken.so
    ");
}
