//! Files of other kinds in place of graphs, models and tables: too large, too deep, or something else altogether.

use std::{
    fs,
    io::Write,
    process::{Command, Stdio},
};

use crate::{GRAPH, support::Place};

/// JSON text with a million levels of brackets.
fn deep() -> String {
    ["[".repeat(1_000_000), "]".repeat(1_000_000)].concat()
}

/// A PNG picture of one pixel with these text chunks.
fn picture(texts: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = png::Encoder::new(&mut bytes, 1, 1).write_header().unwrap();
    for (key, text) in texts {
        writer.write_text_chunk(&png::text_metadata::TEXtChunk::new(*key, *text)).unwrap();
    }
    writer.write_image_data(&[0]).unwrap();
    drop(writer);
    bytes
}

#[test]
fn deep_json_is_an_error_everywhere() {
    let place = Place::with_stub();
    let within = |value: &str| GRAPH.replace("\"value\": 3", &format!("\"value\": {value}"));
    place.write("text.json", &deep());
    place.write("value.json", &within(&deep()));
    place.write("other.index.json", &format!("{{\"weight_map\": {{\"a\": {}}}}}", deep()));
    fs::write(place.path("work/prompt.png"), picture(&[("prompt", &within(&deep()))])).unwrap();
    fs::write(place.path("work/header.png"), picture(&[("splatgraph", &format!("{{\"graph\": {}}}", deep()))]))
        .unwrap();
    for graph in ["text.json", "value.json", "prompt.png", "header.png"] {
        for command in ["check", "draw", "convert", "run"] {
            let ran = place.run(&[command, graph]);
            assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{command} {graph}: {}", ran.stderr);
            let told = ["at most 120 levels of brackets", "recursion limit exceeded"];
            assert!(told.iter().any(|text| ran.stderr.contains(text)), "{command} {graph}: {}", ran.stderr);
        }
    }
    for file in ["prompt.png", "header.png", "other.index.json", "value.json"] {
        assert_eq!(place.run(&["inspect", file]).code, 1, "{file}");
    }
}

#[test]
#[cfg(unix)]
fn a_device_without_end_is_an_error() {
    let place = Place::with_stub();
    for command in ["check", "draw", "convert", "run"] {
        let ran = place.run(&[command, "/dev/zero"]);
        assert_eq!(ran.code, 2);
        assert!(
            ran.stderr.contains("the graph cannot be read: expected at most 64 MiB, got more\n  /dev/zero"),
            "{}",
            ran.stderr
        );
    }
    insta::assert_snapshot!(place.run(&["inspect", "/dev/zero"]).all(), @"
    exit code 1
    --- stdout
    --- stderr
    error: expected a record (.safetensors, or a file of a loaded pack), a checkpoint (.safetensors, .pth) or a picture, got a file that begins with zeros, as after a download that was cut off
      /dev/zero
    ");
    place.write("graph.json", GRAPH);
    insta::assert_snapshot!(place.run(&["batch", "graph.json", "start=@/dev/zero"]).all(), @"
        exit code 2
        --- stdout
        --- stderr
        error: `@/dev/zero`: the CSV file cannot be read: expected at most 256 MiB, got more
          /dev/zero
        ");
    let piped = place.command(&["check", "-"]).stdin(fs::File::open("/dev/zero").unwrap()).output().unwrap();
    insta::assert_snapshot!(place.ran(&piped).all(), @"
        exit code 2
        --- stdout
        --- stderr
        error: standard input cannot be read: expected at most 64 MiB, got more
        ");
}

/// A picture whose chunks grow a thousandfold when they are unpacked.
#[test]
#[cfg(target_os = "linux")]
fn the_texts_of_a_picture_take_little_memory() {
    let place = Place::new();
    let mut bytes = Vec::new();
    let mut writer = png::Encoder::new(&mut bytes, 1, 1).write_header().unwrap();
    writer.write_text_chunk(&png::text_metadata::ZTXtChunk::new("prompt", "x".repeat(60 << 20))).unwrap();
    writer.write_image_data(&[0]).unwrap();
    drop(writer);
    // The signature and the header are 33 bytes; a chunk has 12 bytes beside its content.
    let length = u32::from_be_bytes(bytes[33..37].try_into().unwrap()) as usize + 12;
    let chunks = bytes[33..33 + length].repeat(100);
    let bomb = [&bytes[..33], &chunks, &bytes[33 + length..]].concat();
    fs::write(place.path("work/bomb.png"), bomb).unwrap();
    let program = place.command(&["inspect", "bomb.png"]);
    let limited = "ulimit -v 1500000; exec \"$0\" inspect bomb.png";
    let mut shell = Command::new("sh");
    shell.args(["-c", limited]).arg(program.get_program()).current_dir(place.path("work"));
    let ran = place.ran(&shell.output().unwrap());
    insta::assert_snapshot!(ran.all(), @"
        exit code 1
        --- stdout
        --- stderr
        error: expected a picture with at most 64 MiB of text in it, got one with more
          bomb.png
        ");
}

#[test]
fn what_a_file_is_instead_is_told() {
    let place = Place::new();
    let inspect = |name: &str, content: &[u8]| {
        fs::write(place.path("work").join(name), content).unwrap();
        place.run(&["inspect", name]).stderr
    };
    let told = [
        inspect("page.pth", b"<!DOCTYPE html>\n<html></html>"),
        inspect("pointer.safetensors", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n"),
        inspect("graph.json", GRAPH.as_bytes()),
        inspect("empty.pth", b""),
        inspect("model.safetensors.index.json", br#"{"weight_map": {"a": "one.safetensors"}}"#),
    ];
    insta::assert_snapshot!(told.concat(), @r#"
        error: expected a record (.safetensors, or a file of a loaded pack), a checkpoint (.safetensors, .pth) or a picture, got a web page (HTML); download the file itself instead of the page about it
          page.pth
        error: expected a record (.safetensors, or a file of a loaded pack), a checkpoint (.safetensors, .pth) or a picture, got a Git LFS pointer in place of the file; run `git lfs pull`, or download the file itself
          pointer.safetensors
        error: expected a record (.safetensors, or a file of a loaded pack), a checkpoint (.safetensors, .pth) or a picture, got JSON text
          graph.json
        error: expected a record (.safetensors, or a file of a loaded pack), a checkpoint (.safetensors, .pth) or a picture, got an empty file
          empty.pth
        error: reading a checkpoint: expected the part "one.safetensors" beside the index, got no such file; get all parts of the model: model.safetensors.index.json
        "#);
    let mut child = place
        .command(&["check", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"\x80\x02\xff").unwrap();
    insta::assert_snapshot!(place.ran(&child.wait_with_output().unwrap()).all(), @"
        exit code 2
        --- stdout
        --- stderr
        error: expected a graph in JSON text, or a PNG picture with a graph in it, got a Python pickle
          -
        ");
}
