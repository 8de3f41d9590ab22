//! `splatgraph bundle`, and commands that take a bundle.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Read, Write};

use serde_json::{Value as Json, json};
use splatgraph::sha256;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::lock::place;
use crate::node;
use crate::support::{Place, Ran};

/// Runs a command whose temporary files lie in the folder `temporary`, and checks that none stay.
fn run(place: &Place, arguments: &[&str]) -> Ran {
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

/// A file of a forged archive.
struct Entry<'a> {
    name: &'a str,
    content: Vec<u8>,
    link: bool,
    packed: bool,
}

fn file<'a>(name: &'a str, content: &str) -> Entry<'a> {
    Entry { name, content: content.into(), link: false, packed: false }
}

fn archive(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for entry in entries {
        let method = if entry.packed { CompressionMethod::Deflated } else { CompressionMethod::Stored };
        let options = SimpleFileOptions::default().compression_method(method);
        if entry.link {
            zip.add_symlink(entry.name, String::from_utf8(entry.content.clone()).unwrap(), options).unwrap();
        } else {
            zip.start_file(entry.name, options).unwrap();
            zip.write_all(&entry.content).unwrap();
        }
    }
    zip.finish().unwrap().into_inner()
}

const GRAPH: &str = r#"{"outputs": {"text": ["read", "text"]}, "nodes": {"read": {"class_type": "stub.ReadText", "inputs": {"path": "a.txt"}}}}"#;

/// A lock of these files.
fn lock(graph: &str, files: &Json) -> String {
    let sum = |text: &str| sha256::hex(&sha256::of_bytes(text.as_bytes()));
    let files: serde_json::Map<String, Json> = files
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, text)| (name.clone(), sum(text.as_str().unwrap()).into()))
        .collect();
    json!({
        "version": 1, "graph": sum(graph), "parts": {}, "packs": {}, "models": {}, "files": files,
        "device": null, "precision": null, "instructions": "portable",
    })
    .to_string()
}

#[test]
fn forged_archives_are_refused_before_anything_is_unpacked() {
    let place = Place::with_stub();
    let good = lock(GRAPH, &json!({"a.txt": "words"}));
    let with = |more: Vec<Entry<'_>>| {
        let mut all = vec![file("graph.json", GRAPH), file("graph.lock.json", &good), file("a.txt", "words")];
        all.extend(more);
        archive(&all)
    };
    let whole = with(Vec::new());
    fs::write(place.path("work/x.zip"), &whole).unwrap();
    let ran = run(&place, &["run", "x.zip"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "text  words\n"), "{}", ran.stderr);

    let renamed = |from: &str, to: &str| {
        let mut bytes = with(vec![file(from, "evil")]);
        let found: Vec<usize> =
            (0..bytes.len() - from.len()).filter(|at| bytes[*at..].starts_with(from.as_bytes())).collect();
        for at in found {
            bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        }
        bytes
    };
    let zeros = |size: usize| Entry { name: "b.txt", content: vec![0; size], link: false, packed: true };
    let link = |to: &str| Entry { name: "b.txt", content: to.into(), link: true, packed: false };
    let outside = GRAPH.replace("a.txt", "../secret.txt");
    let folder = lock(GRAPH, &json!({"a.txt": "words", "../out/": ""}));
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("cut off", whole[..whole.len() - 30].to_vec()),
        ("a changed byte", {
            let mut bytes = whole.clone();
            let at = bytes.windows(5).position(|part| part == b"words").unwrap();
            bytes[at] = b'W';
            bytes
        }),
        ("no lock", archive(&[file("graph.json", GRAPH)])),
        ("another archive", archive(&[file("data.pkl", "")])),
        ("no JSON", archive(&[file("graph.json", GRAPH), file("graph.lock.json", "{")])),
        ("outside", renamed("aa/aa/b.txt", "../../b.txt")),
        ("absolute", renamed("aaaa/b.txt", "/tmp/b.txt")),
        ("backslash", renamed("aaa/b.txt", "a\\a/b.txt")),
        ("drive", renamed("aaaa/b.txt", "C:aa/b.txt")),
        ("twice", renamed("b.txt", "a.txt")),
        ("behind a file", with(vec![file("a.txt/b", "evil")])),
        ("a link", with(vec![link("/etc/passwd")])),
        ("a bomb", with(vec![zeros(120 << 20)])),
        ("one more", with(vec![file("b.txt", "evil")])),
        ("one less", archive(&[file("graph.json", GRAPH), file("graph.lock.json", &good)])),
        (
            "another content",
            archive(&[file("graph.json", GRAPH), file("graph.lock.json", &good), file("a.txt", "other")]),
        ),
        ("another graph", archive(&[file("graph.json", "{}"), file("graph.lock.json", &good), file("a.txt", "words")])),
        (
            "a folder outside",
            archive(&[file("graph.json", GRAPH), file("graph.lock.json", &folder), file("a.txt", "words")]),
        ),
        ("a graph that reads outside", {
            let lock = lock(&outside, &json!({}));
            archive(&[file("graph.json", &outside), file("graph.lock.json", &lock)])
        }),
    ];
    place.write("secret.txt", "secret");
    let before = place.files();
    let mut errors = String::new();
    for (what, bytes) in cases {
        fs::write(place.path("work/x.zip"), bytes).unwrap();
        let ran = run(&place, &["run", "x.zip"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{what}: {}", ran.stderr);
        errors += &format!("{what}: {}", ran.stderr);
    }
    insta::assert_snapshot!(errors, @r#"
    cut off: error: expected a whole bundle, got a damaged zip archive (invalid Zip archive: Could not find EOCD); make the bundle again, or copy it again
      x.zip
    a changed byte: error: expected a whole bundle, got a damaged zip archive (`a.txt`: Invalid checksum); make the bundle again, or copy it again
      x.zip
    no lock: error: expected a bundle, got a zip archive without `graph.lock.json`; `splatgraph bundle GRAPH` makes one
      x.zip
    another archive: error: expected a bundle, got a zip archive without `graph.json`; `splatgraph bundle GRAPH` makes one
      x.zip
    no JSON: error: expected a bundle with a lock, got a text that ends too early, in line 1; make the bundle again
      x.zip
    outside: error: expected a bundle that unpacks into its folder, got a file "../../b.txt": expected a path inside the folder, got one with `..`; do not use this archive
      x.zip
    absolute: error: expected a bundle that unpacks into its folder, got a file "/tmp/b.txt": expected a relative path, got one that may be absolute; do not use this archive
      x.zip
    backslash: error: expected a bundle that unpacks into its folder, got a file "a\\a/b.txt": expected letters that all systems take, got a backslash or a control character; do not use this archive
      x.zip
    drive: error: expected a bundle that unpacks into its folder, got a file "C:aa/b.txt": expected a relative path, got one that may be absolute; do not use this archive
      x.zip
    twice: error: expected a bundle with each name once, got a name twice among graph.json, graph.lock.json, a.txt; do not use this archive
      x.zip
    behind a file: error: expected a bundle that unpacks into its folder, got a file "a.txt/b": expected a file in a folder, got one behind another file; do not use this archive
      x.zip
    a link: error: expected a bundle that unpacks into its folder, got a file "b.txt": expected a file or a folder, got a link or a device; do not use this archive
      x.zip
    a bomb: error: expected a bundle with files of at most 104857600 bytes, 100 times the size of the archive, got 125829509 bytes; do not use this archive
      x.zip
    one more: error: expected a bundle whose files are those of its lock; do not use this archive, or make the bundle again
      `b.txt`: expected no such file, as the lock does not name it, got one
      x.zip
    one less: error: expected a bundle whose files are those of its lock; do not use this archive, or make the bundle again
      `a.txt`: expected the SHA-256 dba36bffa5cab0f922d087a3aeb179f9d4e745df40b323e1b1471402848c8a3e, got none
      x.zip
    another content: error: expected a bundle whose files are those of its lock; do not use this archive, or make the bundle again
      `a.txt`: expected the SHA-256 dba36bffa5cab0f922d087a3aeb179f9d4e745df40b323e1b1471402848c8a3e, got the SHA-256 d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa
      x.zip
    another graph: error: expected a bundle whose files are those of its lock; do not use this archive, or make the bundle again
      `graph.json`: expected the SHA-256 fe2dc7c43c4d125843dd17f09f14118efd64233496e76ba5cf0d7d35ff6fce55, got the SHA-256 44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a
      x.zip
    a folder outside: error: expected a bundle whose files are those of its lock; do not use this archive, or make the bundle again
      "../out/" in the lock: expected a path inside the folder, got one with `..`
      x.zip
    a graph that reads outside: error: line 1, column 110, node `read` (stub.ReadText), input `path`: a graph from a bundle may use only files in its folder: got "../secret.txt"; give the path on the command line, or save the graph as a file of its own
    1 problem in the graph in x.zip
    "#);
    assert_eq!(place.files(), before);
}

#[test]
fn no_damage_ends_in_a_panic_or_in_another_result() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.zip");
    let good = lock(GRAPH, &json!({"a.txt": "words"}));
    let whole = archive(&[file("graph.json", GRAPH), file("graph.lock.json", &good), file("a.txt", "words")]);
    let unpacked = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        splatgraph::bundle::unpack(fs::File::open(&path).unwrap(), &path)
    };
    for length in 0..whole.len() {
        assert!(unpacked(&whole[..length]).is_err(), "{length} bytes");
    }
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        // Some bytes, such as times, count for nothing. The files are the same then.
        if let Ok(unpacked) = unpacked(&bytes) {
            assert_eq!(fs::read_to_string(unpacked.folder().join("a.txt")).unwrap(), "words");
            assert_eq!(fs::read_to_string(unpacked.folder().join("graph.json")).unwrap(), GRAPH);
        }
    }
}
