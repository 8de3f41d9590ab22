//! `splatgraph lock` and `--locked`.

use std::fs;

use serde_json::{Value as Json, json};
use splatgraph::sha256;

use crate::node;
use crate::support::{Place, Ran};

/// A graph in `graphs` that reads a file and a model, and uses a part that reads another file.
pub(crate) fn place() -> Place {
    let place = Place::with_stub();
    let part = json!({
        "outputs": {"text": ["text", "text"]},
        "nodes": {"text": node("ReadText", json!({"path": "notes.txt"}))},
    });
    place.write("graphs/parts/part.json", &part.to_string());
    place.write("graphs/parts/notes.txt", "inner notes");
    place.write("graphs/words.txt", "some words");
    place.write("graphs/model.bin", "weights");
    place.write("other.txt", "other words");
    place.write("other.bin", "other weights");
    let nodes = json!({
        "part": {"class_type": "./parts/part.json", "inputs": {}},
        "read": node("ReadText", json!({"path": "words.txt"})),
        "model": node("UseModel", json!({"model": "model.bin"})),
        "tiny": node("UseModel", json!({})),
        "count": node("Letters", json!({"text": ["read", "text"]})),
        "image": node("PlainImage", json!({"size": 2})),
        "save": node("SavePicture", json!({"image": ["image", "image"], "path": "out.png"})),
    });
    let outputs = json!({"inner": ["part", "text"], "letters": ["count", "letters"], "model": ["model", "model"], "tiny": ["tiny", "model"]});
    let inputs = json!({"words": "read.path", "model": "model.model"});
    let graph = json!({"version": 1, "inputs": inputs, "outputs": outputs, "nodes": nodes});
    place.write("graphs/graph.json", &graph.to_string());
    place
}

/// The sum of the library of the pack `stub`.
fn stub_sum(place: &Place) -> String {
    let library = fs::read_dir(place.path("packs")).unwrap().next().unwrap().unwrap().path();
    sha256::hex(&sha256::of_file(&library).unwrap())
}

/// Runs a command with plain instructions. Replaces what differs from build to build.
fn run(place: &Place, arguments: &[&str]) -> Ran {
    let ran = place.ran(&place.command(arguments).env("SPLATGRAPH_CPU", "portable").output().unwrap());
    let text = |text: &str| text.replace(&stub_sum(place), "[STUB]");
    Ran { code: ran.code, stdout: text(&ran.stdout), stderr: text(&ran.stderr) }
}

/// The sums in the texts of errors are long, and only their beginnings differ.
fn short(text: &str) -> String {
    let words = text.split_inclusive(' ').map(|word| {
        let bare = word.trim_end_matches([' ', ',', ';', '\n']);
        match bare.len() == 64 && bare.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            true => word.replace(bare, &bare[..6]),
            false => word.to_owned(),
        }
    });
    words.collect()
}

fn locked(place: &Place) -> Json {
    assert_eq!(run(place, &["lock", "graphs/graph.json"]).code, 0);
    serde_json::from_str(&place.read("graphs/graph.lock.json")).unwrap()
}

#[test]
fn a_lock_names_all_that_a_run_depends_on() {
    let place = place();
    insta::assert_snapshot!(run(&place, &["lock", "graphs/graph.json"]).all(), @"
    exit code 0
    --- stdout
    Locked 2 graphs, 1 pack, 2 models and 2 files
      graphs/graph.lock.json
    --- stderr
    ");
    let text = place.read("graphs/graph.lock.json");
    let shown = text.replace(&stub_sum(&place), "[STUB]");
    #[cfg(target_arch = "x86_64")]
    insta::assert_snapshot!(shown, @r#"
    {
      "version": 1,
      "graph": "4aa5ef3d38521a710d2555a91496cc35a04030e58cc965efc9fb6cc5b13d0365",
      "parts": {
        "parts/part.json": "5ca13ae0d7ca0d4053f1a51bc577e421788be1248b850a0bf28b4d0b3bbbefea"
      },
      "packs": {
        "stub": {
          "version": "0.1.0",
          "sha256": "[STUB]"
        }
      },
      "models": {
        "model.bin": "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c",
        "tiny": null
      },
      "files": {
        "parts/notes.txt": "4cf46d0cadf0a9b03189e4d2162d441d42f2f5116d828d06c2c3f9f5436f5152",
        "words.txt": "050777a35dcd48838062824126e60a0780dc322c5b1f84c3a32636cc7466b1b6"
      },
      "device": null,
      "precision": null,
      "instructions": "portable"
    }
    "#);
    assert_eq!(run(&place, &["lock", "graphs/graph.json"]).code, 0);
    assert_eq!(place.read("graphs/graph.lock.json"), text, "a second lock of the same is the same");
    for arguments in [
        &["run", "--locked", "graphs/graph.json"][..],
        &["run", "graphs/graph.json", "--locked"],
        &["check", "--locked", "graphs/graph.json"],
        &["batch", "--locked", "graphs/graph.json", "words=other.txt", "--out", "batch"],
    ] {
        let ran = run(&place, arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.stderr);
    }
    assert_eq!(run(&place, &["lock", "graphs/graph.json", "--out", "elsewhere.json"]).code, 0);
    fs::remove_file(place.path("work/graphs/graph.lock.json")).unwrap();
    assert_eq!(run(&place, &["run", "--locked=elsewhere.json", "graphs/graph.json"]).code, 0);
    insta::assert_snapshot!(run(&place, &["lock", "graphs/graph.json", "--out", "other.txt"]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: expected a new file, got one that exists; choose another name, or remove the file first
      other.txt
    ");
}

#[test]
fn every_difference_is_named_and_nothing_runs() {
    let place = place();
    locked(&place);
    place.write("graphs/parts/notes.txt", "changed");
    place.write("graphs/model.bin", "changed");
    place.write("graphs/words.txt", "changed");
    place.write("graphs/graph.json", &(place.read("graphs/graph.json") + "\n"));
    place.write("graphs/parts/part.json", &(place.read("graphs/parts/part.json") + "\n"));
    // A loader takes no notice of bytes behind a library.
    let before = stub_sum(&place);
    let library = fs::read_dir(place.path("packs")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = fs::read(&library).unwrap();
    bytes.push(0);
    fs::write(&library, bytes).unwrap();
    let ran = run(&place, &["run", "--locked", "graphs/graph.json"]);
    let lines = short(&ran.stderr.replace(&before, "[OLD]"));
    insta::assert_snapshot!(lines, @"
    error: the text of the graph is not as in the lock: expected the SHA-256 4aa5ef, got the SHA-256 dca5b6; take the change back, or write a new lock with `splatgraph lock`
    error: the graph `parts/part.json` is not as in the lock: expected the SHA-256 5ca13a, got the SHA-256 ed161f; take the change back, or write a new lock with `splatgraph lock`
    error: the pack `stub` is not as in the lock: expected version 0.1.0 with the SHA-256 [OLD], got version 0.1.0 with the SHA-256 [STUB]; install the pack of the lock with `splatgraph packs add`, or write a new lock with `splatgraph lock`
    error: the file `parts/notes.txt` is not as in the lock: expected the SHA-256 4cf46d, got the SHA-256 d67e2e; take the change back, or write a new lock with `splatgraph lock`
    error: the file `words.txt` is not as in the lock: expected the SHA-256 050777, got the SHA-256 d67e2e; take the change back, or write a new lock with `splatgraph lock`
    error: the model `model.bin` is not as in the lock: expected the SHA-256 9a1290, got the SHA-256 d67e2e; take the change back, or write a new lock with `splatgraph lock`
    6 problems in graphs/graph.json
    ");
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(!place.path("work/out.png").exists());
    let json: Json =
        serde_json::from_str(&run(&place, &["check", "--locked", "graphs/graph.json", "--json"]).stdout).unwrap();
    let kinds: Vec<&Json> = json["problems"].as_array().unwrap().iter().map(|problem| &problem["kind"]).collect();
    assert_eq!(kinds, vec!["locked"; 6]);
    let batch = run(&place, &["batch", "--locked", "graphs/graph.json", "words=other.txt", "--out", "batch"]);
    assert_eq!((batch.code, place.path("work/batch").exists()), (2, false), "{}", batch.stderr);
    assert_eq!(run(&place, &["run", "graphs/graph.json"]).code, 0, "without the option nobody asks");
}

#[test]
fn a_graph_with_problems_shows_its_differences_too() {
    let place = place();
    locked(&place);
    fs::remove_file(place.path("work/graphs/words.txt")).unwrap();
    place.write("graphs/parts/part.json", &(place.read("graphs/parts/part.json") + "\n"));
    let before = stub_sum(&place);
    fs::remove_dir_all(place.path("packs")).unwrap();
    place.add_pack("second_pack", "packs");
    let ran = place.run(&["run", "--locked", "graphs/graph.json"]);
    insta::assert_snapshot!(short(&ran.all().replace(&before, "[STUB]")), @"
    exit code 2
    --- stdout
    --- stderr
    error: line 1, column 246, node `read`: `stub.ReadText` needs the pack `stub`, but the loaded packs are: second; install it with `splatgraph packs add FILE`, or add its folder to SPLATGRAPH_PACKS
    error: line 1, column 314, node `model`: `stub.UseModel` needs the pack `stub`, but the loaded packs are: second; install it with `splatgraph packs add FILE`, or add its folder to SPLATGRAPH_PACKS
    error: line 1, column 384, node `tiny`: `stub.UseModel` needs the pack `stub`, but the loaded packs are: second; install it with `splatgraph packs add FILE`, or add its folder to SPLATGRAPH_PACKS
    error: line 1, column 434, node `count`: `stub.Letters` needs the pack `stub`, but the loaded packs are: second; install it with `splatgraph packs add FILE`, or add its folder to SPLATGRAPH_PACKS
    error: line 1, column 506, node `image`: `stub.PlainImage` needs the pack `stub`, but the loaded packs are: second; install it with `splatgraph packs add FILE`, or add its folder to SPLATGRAPH_PACKS
    error: line 1, column 567, node `save`: `stub.SavePicture` needs the pack `stub`, but the loaded packs are: second; install it with `splatgraph packs add FILE`, or add its folder to SPLATGRAPH_PACKS
    error: graphs/parts/part.json, line 1, column 46, node `part:text`: `stub.ReadText` needs the pack `stub`, but the loaded packs are: second; install it with `splatgraph packs add FILE`, or add its folder to SPLATGRAPH_PACKS
    error: the graph `parts/part.json` is not as in the lock: expected the SHA-256 5ca13a, got the SHA-256 ed161f; take the change back, or write a new lock with `splatgraph lock`
    error: the pack `stub` is not as in the lock: expected version 0.1.0 with the SHA-256 [STUB], got no such pack; install the pack of the lock with `splatgraph packs add`, or write a new lock with `splatgraph lock`
    9 problems in graphs/graph.json
    ");
}

#[test]
fn files_of_the_command_line_are_free_and_its_models_are_not() {
    let place = place();
    locked(&place);
    let ran = run(&place, &["run", "--locked", "graphs/graph.json", "words=other.txt"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    fs::copy(place.path("work/graphs/model.bin"), place.path("work/same.bin")).unwrap();
    let ran = run(&place, &["run", "--locked", "graphs/graph.json", "model=same.bin"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let ran = run(&place, &["run", "--locked", "graphs/graph.json", "model=other.bin"]);
    insta::assert_snapshot!(short(&ran.all()), @"
    exit code 2
    --- stdout
    --- stderr
    error: the model `other.bin` is not as in the lock: expected nothing of this name, got the SHA-256 53959f; take the change back, or write a new lock with `splatgraph lock`
    1 problem in graphs/graph.json
    ");
    let ran = run(
        &place,
        &[
            "batch",
            "--locked",
            "graphs/graph.json",
            "model=same.bin,other.bin",
            "--no-files",
            "--table",
            "t.csv",
            "--out",
            "b",
        ],
    );
    assert_eq!(ran.code, 1, "{}", ran.all());
    assert!(ran.stderr.contains("the model `other.bin` is not as in the lock"), "{}", ran.stderr);
}

#[test]
#[cfg(target_arch = "x86_64")]
fn the_instructions_of_the_processor_count() {
    let place = place();
    locked(&place);
    if splatgraph_sdk::Instructions::all().len() == 1 {
        println!("skipped: this processor has plain instructions only");
        return;
    }
    let ran = place
        .ran(&place.command(&["run", "--locked", "graphs/graph.json"]).env("SPLATGRAPH_CPU", "avx2").output().unwrap());
    insta::assert_snapshot!(ran.all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: the instruction set of the processor is not as in the lock: expected portable, got avx2; set SPLATGRAPH_CPU=portable, or write a new lock with `splatgraph lock`
    1 problem in graphs/graph.json
    ");
}

#[test]
fn what_is_no_lock_is_an_error_in_words() {
    let place = place();
    let lock = locked(&place);
    let text = place.read("graphs/graph.lock.json");
    let with = |key: &str, value: Json| {
        let mut lock = lock.clone();
        lock[key] = value;
        lock.to_string()
    };
    let texts = [
        text[..text.len() / 2].to_owned(),
        String::new(),
        "words".to_owned(),
        "[1]".to_owned(),
        place.read("graphs/graph.json").replace(r#""version":1,"#, ""),
        with("version", 2.into()),
        with("graph", "1234".into()),
        with("graph", stub_sum(&place).to_uppercase().into()),
        with("files", json!({"a": 1})),
        with("more", 1.into()),
        "\u{0}PNG".to_owned(),
    ];
    let mut errors = String::new();
    for text in texts {
        place.write("graphs/graph.lock.json", &text);
        let ran = place.run(&["run", "--locked", "graphs/graph.json"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
        errors += ran.stderr.replace(&stub_sum(&place).to_uppercase(), "[STUB]").lines().next().unwrap();
        errors += "\n";
    }
    fs::remove_file(place.path("work/graphs/graph.lock.json")).unwrap();
    errors += &place.run(&["run", "--locked", "graphs/graph.json"]).stderr;
    errors += &place.run(&["run", "--locked", "graphs/graph.json", "--swap", "tiny=stub.Constant"]).stderr;
    errors += &place.run(&["lock", "-"]).stderr;
    insta::assert_snapshot!(errors, @r#"
    error: expected a lock, got a text that ends too early, in line 14; write one with `splatgraph lock GRAPH`
    error: expected a lock, got a text that ends too early, in line 1; write one with `splatgraph lock GRAPH`
    error: expected a lock, got a text that is not JSON: expected value at line 1 column 1; write one with `splatgraph lock GRAPH`
    error: expected a lock, got JSON without the key `version`; write one with `splatgraph lock GRAPH`
    error: expected a lock, got JSON without the key `version`; write one with `splatgraph lock GRAPH`
    error: expected a lock of version 1 of the format, got version 2; use a newer splatgraph
    error: expected a lock, got one with "1234" for a SHA-256, which has 64 lower-case hexadecimal digits; write one with `splatgraph lock GRAPH`
    error: expected a lock, got one with "[STUB]" for a SHA-256, which has 64 lower-case hexadecimal digits; write one with `splatgraph lock GRAPH`
    error: expected a lock, got a damaged one: invalid type: integer `1`, expected a string at line 1 column 412; write one with `splatgraph lock GRAPH`
    error: expected a lock, got a damaged one: unknown field `more`, expected one of `version`, `graph`, `parts`, `packs`, `models`, `files`, `device`, `precision`, `instructions` at line 1 column 635; write one with `splatgraph lock GRAPH`
    error: expected a lock, got a text that is not JSON: expected value at line 1 column 1; write one with `splatgraph lock GRAPH`
    error: the graph has no lock: No such file or directory (os error 2); write one with `splatgraph lock GRAPH`
      graphs/graph.lock.json
    error: the argument '--locked[=<FILE>]' cannot be used with '--swap <NODE=CLASS>'

    Usage: splatgraph run [OPTIONS] <GRAPH> [NAME=VALUE]...
    error: expected a graph, got an empty text
    1 problem in the text
    "#);
}

#[test]
fn a_picture_carries_its_lock() {
    let place = place();
    assert_eq!(run(&place, &["run", "graphs/graph.json", "--out", "graphs"]).code, 0);
    let header = run(&place, &["inspect", "graphs/out.png", "--json"]).stdout;
    let header: Json = serde_json::from_str(&header).unwrap();
    let lock = locked(&place);
    for key in ["packs", "models", "files", "instructions", "device", "version"] {
        assert_eq!(
            header["header"]["lock"][key].to_string().replace("[STUB]", &stub_sum(&place)),
            lock[key].to_string(),
            "{key}"
        );
    }
    assert_eq!(header["header"]["version"], 2);
    fs::remove_file(place.path("work/graphs/graph.json")).unwrap();
    fs::remove_dir_all(place.path("work/graphs/parts")).unwrap();
    place.write("graphs/parts/notes.txt", "inner notes");
    let ran = run(&place, &["run", "--locked", "graphs/out.png"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    place.write("graphs/parts/notes.txt", "changed");
    insta::assert_snapshot!(short(&run(&place, &["check", "--locked", "graphs/out.png"]).all()), @"
    exit code 2
    --- stdout
    --- stderr
    error: the file `parts/notes.txt` is not as in the lock: expected the SHA-256 4cf46d, got the SHA-256 d67e2e; take the change back, or write a new lock with `splatgraph lock`
    1 problem in the graph in graphs/out.png
    ");
    // Other programs write pictures with a prompt alone.
    let picture = place.path("work/plain.png");
    let mut encoder = png::Encoder::new(fs::File::create(&picture).unwrap(), 1, 1);
    let prompt = json!({"1": node("SavePicture", json!({"image": ["2", 0], "path": "a.png"})), "2": node("PlainImage", json!({}))});
    encoder.add_itxt_chunk("prompt".to_owned(), prompt.to_string()).unwrap();
    encoder.write_header().unwrap().write_image_data(&[0]).unwrap();
    insta::assert_snapshot!(run(&place, &["run", "--locked", "plain.png"]).stderr, @"
    error: expected a picture with a lock in it, got one without; run its graph again, or write a lock with `splatgraph lock PICTURE`
      plain.png
    ");
    assert_eq!(run(&place, &["lock", "plain.png"]).code, 0);
    let ran = run(&place, &["run", "--locked", "plain.png"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[test]
#[cfg(unix)]
fn a_pipe_is_left_for_its_node() {
    let place = place();
    let mut command = place.command(&["run", "graphs/graph.json", "words=/dev/stdin"]);
    let mut child = command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"from a pipe").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains("letters  11"));
}

#[test]
fn a_graph_may_require_a_library() {
    let place = place();
    let with = |sum: &str| {
        let mut graph: Json = serde_json::from_str(&place.read("graphs/graph.json")).unwrap();
        graph["requires"] = json!({"stub": {"version": "^0.1", "sha256": sum, "url": "https://example.org/stub"}});
        place.write("graphs/graph.json", &graph.to_string());
    };
    let sum = stub_sum(&place);
    with(&sum.to_uppercase());
    assert_eq!(run(&place, &["check", "graphs/graph.json"]).code, 0);
    assert!(run(&place, &["convert", "graphs/graph.json"]).stdout.contains(r#""sha256": "[STUB]""#));
    with(&sha256::hex(&sha256::of_bytes(b"")));
    insta::assert_snapshot!(short(&run(&place, &["check", "graphs/graph.json"]).all()), @"
    exit code 3
    --- stdout
    --- stderr
    error: line 1, column 675: the graph requires another library of the pack `stub`: expected the SHA-256 e3b0c4, got the SHA-256 [STUB]; get it from https://example.org/stub, then `splatgraph packs add FILE`
    1 problem in graphs/graph.json
    ");
    with("1234");
    insta::assert_snapshot!(run(&place, &["check", "graphs/graph.json"]).stderr, @r#"
    error: line 1, column 709: `requires`, `stub`, `sha256`: expected the SHA-256 of the pack's library, 64 hexadecimal digits, got the text "1234"
    1 problem in graphs/graph.json
    "#);
}
