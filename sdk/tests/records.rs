//! Records in files: what is refused, and how it is said.

use splatgraph_sdk::{Record, Value, kind_of_file, read_whole, serde_json};
use std::path::Path;

/// A .safetensors file with a tensor of one number and this header of a record.
fn file(header: &str) -> Vec<u8> {
    let head = serde_json::json!({
        "__metadata__": {"type": "TOKENS", "header": header},
        "a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
    });
    let head = head.to_string();
    [&(head.len() as u64).to_le_bytes()[..], head.as_bytes(), &[0; 4]].concat()
}

fn nested(levels: usize) -> String {
    format!("{{\"x\": {}{}}}", "[".repeat(levels), "]".repeat(levels))
}

#[test]
fn a_deep_header_is_whole_or_an_error() {
    let record = Record::from_safetensors(&file(&nested(100))).unwrap();
    let value: Value = record.clone().into_value();
    assert_eq!(value.describe()["header"], serde_json::Value::Object(record.header.clone()));
    let error = |header: &str| Record::from_safetensors(&file(header)).unwrap_err();
    insta::assert_snapshot!(error(&nested(101)), @"expected a header of at most 100 levels of brackets, got a deeper one");
    insta::assert_snapshot!(error(&nested(1_000_000)), @"expected a JSON object under the metadata key `header`: recursion limit exceeded at line 1 column 133");
}

#[test]
fn other_files_are_told_apart_before_they_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let error = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        Record::load(&path).unwrap_err().message.replace(folder.path().to_str().unwrap(), "[DIR]")
    };
    insta::assert_snapshot!(error("page.safetensors", b"<html>"), @"reading a record: expected a whole .safetensors file, got a web page (HTML); download the file itself instead of the page about it: [DIR]/page.safetensors");
    insta::assert_snapshot!(error("a.other", b"Some file of a pack"), @"reading a record: expected a whole .safetensors file, got a text; records end in .safetensors: load a .other file with a node that reads its kind, or convert it first (splatgraph convert): [DIR]/a.other");
    insta::assert_snapshot!(error("cut.safetensors", &file("{}")[..50]), @"reading a record: expected a whole .safetensors file, got a .safetensors file that is damaged or cut off; get the file again: [DIR]/cut.safetensors");
    // A hole of a terabyte takes no memory, as its beginning says that it is no record.
    let path = folder.path().join("hole.safetensors");
    std::fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
    assert!(Record::load(&path).unwrap_err().message.contains("begins with zeros"));
    assert!(splatgraph_sdk::checkpoint::open(&path).unwrap_err().message.contains("begins with zeros"));
}

#[test]
fn headers_and_indexes_without_measure_are_refused() {
    let head = format!("{{\"__metadata__\": {{{}\"\": \"\"}}}}", "\"\":\"\",".repeat(3_000_001));
    let bytes = [&(head.len() as u64).to_le_bytes()[..], head.as_bytes()].concat();
    insta::assert_snapshot!(Record::from_safetensors(&bytes).unwrap_err(), @"expected a header of at most 3000000 entries, got more");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors.index.json");
    std::fs::write(&path, [b"{".to_vec(), vec![b' '; 64 << 20]].concat()).unwrap();
    let error = splatgraph_sdk::checkpoint::open(&path).unwrap_err().message;
    assert!(
        error.starts_with("reading a checkpoint: expected an index of at most 64 MiB, got a larger one: "),
        "{error}"
    );
}

#[cfg(unix)]
#[test]
fn a_device_without_end_is_an_error() {
    insta::assert_snapshot!(Record::load(Path::new("/dev/zero")).unwrap_err(), @"reading a record: expected a whole .safetensors file, got a file that begins with zeros, as after a download that was cut off: /dev/zero");
    insta::assert_snapshot!(splatgraph_sdk::checkpoint::open(Path::new("/dev/zero")).unwrap_err(), @"reading a checkpoint: expected a checkpoint (.safetensors or a file of torch.save), got a file that begins with zeros, as after a download that was cut off: /dev/zero");
    insta::assert_snapshot!(read_whole(Path::new("/dev/zero")).unwrap_err(), @"expected at most 1 GiB from a pipe or a device, got more; write it to a file first, or set SPLATGRAPH_READ_LIMIT to more GiB, such as 8");
}

#[test]
fn kinds_are_known_by_their_first_bytes() {
    assert_eq!(kind_of_file(b""), Some("an empty file"));
    assert_eq!(kind_of_file(b"\x89PNG\r\n\x1a\n...."), Some("a picture (PNG)"));
    assert_eq!(
        kind_of_file(b" <HTML>"),
        Some("a web page (HTML); download the file itself instead of the page about it")
    );
    assert_eq!(kind_of_file(b"{\"a\""), Some("JSON text"));
    assert_eq!(kind_of_file(b"7z\xbc\xaf\x27\x1c"), Some("a packed archive; unpack it first"));
    assert_eq!(
        kind_of_file(&[&[0; 257][..], b"ustar"].concat()),
        Some("a .tar file; write the name of a member behind it, as in FILE.tar/NAME, or unpack it first")
    );
    assert_eq!(kind_of_file(b"neither"), None);
    let kinds: [(&[u8], &str); 12] = [
        (b"\xef\xbb\xbf<!-- saved -->\n<!DOCTYPE html>", "a web page"),
        (b"<?xml version='1.0'?><html>", "a web page"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "XML text"),
        (b"{\"metadata\": {}, \"weight_map\": {\"a\": \"b\"}}", "the index of a model in several files"),
        (b"GPST\x01", "a token file (.gpst)"),
        (b"GGUF\x03\0\0\0", "a model in the format GGUF"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", "a picture (WebP)"),
        (b"\0\0\0\x18ftypheic", "a picture (HEIC)"),
        (b"\xff\xfe{\0", "text in UTF-16"),
        (b"\x08\x07\x12\x07pytorch", "a model in the format ONNX"),
        (b"\xe8\x03\0\0\0\0\0\0{\"a\":", "a .safetensors file that is damaged or cut off"),
        (b"Access to the model is restricted.", "a text"),
    ];
    for (start, kind) in kinds {
        assert!(kind_of_file(start).is_some_and(|found| found.starts_with(kind)), "{kind}");
    }
    assert!(kind_of_file(&[0; 512]).is_some_and(|found| found.starts_with("a file that begins with zeros")));
}
