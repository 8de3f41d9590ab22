//! Graphs of version 0.1.0 of a pack, with its successor 0.3.0: `host/tests/packs/craft` has both.

mod bad;
mod check;
#[path = "../closures/mod.rs"]
mod closures;
mod forms;
#[path = "../support/mod.rs"]
mod support;
mod values;

use std::fs;
use std::path::{Path, PathBuf};

use support::{Place, Ran};

/// The number of graphs in `graphs`.
const GRAPHS: usize = 30;

/// A folder with the graphs and with both versions, each in a folder of its own: `before` and `after`.
struct Versions {
    place: Place,
}

impl Versions {
    fn new() -> Self {
        let place = Place::new();
        place.add_pack("craft_before_pack", "before");
        place.add_pack("craft_after_pack", "after");
        for (folder, to) in [("graphs", ""), ("graphs/parts", "parts/")] {
            for path in json_files(folder) {
                let name = path.file_name().unwrap().to_str().unwrap();
                place.write(&format!("{to}{name}"), &fs::read_to_string(&path).unwrap());
            }
        }
        Self { place }
    }

    /// Runs a command with a version of the pack.
    fn run(&self, version: &str, arguments: &[&str]) -> Ran {
        let folder = self.place.path(version);
        self.place.run(&[arguments, &["--packs", folder.to_str().unwrap()]].concat())
    }

    /// Runs a graph, and returns its messages, the results that it prints and the bytes of its file.
    fn result(&self, version: &str, graph: &str, more: &[&str]) -> (String, String, Vec<u8>) {
        let ran = self.run(version, &[&["run", graph, "--out", "out"], more].concat());
        assert_eq!(ran.code, 0, "{graph} with {version}: {}", ran.all());
        let file = self.place.path("work/out/out.txt");
        let bytes = fs::read(&file).unwrap();
        fs::remove_file(file).unwrap();
        let results: Vec<&str> = ran.stdout.lines().filter(|line| !line.contains("out.txt")).collect();
        (ran.stderr, results.join("\n"), bytes)
    }
}

fn json_files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/versions").join(folder);
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    files.sort();
    files
}

fn graph_names() -> Vec<String> {
    json_files("graphs").iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn graphs_of_the_first_version_give_the_same_files_with_the_last() {
    let versions = Versions::new();
    let names = graph_names();
    assert_eq!(names.len(), GRAPHS);
    for name in names {
        let (_, results, bytes) = versions.result("before", &name, &[]);
        let (said, results_now, bytes_now) = versions.result("after", &name, &[]);
        assert_eq!((results_now, bytes_now), (results, bytes), "{name}");
        assert!(said.contains("was made with craft 0.1.0 and runs with craft 0.3.0, after "), "{name}: {said}");
        assert!(!said.contains("warning"), "{name}: {said}");
    }
}

#[test]
fn a_converted_graph_has_the_new_form_and_needs_no_changes() {
    let versions = Versions::new();
    for name in graph_names() {
        let (_, results, bytes) = versions.result("before", &name, &[]);
        let converted = versions.run("after", &["convert", &name, "-o", "new.json"]);
        assert_eq!((converted.code, converted.stderr.contains("after ")), (0, true), "{name}: {}", converted.stderr);
        let text = versions.place.read("new.json");
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["packs"], serde_json::json!({"craft": "0.3.0"}), "{text}");
        // A part is a file of its own, with a version of its own.
        if !text.contains("parts/soft.json") {
            for old in ["Blur", "Filter", "ighten", "Darken", "radius", "dilate"] {
                assert!(!text.split("\"nodes\"").nth(1).unwrap().contains(old), "{name} has {old}: {text}");
            }
            let (said, results_now, bytes_now) = versions.result("after", "new.json", &[]);
            assert_eq!((said.contains("after "), results_now, bytes_now), (false, results, bytes), "{name}: {said}");
        } else {
            assert_eq!(versions.result("after", "new.json", &[]).2, bytes, "{name}");
        }
        fs::remove_file(versions.place.path("work/new.json")).unwrap();
    }
}

#[test]
fn a_notice_is_short_and_comes_once_for_each_file() {
    let versions = Versions::new();
    let ran = versions.run("after", &["check", "30-part-and-node.json"]);
    insta::assert_snapshot!(ran.all(), @r#"
    exit code 0
    --- stdout
    30-part-and-node.json: 6 nodes, no problems
    --- stderr
    the graph parts/soft.json was made with craft 0.1.0 and runs with craft 0.3.0, after 8 changes: `Blur` is now `Soften`; the input `radius` of `Soften` is now `size`; the input `method` of `Soften` has new words: "box" > "mean", "dilate" > "largest"; and 5 more; `splatgraph convert` writes the new form
    the graph was made with craft 0.1.0 and runs with craft 0.3.0, after 2 changes: `Filter` is now `FindEdges` or `Invert`, by its input `kind`; the input `ending` of `Write` stays "\n"; `splatgraph convert` writes the new form
    "#);
    let ran = versions.run("after", &["check", "06-blur-edges.json", "--json"]);
    insta::assert_snapshot!(ran.all(), @r#"
    exit code 0
    --- stdout
    {
      "ok": true,
      "nodes": 3,
      "warnings": [
        {
          "kind": "changed",
          "node": null,
          "class": null,
          "input": null,
          "expected": null,
          "received": null,
          "hint": "`splatgraph convert` writes the new form",
          "place": null,
          "text": "the graph was made with craft 0.1.0 and runs with craft 0.3.0, after 6 changes: `Blur` is now `Soften`; the input `edges` of `Soften` is gone: the ends are always mirrored; `Soften` is now `Smooth`; and 3 more; `splatgraph convert` writes the new form"
        }
      ]
    }
    --- stderr
    "#);
    assert_eq!(versions.run("after", &["run", "01-blur.json", "--quiet", "--out", "out"]).stderr, "");
}
