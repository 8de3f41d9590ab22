//! Bundles that are damaged, or that somebody forged.

use std::fs;
use std::io::{Cursor, Write};

use serde_json::{Value as Json, json};
use splatgraph::sha256;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::bundle::run;
use crate::support::Place;

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
