//! `splatgraph bundle`, and commands that take a bundle.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;

use serde_json::{Value as Json, json};
use zip::ZipArchive;

use crate::lock::place;
use crate::node;
use crate::support::{Place, Ran};

/// Runs a command whose temporary files lie in the folder `temporary`, and checks that none stay.
pub(crate) fn run(place: &Place, arguments: &[&str]) -> Ran {
    let temporary = place.path("temporary");
    fs::create_dir_all(&temporary).unwrap();
    let output = place.command(arguments).env("TMPDIR", &temporary).env("TMP", &temporary).output().unwrap();
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0, "a temporary folder stays");
    place.ran(&output)
}

/// The files of a bundle.
fn files(place: &Place, name: &str) -> BTreeMap<String, String> {
    let mut zip = ZipArchive::new(fs::File::open(place.path("work").join(name)).unwrap()).unwrap();
    let mut files = BTreeMap::new();
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index).unwrap();
        let (name, mut text) = (entry.name().unwrap().into_owned(), String::new());
        entry.read_to_string(&mut text).unwrap();
        files.insert(name, text);
    }
    files
}

fn names(place: &Place, name: &str) -> Vec<String> {
    files(place, name).into_keys().collect()
}

#[test]
fn a_bundle_runs_elsewhere() {
    let place = place();
    let expected = run(&place, &["run", "graphs/graph.json", "--out", "expected"]);
    let bundled = run(&place, &["bundle", "graphs/graph.json", "--models", "--out", "x.zip"]);
    assert!(bundled.stdout.starts_with("Bundled 6 files in "), "{}", bundled.all());
    insta::assert_debug_snapshot!(names(&place, "x.zip"), @r#"
    [
        "graph.json",
        "graph.lock.json",
        "model.bin",
        "parts/notes.txt",
        "parts/part.json",
        "words.txt",
    ]
    "#);
    let bytes = fs::read(place.path("work/x.zip")).unwrap();
    assert_eq!(run(&place, &["bundle", "graphs/graph.json", "--models", "--out", "x.zip"]).code, 0);
    assert_eq!(fs::read(place.path("work/x.zip")).unwrap(), bytes, "equal contents give equal bytes");
    fs::remove_dir_all(place.path("work/graphs")).unwrap();
    let ran = run(&place, &["run", "--locked", "x.zip", "--out", "got"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let lines = |ran: &Ran| -> Vec<String> {
        ran.stdout
            .lines()
            .filter(|line| !line.starts_with("wrote") && !line.starts_with("model"))
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(lines(&ran), lines(&expected));
    assert_eq!(fs::read_dir(place.path("work/got")).unwrap().count(), 1);
    let check = run(&place, &["check", "--locked", "x.zip"]);
    insta::assert_snapshot!(check.all(), @"
    exit code 0
    --- stdout
    x.zip: 7 nodes, no problems
    --- stderr
    ");
    assert!(run(&place, &["draw", "x.zip"]).stdout.contains("SavePicture"));
    assert!(run(&place, &["run", "x.zip", "--help"]).stdout.contains("words"));
    assert!(run(&place, &["convert", "x.zip"]).stdout.contains("parts/part.json"));
    let batch = || run(&place, &["batch", "x.zip", "words=other.txt", "--out", "batch"]);
    let (first, second) = (batch(), batch());
    assert_eq!((first.code, second.code), (0, 0), "{} {}", first.stderr, second.stderr);
    assert!(second.stderr.contains("1 item done before, 0 to run"), "{}", second.all());
}

#[test]
fn a_graph_from_a_bundle_replaces_no_file() {
    let place = place();
    assert_eq!(run(&place, &["bundle", "graphs/graph.json"]).code, 0);
    place.write("out.png", "mine");
    fs::remove_file(place.path("work/graphs/parts/notes.txt")).unwrap();
    let ran = run(&place, &["run", "graphs/graph.zip", "model=other.bin"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("out-1.png"), "{}", ran.stdout);
    assert_eq!(place.read("out.png"), "mine");
}

#[test]
fn values_and_files_elsewhere_are_taken_in() {
    let place = place();
    let absolute = place.write("far/words.txt", "far away");
    let mut graph: Json = serde_json::from_str(&place.read("graphs/graph.json")).unwrap();
    graph["$schema"] = "../schema.json".into();
    graph["nodes"]["read2"] = node("ReadText", json!({"path": absolute.to_str().unwrap()}));
    graph["nodes"]["read3"] = node("ReadText", json!({"path": "../far/words.txt"}));
    graph["outputs"]["two"] = json!(["read2", "text"]);
    graph["outputs"]["three"] = json!(["read3", "text"]);
    graph["nodes"]["part"]["class_type"] = "../far/part.json".into();
    place.write("graphs/graph.json", &graph.to_string());
    fs::rename(place.path("work/graphs/parts/part.json"), place.path("work/far/part.json")).unwrap();
    place.write("far/notes.txt", "far notes");
    let ran = run(&place, &["bundle", "graphs/graph.json", "words=other.txt", "--out", "x.zip"]);
    insta::assert_snapshot!(ran.stderr, @"not in the bundle: model.bin; --models takes models into it");
    insta::assert_debug_snapshot!(names(&place, "x.zip"), @r#"
    [
        "files/notes.txt",
        "files/other.txt",
        "graph.json",
        "graph.lock.json",
        "parts/part.json",
        "words.txt",
    ]
    "#);
    insta::assert_snapshot!(files(&place, "x.zip")["graph.json"], @r#"
    {
      "version": 2,
      "packs": {
        "stub": "0.1.0"
      },
      "inputs": {
        "words": "read.path",
        "model": "model.model"
      },
      "outputs": {
        "inner": [
          "part",
          "text"
        ],
        "letters": [
          "count",
          "letters"
        ],
        "model": [
          "model",
          "model"
        ],
        "tiny": [
          "tiny",
          "model"
        ],
        "two": [
          "read2",
          "text"
        ],
        "three": [
          "read3",
          "text"
        ]
      },
      "nodes": {
        "part": {
          "class_type": "parts/part.json",
          "inputs": {}
        },
        "read": {
          "class_type": "stub.ReadText",
          "inputs": {
            "path": "files/other.txt"
          }
        },
        "model": {
          "class_type": "stub.UseModel",
          "inputs": {
            "model": "model.bin"
          }
        },
        "tiny": {
          "class_type": "stub.UseModel",
          "inputs": {}
        },
        "count": {
          "class_type": "stub.Letters",
          "inputs": {
            "text": [
              "read",
              "text"
            ]
          }
        },
        "image": {
          "class_type": "stub.PlainImage",
          "inputs": {
            "size": 2
          }
        },
        "save": {
          "class_type": "stub.SavePicture",
          "inputs": {
            "image": [
              "image",
              "image"
            ],
            "path": "out.png"
          }
        },
        "read2": {
          "class_type": "stub.ReadText",
          "inputs": {
            "path": "words.txt"
          }
        },
        "read3": {
          "class_type": "stub.ReadText",
          "inputs": {
            "path": "words.txt"
          }
        }
      }
    }
    "#);
    insta::assert_snapshot!(files(&place, "x.zip")["parts/part.json"], @r#"
    {
      "version": 1,
      "outputs": {
        "text": [
          "text",
          "text"
        ]
      },
      "nodes": {
        "text": {
          "class_type": "stub.ReadText",
          "inputs": {
            "path": "../files/notes.txt"
          }
        }
      }
    }
    "#);
    fs::rename(place.path("work/graphs/model.bin"), place.path("work/model.bin")).unwrap();
    for folder in ["graphs", "far"] {
        fs::remove_dir_all(place.path("work").join(folder)).unwrap();
    }
    let ran = run(&place, &["run", "--locked", "x.zip", "--models", "."]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for line in ["inner    far notes", "letters  11", "two      far away", "three    far away"] {
        assert!(ran.stdout.contains(line), "{}", ran.stdout);
    }
    let missing = run(&place, &["run", "x.zip"]);
    assert_eq!(missing.code, 3);
    assert!(missing.stderr.contains("the model \"model.bin\" does not exist"), "{}", missing.stderr);
}

#[test]
fn a_model_in_several_files_stays_together() {
    let place = place();
    place.write("store/weights.bin", "weights");
    place.write("store/deep/more.bin", "more weights");
    let index = r#"{"weight_map": {"a": "weights.bin", "b": "deep/more.bin"}}"#;
    place.write("store/model.index.json", index);
    let model = place.path("work/store/model.index.json");
    let model = format!("model={}", model.to_str().unwrap());
    let ran = run(&place, &["bundle", "graphs/graph.json", &model, "--models", "--out", "with.zip"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let there = names(&place, "with.zip");
    for name in ["deep/more.bin", "model.index.json", "weights.bin"] {
        assert!(there.iter().any(|there| there == name), "{there:?}");
    }
    assert_eq!(run(&place, &["bundle", "graphs/graph.json", &model, "--out", "without.zip"]).code, 0);
    fs::rename(place.path("work/store"), place.path("work/other")).unwrap();
    let ran = run(&place, &["run", "--locked", "with.zip"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let locked = || run(&place, &["run", "--locked", "without.zip", "--models", "other"]);
    assert_eq!(locked().code, 0, "{}", locked().stderr);
    place.write("other/deep/more.bin", "other weights");
    let ran = locked();
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("the model `deep/more.bin` is not as in the lock"), "{}", ran.stderr);
}

#[test]
fn what_cannot_be_bundled_is_an_error_in_words() {
    let place = place();
    let mut graph: Json = serde_json::from_str(&place.read("graphs/graph.json")).unwrap();
    graph["nodes"]["read"]["inputs"]["path"] = json!(["tiny", "model"]);
    place.write("graphs/linked.json", &graph.to_string());
    let mut errors = run(&place, &["bundle", "graphs/linked.json"]).stderr;
    errors += &run(&place, &["bundle", "graphs/graph.json", "--out", "other.txt"]).stderr;
    errors += &run(&place, &["bundle", "graphs/graph.json", "words=none.txt"]).stderr;
    errors += &run(&place, &["bundle", "-"]).stderr;
    #[cfg(unix)]
    {
        place.write("graphs/a:b.txt", "words");
        errors += &run(&place, &["bundle", "graphs/graph.json", "words=graphs/a:b.txt"]).stderr;
    }
    insta::assert_snapshot!(errors, @r#"
    error: the graph takes paths from other nodes, so nobody knows its files before the run: read.path; give these inputs a path in the graph
    error: expected a new file, got one that exists; choose another name, or remove the file first
      other.txt
    error: node `read` (stub.ReadText), input `path`: expected the file "none.txt", got no such file: [DIR]/work/none.txt
    1 problem in graphs/graph.json
    error: expected a graph, got an empty text
    1 problem in the text
    error: a file of the graph cannot be taken into a bundle: expected a relative path, got one that may be absolute; rename it
      [DIR]/work/graphs/a:b.txt
    "#);
    assert!(!place.path("work/graphs/graph.zip").exists());
}
