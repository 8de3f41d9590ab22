//! A disk that fills up while a picture is written. The run fails with an error, and leaves no file behind.

#![cfg(unix)]

use std::{fs, process::Command};

#[test]
fn a_full_disk_is_an_error_and_leaves_no_half_file() {
    let folder = tempfile::tempdir().unwrap();
    let graph = r#"{ "nodes": {
        "load": { "class_type": "std.LoadImage", "inputs": { "path": "in.png" } },
        "enlarge": { "class_type": "std.Resize", "inputs": { "image": ["load", "image"], "width": 512, "height": 512 } },
        "save": { "class_type": "std.SaveImage", "inputs": { "image": ["enlarge", "image"], "path": "out.png" } }
    } }"#;
    fs::write(folder.path().join("graph.json"), graph).unwrap();
    fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/../graphs/chelsea.png"), folder.path().join("in.png")).unwrap();
    fs::write(folder.path().join("out.png"), "what was there before").unwrap();

    // A limit on the size of files has the effect of a full disk, an error during writing, without root permissions.
    let limited = "trap '' XFSZ; ulimit -f 16; exec \"$0\" run graph.json --quiet";
    let output = Command::new("sh")
        .args(["-c", limited, env!("CARGO_BIN_EXE_splatgraph")])
        .current_dir(folder.path())
        .env("NO_COLOR", "1")
        .output()
        .expect("sh runs");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    // The location in the pack comes after the message.
    let (message, place) = text.split_once(" [std ").expect("the error names the pack");
    assert!(place.contains("save_image.rs"), "{place}");
    let message = message.replace(&*folder.path().canonicalize().unwrap().to_string_lossy(), "<folder>");
    insta::assert_snapshot!(message, @"error: node `save` (std.SaveImage) failed: input `path`: writing a picture: File too large (os error 27); check that the folder may be written to and that the disk has space: <folder>/out.png");

    let mut left: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    left.sort();
    assert_eq!(left, ["graph.json", "in.png", "out.png"]);
    assert_eq!(fs::read_to_string(folder.path().join("out.png")).unwrap(), "what was there before");
}
