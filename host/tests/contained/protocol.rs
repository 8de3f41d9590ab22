//! A worker that breaks the protocol is ended, and its node or its pack gets an error in words.

use crate::node;
use crate::support::{Place, example_pack};
use serde_json::{Value as Json, json};
use std::time::{Duration, Instant};

/// A place with a worker that breaks the protocol, and with the pack `stub`.
fn place() -> Place {
    let place = Place::with_stub();
    // The worker beside the packs for tests.
    let worker = example_pack("stub_pack").with_file_name("fake_worker");
    std::fs::write(place.path("packs/fake.txt"), "").unwrap();
    let described = json!({"command": [worker, "fake.txt"], "files": ["fake.txt"]});
    std::fs::write(place.path("packs/fake.pack.json"), described.to_string()).unwrap();
    place
}

/// Writes a graph whose node `bad` does a deed, and `sum` another one.
fn write(place: &Place, class: &str, deed: &str) {
    let nodes = json!({
        "bad": node(&format!("fake.{class}"), json!({"deed": deed})),
        "sum": node("stub.Add", json!({"a": 40, "b": 2})),
    });
    let graph = json!({"outputs": {"bad": ["bad", 0], "sum": ["sum", 0]}, "nodes": nodes});
    place.write("graph.json", &graph.to_string());
}

/// Runs a node that does a deed. Returns its message, or its output.
fn message(place: &Place, class: &str, deed: &str, options: &[&str]) -> String {
    write(place, class, deed);
    let start = Instant::now();
    let ran = place.run(&[&["run", "graph.json", "--quiet", "--json"], options].concat());
    assert!(start.elapsed() < Duration::from_secs(60), "{deed}: {}", ran.all());
    let result: Json = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{deed}: {}", ran.all()));
    assert_eq!(result["outputs"]["sum"], 42, "{deed}: {}", ran.all());
    let text = match result["failures"][0]["message"].as_str() {
        Some(message) => message.to_owned(),
        None => format!("done, {}", result["outputs"]["bad"]),
    };
    format!("{deed}: {text}")
}

#[test]
fn a_worker_that_begins_wrongly_is_refused_in_words() {
    let mut messages = Vec::new();
    for start in [
        "older",
        "newer",
        "text version",
        "no manifest",
        "manifest of nonsense",
        "manifest of another kind",
        "long manifest",
        "twice the same node",
        "refused",
        "refused at length",
        "another message",
        "buffers",
        "garbage",
        "web",
        "no UTF-8",
        "deep",
        "half a length",
        "half a frame",
        "huge length",
        "empty frame",
        "nothing",
        "exit",
        "abort",
        "prints",
    ] {
        let place = place();
        write(&place, "Go", "");
        let output = place.command(&["run", "graph.json", "--quiet"]).env("FAKE_START", start).output().unwrap();
        let ran = place.ran(&output);
        assert_eq!((ran.code, ran.stdout.as_str()), (3, ""), "{start}: {}", ran.all());
        let said = ran.stderr.strip_prefix("warning: a pack cannot be loaded: ").unwrap_or(&ran.stderr);
        let said = said.split("\n  [DIR]").next().unwrap();
        let said = said.strip_suffix(". `splatgraph packs` looks it over again").unwrap_or(said);
        let said: String = said.chars().take(300).collect();
        messages.push(format!("{start}: {said}"));
    }
    insta::assert_snapshot!(messages.join("\n"), @r#"
    older: expected version 1 of the protocol of workers, got 0; update its SDK
    newer: expected version 1 of the protocol of workers, got 2; update the host
    text version: its process sent a message that is not understood (invalid type: string "1", expected u32 at line 1 column 24)
    no manifest: its process sent a message that is not understood (missing field `manifest` at line 1 column 23)
    manifest of nonsense: expected a manifest in the form of this SDK: expected ident at line 1 column 2
    manifest of another kind: expected a manifest in the form of this SDK: invalid type: integer `1`, expected a string at line 1 column 2
    long manifest: expected a manifest of at most 16777216 bytes, got 20971530
    twice the same node: the manifest of fake 1.0.0 (SDK , ) is wrong: two nodes have the name `Go`
    refused: the moon is full
    refused at length: eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee
    another message: its process sent another message than its first one
    buffers: its process sent another message than its first one
    garbage: its process sent a message that is not understood (expected value at line 1 column 2)
    web: its process sent a message that cannot be read (expected a message of at most 67108864 bytes, got 1347703880)
    no UTF-8: its process sent a message that is not understood (invalid unicode code point at line 1 column 2)
    deep: its process sent a message that is not understood (expected value at line 1 column 1)
    half a length: its process sent a message that cannot be read (unexpected end of file)
    half a frame: its process sent a message that cannot be read (unexpected end of file)
    huge length: its process sent a message that cannot be read (expected a message of at most 67108864 bytes, got 4294967295)
    empty frame: its process sent a message that is not understood (EOF while parsing a value at line 1 column 0)
    nothing: its process ended with exit code 0
    exit: its process ended with exit code 7
    abort: its process ended by signal 6 (SIGABRT)
    prints: pack `fake`: words before the end
    warning: a pack cannot be loaded: its process ended with exit code 1; it printed last: words before the end
    "#);
}

#[test]
fn a_worker_that_begins_wrongly_after_it_was_looked_over_is_an_error_before_the_run() {
    let mut messages = Vec::new();
    for start in ["older", "other nodes", "refused", "garbage", "half a frame", "nothing", "exit"] {
        let place = place();
        write(&place, "Go", "");
        assert_eq!(place.run(&["nodes"]).code, 0);
        let output =
            place.command(&["run", "graph.json", "--quiet", "--json"]).env("FAKE_START", start).output().unwrap();
        let ran = place.ran(&output);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{start}: {}", ran.all());
        messages.push(format!("{start}: {}", ran.stderr.trim_end()));
    }
    insta::assert_snapshot!(messages.join("\n"), @r#"
    older: error: the pack `fake` cannot list its devices: the pack `fake` cannot be opened: expected version 1 of the protocol of workers, got 0; update its SDK: [DIR]/packs/fake.txt
    other nodes: error: the pack `fake` cannot list its devices: the pack `fake` cannot be opened: it declares other nodes than when it was looked over; run the command again: [DIR]/packs/fake.txt
    refused: error: the pack `fake` cannot list its devices: the pack `fake` cannot be opened: the moon is full: [DIR]/packs/fake.txt
    garbage: error: the pack `fake` cannot list its devices: the pack `fake` cannot be opened: its process sent a message that is not understood (expected value at line 1 column 2): [DIR]/packs/fake.txt
    half a frame: error: the pack `fake` cannot list its devices: the pack `fake` cannot be opened: its process sent a message that cannot be read (unexpected end of file): [DIR]/packs/fake.txt
    nothing: error: the pack `fake` cannot list its devices: the pack `fake` cannot be opened: its process ended with exit code 0: [DIR]/packs/fake.txt
    exit: error: the pack `fake` cannot list its devices: the pack `fake` cannot be opened: its process ended with exit code 7: [DIR]/packs/fake.txt
    "#);
}

#[test]
fn calls_that_end_wrongly_are_errors_in_words() {
    let place = place();
    let deeds = [
        "",
        "done twice",
        "negative call",
        "devices",
        "hello again",
        "message of the host",
        "unknown message",
        "unknown level",
        "negative progress",
        "more progress than there is",
        "done with a call to come",
        "log of a call to come",
        "unknown error",
        "error without words",
        "long error",
        "half a frame",
        "closed",
        "huge length",
        "garbage",
        "no outputs",
        "many outputs",
        "another type",
        "outputs that are none",
        "unknown value",
        "int beyond 64 bits",
        "int with a point",
        "negative float",
        "no JSON",
        "lone surrogate",
        "lists in lists",
        "held",
        "foreign",
        "release of nothing",
        "release twice",
        "buffer without a file",
        "file without a buffer",
        "smaller file",
        "negative size",
        "no file",
        "device",
        "folder",
    ];
    let messages: Vec<String> = deeds.iter().map(|deed| message(&place, "Go", deed, &[])).collect();
    let shown: Vec<String> = messages.iter().map(|text| text.chars().take(300).collect()).collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    : done, 7
    done twice: done, 7
    negative call: the pack `fake` failed in the node Go: its process sent a message that is not understood (invalid value: integer `-1`, expected u64 at line 1 column 18)
    devices: expected the outputs of the node, got a list of devices
    hello again: the pack `fake` failed in the node Go: its process sent a message that is not understood (a first message comes once)
    message of the host: the pack `fake` failed in the node Go: its process sent a message that is not understood (unknown variant `cancel`, expected one of `hello`, `refused`, `done`, `failed`, `devices`, `progress`, `preview`, `log`, `buffers`, `release`, `forget` at line 1 column 9)
    unknown message: the pack `fake` failed in the node Go: its process sent a message that is not understood (unknown variant `dance`, expected one of `hello`, `refused`, `done`, `failed`, `devices`, `progress`, `preview`, `log`, `buffers`, `release`, `forget` at line 1 column 8)
    unknown level: the pack `fake` failed in the node Go: its process sent a message that is not understood (unknown variant `loud`, expected one of `debug`, `info`, `warn`, `error` at line 1 column 31)
    negative progress: the pack `fake` failed in the node Go: its process sent a message that is not understood (invalid value: integer `-1`, expected u64 at line 1 column 31)
    more progress than there is: done, 7
    done with a call to come: the pack `fake` failed in the node Go: its process sent a message that is not understood (expected the number of a call, got 102)
    log of a call to come: the pack `fake` failed in the node Go: its process sent a message that is not understood (expected the number of a call, got 102)
    unknown error: words
    error without words: the pack `fake` failed in the node Go: its process sent a message that is not understood (missing field `message` at line 1 column 45)
    long error: eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee
    half a frame: the pack `fake` failed in the node Go: its process sent a message that cannot be read (unexpected end of file)
    closed: the pack `fake` failed in the node Go: its process closed its connection and did not end
    huge length: the pack `fake` failed in the node Go: its process sent a message that cannot be read (expected a message of at most 67108864 bytes, got 4294967295)
    garbage: the pack `fake` failed in the node Go: its process sent a message that is not understood (expected value at line 1 column 1)
    no outputs: expected 1 output, as the class declares, got 0; tell the author of the pack
    many outputs: expected 1 output, as the class declares, got 2; tell the author of the pack
    another type: done, "words"
    outputs that are none: the pack `fake` failed in the node Go: its process sent a message that is not understood (invalid type: map, expected a sequence at line 1 column 28)
    unknown value: the pack `fake` failed in the node Go: its process sent a message that is not understood (unknown variant `complex`, expected one of `nothing`, `bool`, `int`, `float`, `text`, `json`, `list`, `record`, `object`, `held`, `foreign` at line 1 column 39)
    int beyond 64 bits: the worker sent a wrong value: expected a whole number of 64 bits, got 1e+40
    int with a point: the worker sent a wrong value: expected a whole number of 64 bits, got 1.5
    negative float: the pack `fake` failed in the node Go: its process sent a message that is not understood (invalid value: integer `-1`, expected u64 at line 1 column 40)
    no JSON: the worker sent a wrong value: expected JSON, got other text: EOF while parsing an object at line 1 column 1
    lone surrogate: the pack `fake` failed in the node Go: its process sent a message that is not understood (unexpected end of hex escape at line 1 column 45)
    lists in lists: the pack `fake` failed in the node Go: its process sent a message that is not understood (recursion limit exceeded at line 1 column 588)
    held: the worker sent a wrong value: expected a value, got Held(3)
    foreign: the worker sent a wrong value: expected a value, got Foreign("MODEL")
    release of nothing: the pack `fake` failed in the node Go: its process sent a message that is not understood (expected a lent buffer, got 4711)
    release twice: the pack `fake` failed in the node Go: its process sent a message that is not understood (expected a lent buffer, got 1)
    buffer without a file: the pack `fake` failed in the node Go: its process sent a message that is not understood (expected a file for each buffer, got 0 for 1 buffer)
    file without a buffer: the pack `fake` failed in the node Go: its process sent a message that is not understood (expected a file for each buffer, got 1 for 0 buffers)
    smaller file: the pack `fake` failed in the node Go: its process sent a message that is not understood (expected a buffer of 1099511627776 bytes, got 4096)
    negative size: the pack `fake` failed in the node Go: its process sent a message that is not understood (invalid value: integer `-1`, expected u64 at line 1 column 29)
    no file: the pack `fake` failed in the node Go: its process sent a message that is not understood (expected a buffer of 4096 bytes, got 0)
    device: the pack `fake` failed in the node Go: its process sent a message that is not understood (expected a buffer of 4096 bytes, got 0)
    folder: the pack `fake` failed in the node Go: its process sent a message that is not understood (expected a file for a buffer, got a folder or device)
    "#);
}

#[test]
fn pictures_that_cannot_be_are_errors_in_words() {
    let place = place();
    let deeds = [
        "a picture",
        "unknown buffer",
        "no buffer",
        "offset past the end",
        "offset past everything",
        "odd offset",
        "negative offset",
        "large shape",
        "shape past everything",
        "negative shape",
        "shape of a number",
        "empty and large",
        "1000 dimensions",
        "unknown type",
        "picture of whole numbers",
        "header of a number",
        "field twice",
        "empty file",
        "sealed file that shrinks",
        "file that vanishes",
        "the same buffer twice",
        "forgets what is read",
        "object without sense",
    ];
    let messages: Vec<String> = deeds.iter().map(|deed| message(&place, "Draw", deed, &[])).collect();
    let shown: Vec<String> = messages.iter().map(|text| text.chars().take(300).collect()).collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    a picture: done, {"fields":{"image":{"dtype":"f32","shape":[1,1,1,3]}},"header":{},"device":"cpu","host_bytes":12,"device_bytes":0,"type":"IMAGE"}
    unknown buffer: the worker sent a wrong value: the field `image`: expected a known buffer, got 4711
    no buffer: the worker sent a wrong value: the field `image`: expected the number of a buffer, got none
    offset past the end: the worker sent a wrong value: the field `image`: expected 12 bytes in a buffer of 4096, at a multiple of 64, got offset 4096
    offset past everything: the worker sent a wrong value: the field `image`: expected 12 bytes in a buffer of 4096, at a multiple of 64, got offset 18446744073709551552
    odd offset: the worker sent a wrong value: the field `image`: expected 12 bytes in a buffer of 4096, at a multiple of 64, got offset 4
    negative offset: the pack `fake` failed in the node Draw: its process sent a message that is not understood (invalid value: integer `-64`, expected usize at line 1 column 150)
    large shape: the worker sent a wrong value: the field `image`: expected 201326592 bytes in a buffer of 4096, at a multiple of 64, got offset 0
    shape past everything: the worker sent a wrong value: the field `image`: expected a shape that fits memory, got [1, 1099511627776, 1099511627776, 3]
    negative shape: the pack `fake` failed in the node Draw: its process sent a message that is not understood (invalid value: integer `-1`, expected usize at line 1 column 122)
    shape of a number: the pack `fake` failed in the node Draw: its process sent a message that is not understood (invalid type: integer `3`, expected a sequence at line 1 column 118)
    empty and large: done, {"fields":{"image":{"dtype":"f32","shape":[0,18446744073709551615,18446744073709551615,3]}},"header":{},"device":"cpu","host_bytes":0,"device_bytes":0,"type":"IMAGE"}
    1000 dimensions: the worker sent a wrong value: the field `image`: a tensor with 1000 dimensions
    unknown type: the worker sent a wrong value: the field `image`: expected a known type, got `f31`
    picture of whole numbers: done, {"fields":{"image":{"dtype":"i64","shape":[1,1,1,3]}},"header":{},"device":"cpu","host_bytes":24,"device_bytes":0,"type":"IMAGE"}
    header of a number: the worker sent a wrong value: expected a header in JSON: invalid type: integer `3`, expected a map at line 1 column 1
    field twice: done, {"fields":{"image":{"dtype":"f32","shape":[1,1,1,3]}},"header":{},"device":"cpu","host_bytes":24,"device_bytes":0,"type":"IMAGE"}
    empty file: the worker sent a wrong value: the field `image`: expected 12 bytes in a buffer of 0, at a multiple of 64, got offset 0
    sealed file that shrinks: done, {"fields":{"image":{"dtype":"f32","shape":[1,1,1,3]}},"header":{},"device":"cpu","host_bytes":12,"device_bytes":0,"type":"IMAGE"}
    file that vanishes: done, {"fields":{"image":{"dtype":"f32","shape":[1,1,1,3]}},"header":{},"device":"cpu","host_bytes":12,"device_bytes":0,"type":"IMAGE"}
    the same buffer twice: done, {"fields":{"image":{"dtype":"f32","shape":[1,1,1,3]}},"header":{},"device":"cpu","host_bytes":12,"device_bytes":0,"type":"IMAGE"}
    forgets what is read: done, {"fields":{"image":{"dtype":"f32","shape":[1,1,1,3]}},"header":{},"device":"cpu","host_bytes":12,"device_bytes":0,"type":"IMAGE"}
    object without sense: done, {"type":"HELD"}
    "#);
}

/// Nobody knows whether the host reads the file before.
#[test]
fn a_file_that_shrinks_while_the_host_reads_it_is_read_or_refused() {
    let told_in_words = [
        ": done, {\"fields\"",
        "its process sent a message that is not understood (expected a buffer of 4096 bytes, got 0)",
        "the field `image`: the buffer 1 cannot be read: failed to fill whole buffer",
    ];
    for deed in ["file that shrinks", "file that shrinks later"] {
        let told = message(&place(), "Draw", deed, &[]);
        assert!(told_in_words.iter().any(|text| told.contains(text)), "{told}");
    }
}

#[test]
fn a_worker_without_end_takes_no_memory_of_the_host() {
    let place = place();
    // Each needs a file of the host. The limit of files is reached, or the worker is done.
    for (deed, class) in [("progress without end", "Go"), ("buffers without end", "Go")] {
        write(&place, class, deed);
        let limited = "ulimit -n 256; ulimit -v 1500000; exec \"$0\" run graph.json --quiet --json";
        let program = place.path("bin/splatgraph");
        let output = std::process::Command::new("sh")
            .args(["-c", limited, program.to_str().unwrap()])
            .current_dir(place.path("work"))
            .envs(place.command(&[]).get_envs().filter_map(|(key, value)| Some((key, value?))))
            .output()
            .unwrap();
        let ran = place.ran(&output);
        let result: Json = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{deed}: {}", ran.all()));
        assert_eq!(result["outputs"]["sum"], 42, "{deed}: {}", ran.all());
        match result["failures"][0]["message"].as_str() {
            None => assert_eq!(result["outputs"]["bad"], 7, "{deed}"),
            Some(message) => assert_eq!(
                message,
                "the pack `fake` failed in the node Go: its process sent a message that cannot be read (expected at most 64 files, got \
                 more, or this process may open no more files)",
                "{deed}"
            ),
        }
    }
}

#[test]
fn buffers_without_room_are_an_error_of_the_node() {
    let place = place();
    let nodes = json!({
        "image": node("stub.PlainImage", json!({"size": 512})),
        "bad": node("fake.Go", json!({"deed": "", "image": ["image", 0]})),
        "sum": node("stub.Add", json!({"a": 40, "b": 2})),
    });
    let graph = json!({"outputs": {"bad": ["bad", 0], "sum": ["sum", 0]}, "nodes": nodes});
    place.write("graph.json", &graph.to_string());
    // A limit on the size of files holds for files in memory too.
    let limited = "trap '' XFSZ; ulimit -f 64; exec \"$0\" run graph.json --quiet --json";
    let output = std::process::Command::new("sh")
        .args(["-c", limited, place.path("bin/splatgraph").to_str().unwrap()])
        .current_dir(place.path("work"))
        .envs(place.command(&[]).get_envs().filter_map(|(key, value)| Some((key, value?))))
        .output()
        .unwrap();
    let ran = place.ran(&output);
    let result: Json = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.all()));
    assert_eq!(result["outputs"]["sum"], 42, "{}", ran.all());
    insta::assert_snapshot!(result["failures"][0]["message"].as_str().unwrap_or("none"), @"there is no memory to pass tensors to another process: File too large (os error 27)");
}
