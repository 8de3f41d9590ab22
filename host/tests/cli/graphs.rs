//! Graphs that come with an installed program, and where it finds its packs.

use std::fs;

use crate::GRAPH;
use crate::support::{Place, Ran};

/// A program in `bin`, with a pack and graphs where packages put them, and no other packs.
fn installed() -> Place {
    let place = Place::new();
    place.add_pack("stub_pack", "lib/splatgraph/packs");
    let graphs = place.path("share/splatgraph/graphs");
    fs::create_dir_all(&graphs).unwrap();
    fs::write(graphs.join("add.json"), GRAPH).unwrap();
    fs::write(graphs.join("schema.json"), r#"{"title": "no graph"}"#).unwrap();
    place
}

/// Runs a command with the packs that came with the program, so without a folder of `SPLATGRAPH_PACKS`.
fn run(place: &Place, arguments: &[&str]) -> Ran {
    place.ran(&place.command(arguments).env_remove("SPLATGRAPH_PACKS").output().unwrap())
}

#[test]
fn graphs_that_came_with_the_program_run_by_their_names() {
    let place = installed();
    insta::assert_snapshot!(run(&place, &["graphs"]).all(), @"
    exit code 0
    --- stdout
    add  Add and save

    `splatgraph run NAME` runs one, and `splatgraph run NAME --help` explains it. To change one, copy its file from
      [DIR]/share/splatgraph/graphs
    --- stderr
    ");
    insta::assert_snapshot!(run(&place, &["run", "add", "start=5"]).all(), @"
    exit code 0
    --- stdout
    sum    9
    wrote  sum.txt
    --- stderr
    first (stub.Constant) ...
    first done in [TIME]
    add (stub.Add) ...
    add done in [TIME]
    save (stub.WriteText) ...
    save done in [TIME]
    done: 3 nodes ran in [TIME]
    ");
    assert_eq!(place.read("sum.txt"), "9");
    assert_eq!(run(&place, &["check", "add"]).stdout, "add: 3 nodes, no problems\n");
    let words = |before: &[&str]| run(&place, &[&["complete", "--", "run"], before].concat()).stdout;
    run(&place, &["nodes"]);
    assert_eq!(
        (words(&["a"]).as_str(), words(&[""]).as_str()),
        ("add\n", ""),
        "without a letter the shell shows files"
    );
    assert_eq!(words(&["add", "st"]), "start=\n");
    let json: serde_json::Value = serde_json::from_str(&run(&place, &["graphs", "--json"]).stdout).unwrap();
    assert_eq!(json[0]["name"], "add");
    assert_eq!(json[0]["description"], "A graph for tests.");
}

#[test]
fn a_file_of_that_name_is_another_thing_and_said_so() {
    let place = installed();
    // A folder is no graph, so it hides none.
    fs::create_dir(place.path("work/add")).unwrap();
    assert_eq!(run(&place, &["check", "add"]).stderr, "");
    place.write("add.json", &GRAPH.replace("sum.txt", "mine.txt"));
    insta::assert_snapshot!(run(&place, &["run", "add", "-q"]).all(), @"
    exit code 0
    --- stdout
    --- stderr
    `add` is the graph that came with the program; `add.json` is the file of this folder
    ");
    assert!(place.files().contains(&"sum.txt".to_owned()));
    assert_eq!(run(&place, &["run", "add.json", "-q"]).stderr, "");
    assert_eq!(place.read("mine.txt"), "7");
    fs::remove_dir(place.path("work/add")).unwrap();
    place.write("add", &GRAPH.replace("sum.txt", "own.txt"));
    insta::assert_snapshot!(run(&place, &["run", "add", "-q"]).all(), @"
    exit code 0
    --- stdout
    --- stderr
    `add` is the file of this folder, not the graph that came with the program
      [DIR]/share/splatgraph/graphs/add.json
    ");
    assert_eq!(place.read("own.txt"), "7");
}

#[test]
fn names_that_no_graph_has() {
    let place = installed();
    insta::assert_snapshot!(run(&place, &["run", "ad"]).stderr, @"
    error: the graph does not exist; did you mean add, a graph that came with the program?
      ad
    ");
    insta::assert_snapshot!(run(&place, &["run", "add.json"]).stderr, @"
    error: the graph does not exist; did you mean add, a graph that came with the program?
      add.json
    ");
    insta::assert_snapshot!(run(&place, &["run", "reconstruct"]).stderr, @"
    error: the graph does not exist; `splatgraph graphs` lists those that came with the program
      reconstruct
    ");
    insta::assert_snapshot!(run(&place, &["run", "../add"]).stderr, @"
    error: the graph does not exist; did you mean add, a graph that came with the program?
      ../add
    ");
    fs::remove_dir_all(place.path("share")).unwrap();
    insta::assert_snapshot!(run(&place, &["graphs"]).all(), @"
    exit code 0
    --- stdout
    No graphs came with this program. A package has them in
      [DIR]/share/splatgraph/graphs
    A clone of the project has them in its folder `graphs`, for `splatgraph run graphs/reconstruct.json`.
    --- stderr
    ");
    insta::assert_snapshot!(run(&place, &["run", "add"]).stderr, @"
    error: the graph does not exist; name a .json graph, or a picture with a graph in it
      add
    ");
}

#[test]
fn the_version_for_a_report_of_a_fault() {
    let place = installed();
    let json: serde_json::Value = serde_json::from_str(&run(&place, &["--version", "--json"]).stdout).unwrap();
    assert_eq!(json["version"], env!("CARGO_PKG_VERSION"));
    assert!(json["target"].as_str().unwrap().contains(std::env::consts::ARCH), "{json}");
    assert_eq!(json["packs"][0]["id"], "stub");
    assert_eq!(json["packs"][0]["target"], json["target"]);
    assert_eq!(run(&place, &["--version"]).stdout, concat!("splatgraph ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn manual_pages_for_every_command() {
    let place = installed();
    assert_eq!(run(&place, &["man", "."]).code, 0);
    let page = place.read("splatgraph.1");
    assert!(page.contains("splatgraph\\-graphs(1)"), "{page}");
    assert!(place.read("splatgraph-run.1").contains("\\-\\-out"));
    insta::assert_snapshot!(run(&place, &["man", "nowhere"]).all(), @"
    exit code 1
    --- stdout
    --- stderr
    error: the manual pages cannot be written: No such file or directory (os error 2)
      nowhere
    ");
}
