//! Checkpoints of all kinds that `torch.save` writes (`checkpoints/make_kinds.py`), beside the tensors that `torch.load` gives.

use splatgraph_sdk::{
    DType,
    checkpoint::{Checkpoint, open, parse_pickle},
};
use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/checkpoints").join(name)
}

/// The files of a folder with one ending, by name.
fn files(name: &str, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder(name)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|e| e == ending)).collect();
    files.sort();
    files
}

fn assert_same(name: &str, ours: &Checkpoint, theirs: &Checkpoint) {
    assert_eq!(ours.tensors.keys().collect::<Vec<_>>(), theirs.tensors.keys().collect::<Vec<_>>(), "{name}");
    for (key, tensor) in &ours.tensors {
        let other = &theirs.tensors[key];
        let facts =
            |tensor: &splatgraph_sdk::Tensor| (tensor.dtype(), tensor.shape().to_vec(), tensor.bytes().to_vec());
        assert_eq!(facts(tensor), facts(other), "{name}: {key}");
    }
}

#[test]
fn every_kind_holds_what_torch_loads() {
    let kinds = files("kinds", "pth");
    for path in &kinds {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert_same(name, &open(path).unwrap(), &open(&path.with_extension("safetensors")).unwrap());
    }
    assert_eq!(kinds.len(), 18);
    let types = open(&folder("kinds/types.pth")).unwrap();
    let dtypes: Vec<DType> = types.tensors.values().map(splatgraph_sdk::Tensor::dtype).collect();
    assert_eq!(dtypes.len(), 13);
    assert!(dtypes.contains(&DType::U16) && dtypes.contains(&DType::U64));
}

#[test]
fn what_cannot_be_read_is_named() {
    let errors: Vec<String> = files("refused", "pth")
        .iter()
        .chain(&files("refused", "npz"))
        .map(|path| {
            let error = open(path).unwrap_err().message;
            let shown = error.replace(folder("refused").to_str().unwrap(), "");
            shown.replace("reading a checkpoint: ", "")
        })
        .collect();
    insta::assert_snapshot!(errors.join("\n"));
}

#[test]
fn a_small_pickle_takes_little_memory() {
    // A text of a thousand letters, named two million times.
    let text = [b"\x80\x02X\xe8\x03\0\0".to_vec(), vec![b'x'; 1000], b"q\0".to_vec()].concat();
    let repeated = [text, b"(".to_vec(), b"h\0".repeat(1_999_000), b"l.".to_vec()].concat();
    insta::assert_snapshot!(parse_pickle(&repeated).unwrap_err(), @"expected a pickle without much repetition, got one that repeats itself too often");
    let endless = [b"\x80\x02N".to_vec(), b"\x94".repeat(5_000_000), b".".to_vec()].concat();
    insta::assert_snapshot!(parse_pickle(&endless).unwrap_err(), @"expected a pickle of at most 4000000 instructions, got a longer one");
}

/// Writes an index and its parts, with a tensor of one number each.
fn sharded(index: &str, parts: &[(&str, &[&str])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (part, names) in parts {
        let tensors =
            names.iter().map(|name| ((*name).to_owned(), splatgraph_sdk::Tensor::from_vec([1], vec![1f32]).unwrap()));
        let checkpoint = Checkpoint { tensors: tensors.collect(), ..Checkpoint::default() };
        checkpoint.save(&folder.path().join(part), DType::F32).unwrap();
    }
    std::fs::write(folder.path().join("model.safetensors.index.json"), index).unwrap();
    folder
}

#[test]
fn a_model_in_several_files_is_read_by_its_index() {
    let index = r#"{"metadata": {"total_size": 12}, "weight_map": {"a": "one.safetensors", "b": "two.safetensors", "c": "below/three.safetensors"}}"#;
    let parts: [(&str, &[&str]); 3] =
        [("one.safetensors", &["a"]), ("two.safetensors", &["b", "further"]), ("below/three.safetensors", &["c"])];
    let folder = sharded(index, &parts);
    let whole = open(&folder.path().join("model.safetensors.index.json")).unwrap();
    assert_eq!(whole.tensors.keys().collect::<Vec<_>>(), ["a", "b", "c", "further"]);
    assert_eq!(whole.tensors["c"].as_slice::<f32>().unwrap(), [1.0]);
    // The parts may be files of torch.save too.
    std::fs::copy(self::folder("kinds/views.pth"), folder.path().join("one.safetensors")).unwrap();
    let error = open(&folder.path().join("model.safetensors.index.json")).unwrap_err().message;
    assert!(error.contains("expected the tensor `a` in the part"), "{error}");
}

#[test]
fn an_index_that_does_not_fit_its_parts_is_an_error() {
    let error = |index: &str, parts: &[(&str, &[&str])]| {
        let folder = sharded(index, parts);
        let error = open(&folder.path().join("model.safetensors.index.json")).unwrap_err().message;
        error.replace(folder.path().to_str().unwrap(), "[DIR]")
    };
    let two = r#"{"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}"#;
    insta::assert_snapshot!(error(two, &[("one.safetensors", &["a"])]), @r#"reading a checkpoint: expected the part "two.safetensors" beside the index, got no such file; get all parts of the model: [DIR]/model.safetensors.index.json"#);
    insta::assert_snapshot!(error(two, &[("one.safetensors", &["a"]), ("two.safetensors", &["b", "a"])]), @r#"reading a checkpoint: expected each tensor in one part, got `a` in "one.safetensors" and in "two.safetensors": [DIR]/model.safetensors.index.json"#);
    insta::assert_snapshot!(error(two, &[("one.safetensors", &["a"]), ("two.safetensors", &["c"])]), @r#"reading a checkpoint: expected the tensor `b` in the part "two.safetensors", got none of that name; get all parts of the same version: [DIR]/model.safetensors.index.json"#);
    insta::assert_snapshot!(error(r#"{"weight_map": {"a": "../one.safetensors"}}"#, &[]), @r#"reading a checkpoint: expected parts in the folder of the index, got "../one.safetensors": [DIR]/model.safetensors.index.json"#);
    insta::assert_snapshot!(error(r#"{"weight_map": {"a": "/etc/passwd"}}"#, &[]), @r#"reading a checkpoint: expected parts in the folder of the index, got "/etc/passwd": [DIR]/model.safetensors.index.json"#);
    insta::assert_snapshot!(error(r#"{"weight_map": {"a": "model.safetensors.index.json"}}"#, &[]), @"reading a checkpoint: reading a part of a checkpoint: expected a whole .safetensors file, got the index of a model in several files: [DIR]/model.safetensors.index.json: [DIR]/model.safetensors.index.json");
    insta::assert_snapshot!(error(r#"{"nodes": {}}"#, &[]), @"reading a checkpoint: expected a checkpoint, or the index of a model in several files with the key `weight_map`, got other JSON text (missing field `weight_map` at line 1 column 13): [DIR]/model.safetensors.index.json");
    insta::assert_snapshot!(error(&format!("{{\"weight_map\": {}", "[".repeat(1_000_000)), &[]), @"reading a checkpoint: expected a checkpoint, or the index of a model in several files with the key `weight_map`, got other JSON text (invalid type: sequence, expected a map at line 1 column 15): [DIR]/model.safetensors.index.json");
}
