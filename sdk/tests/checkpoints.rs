//! Checkpoints as PyTorch writes them (`checkpoints/make.py`), whole and broken.

use splatgraph_sdk::{
    DType, Record,
    checkpoint::{Checkpoint, Pickle, numpy_array, open, parse_pickle},
};
use std::path::{Path, PathBuf};

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/checkpoints").join(name)
}

fn content(name: &str) -> Vec<u8> {
    std::fs::read(file(name)).unwrap()
}

#[test]
fn both_formats_hold_the_same_tensors() {
    let (pth, safetensors) = (open(&file("flat.pth")).unwrap(), open(&file("flat.safetensors")).unwrap());
    assert_eq!(pth.tensors.keys().collect::<Vec<_>>(), safetensors.tensors.keys().collect::<Vec<_>>());
    for (name, tensor) in &pth.tensors {
        let other = &safetensors.tensors[name];
        assert_eq!(
            (tensor.shape(), tensor.dtype(), tensor.bytes()),
            (other.shape(), other.dtype(), other.bytes()),
            "{name}"
        );
    }
    assert_eq!(pth.tensors["linear.transposed"].as_slice::<f32>().unwrap(), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    assert_eq!(pth.tensors["view"].as_slice::<f64>().unwrap(), [4.0, 5.0, 6.0]);
    assert_eq!(pth.tensors["brain"].dtype(), DType::BF16);
    assert_eq!(pth.tensors["steps"].shape(), [0usize; 0]);
    assert_eq!(safetensors.metadata["map"], "[16,16]");
}

#[test]
fn nested_dictionaries_are_flattened() {
    let checkpoint = open(&file("nested.pth")).unwrap();
    assert_eq!(checkpoint.tensors.keys().collect::<Vec<_>>(), ["ema.a", "model.0.weight", "parameter"]);
}

#[test]
fn a_pickle_that_asks_for_code_is_refused_by_name() {
    let error = Checkpoint::from_bytes(&content("code.pth")).unwrap_err();
    insta::assert_snapshot!(error, @"expected a file without code, got one that asks to run `posix.system`. If you trust the file, load it in Python and save its state_dict() as .safetensors");
}

#[test]
fn other_files_are_told_apart() {
    let error = |bytes: &[u8]| Checkpoint::from_bytes(bytes).unwrap_err().message;
    insta::assert_snapshot!(error(b""), @"expected a checkpoint (.safetensors or a file of torch.save), got an empty file");
    insta::assert_snapshot!(error(b"GIF89a, a picture"), @"expected a checkpoint (.safetensors or a file of torch.save), got a picture (GIF)");
    insta::assert_snapshot!(error(b"\n<!DOCTYPE html>\n<html></html>"), @"expected a checkpoint (.safetensors or a file of torch.save), got a web page (HTML); download the file itself instead of the page about it");
    insta::assert_snapshot!(error(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"), @"expected a checkpoint (.safetensors or a file of torch.save), got a Git LFS pointer in place of the file; run `git lfs pull`, or download the file itself");
    insta::assert_snapshot!(error(b"{\"weight_map\": {}}"), @"expected a checkpoint, got the index of a model in several files; open it by its path");
    insta::assert_snapshot!(error(b"anything else"), @"expected a checkpoint (.safetensors or a file of torch.save), got a damaged one or another kind of file");
    insta::assert_snapshot!(error(b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."), @"expected a whole pickle, got one that ends at byte 0");
    let missing = open(&file("none.pth")).unwrap_err().message.replace(env!("CARGO_MANIFEST_DIR"), "sdk");
    insta::assert_snapshot!(missing, @"reading a checkpoint: No such file or directory (os error 2): sdk/tests/checkpoints/none.pth");
}

#[test]
fn damage_never_panics_and_never_fills_the_memory() {
    let kinds = ["legacy-1", "legacy-4", "zip-4", "big-endian", "views", "python-2", "classes"];
    let kinds = kinds.map(|name| format!("kinds/{name}.pth"));
    for name in ["flat.pth", "nested.pth", "flat.safetensors"].into_iter().chain(kinds.iter().map(String::as_str)) {
        let whole = content(name);
        for end in 0..whole.len() {
            // A cut archive has lost its directory; a cut record its last tensor.
            assert!(Checkpoint::from_bytes(&whole[..end]).is_err(), "{name} cut at {end}");
        }
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x55;
            let _ = Checkpoint::from_bytes(&damaged);
        }
    }
}

#[test]
fn a_pickle_that_doubles_itself_is_stopped() {
    // A list that holds itself twice, again and again: 2 to the power of 64 values.
    let mut bytes = b"\x80\x04K\x01\x94".to_vec();
    for key in 0..64 {
        bytes.extend([b'h', key, b'h', key, 0x86, 0x94]);
    }
    bytes.push(b'.');
    insta::assert_snapshot!(parse_pickle(&bytes).unwrap_err(), @"expected a pickle without much repetition, got one that repeats itself too often");
    // Lists in lists, and tuples around tuples.
    let lists = [b"\x80\x04".to_vec(), b"]".repeat(1_000_000), b"a".repeat(999_999), b".".to_vec()].concat();
    insta::assert_snapshot!(parse_pickle(&lists).unwrap_err(), @"expected a pickle without deep nesting, got one that is nested too deeply");
    let tuples = [b"\x80\x04N".to_vec(), b"\x85".repeat(1_000_000), b".".to_vec()].concat();
    insta::assert_snapshot!(parse_pickle(&tuples).unwrap_err(), @"expected a pickle without deep nesting, got one that is nested too deeply");
}

#[test]
fn plain_values_are_read() {
    // pickle.dumps({"a": [1, -2, 300, 1 << 40], "b": (0.5, None, True)}, protocol=4)
    let bytes = b"\x80\x04\x95\x31\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x01a\x94]\x94(K\x01J\xfe\xff\xff\xffM,\x01\x8a\x06\x00\x00\x00\x00\x00\x01e\x8c\x01b\x94G?\xe0\x00\x00\x00\x00\x00\x00N\x88\x87\x94u.";
    let Pickle::Dict(pairs) = parse_pickle(bytes).unwrap() else { panic!("a dict") };
    assert_eq!(pairs[0].1, Pickle::List(vec![Pickle::Int(1), Pickle::Int(-2), Pickle::Int(300), Pickle::Int(1 << 40)]));
    assert_eq!(pairs[1].1, Pickle::List(vec![Pickle::Float(0.5), Pickle::None, Pickle::Bool(true)]));
}

#[test]
fn a_list_that_is_filled_after_it_was_shared_is_whole_everywhere() {
    // a = []; b = [a, a]; a.append(7): pickle.dumps(b, protocol=2)
    let Pickle::List(items) = parse_pickle(b"\x80\x02]q\x00(]q\x01K\x07ah\x01e.").unwrap() else { panic!("a list") };
    assert_eq!(items, [Pickle::List(vec![Pickle::Int(7)]), Pickle::List(vec![Pickle::Int(7)])]);
    // a = []; a.append(a)
    insta::assert_snapshot!(parse_pickle(b"\x80\x02]q\x00h\x00a.").unwrap_err(), @"expected a pickle without deep nesting, got one that is nested too deeply");
}

fn pickled(name: &str) -> Vec<(String, Pickle)> {
    let Pickle::Dict(pairs) = parse_pickle(&content(name)).unwrap() else { panic!("a dict") };
    let name = |key| if let Pickle::Text(name) = key { name } else { panic!("a name") };
    pairs.into_iter().map(|(key, value)| (name(key), value)).collect()
}

#[test]
fn arrays_of_numpy_are_read_from_every_protocol() {
    for protocol in [2, 4, 5] {
        let arrays = pickled(&format!("arrays-{protocol}.pickle"));
        assert_eq!(arrays.len(), 10);
        for (name, array) in arrays {
            let tensor = numpy_array(&array).unwrap();
            let (dtype, shape, numbers): (_, &[usize], Vec<f32>) = match name.as_str() {
                "f8" => (DType::F64, &[2, 3], vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]),
                "f2" => (DType::F16, &[2, 3], vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]),
                "i8" => (DType::I64, &[2, 3], vec![-3.0, -2.0, -1.0, 0.0, 1.0, 2.0]),
                "u1" => (DType::U8, &[2, 3], vec![250.0, 251.0, 252.0, 253.0, 254.0, 255.0]),
                "b1" => (DType::Bool, &[2, 3], vec![1.0, 0.0, 1.0, 0.0, 1.0, 0.0]),
                "view" => (DType::F32, &[2, 3], vec![4.0, 6.0, 8.0, 10.0, 12.0, 14.0]),
                "empty" => (DType::F32, &[0, 5], vec![]),
                "single" => (DType::F64, &[], vec![7.0]),
                _ => (DType::F32, &[2, 3], vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]),
            };
            assert_eq!((tensor.dtype(), tensor.shape()), (dtype, shape), "{name}, protocol {protocol}");
            assert_eq!(tensor.to_f32(), numbers, "{name}, protocol {protocol}");
        }
    }
}

#[test]
fn what_is_no_array_is_refused_by_name() {
    let errors = |protocol| -> Vec<String> {
        let all = pickled(&format!("no-arrays-{protocol}.pickle"));
        let others = all.iter().filter(|(name, _)| name != "big-endian");
        others.map(|(name, value)| format!("{name}: {}", numpy_array(value).unwrap_err())).collect()
    };
    insta::assert_debug_snapshot!(errors(4), @r#"
    [
        "objects: expected a NumPy array of plain numbers, got one of type `O8`",
        "text: expected a NumPy array of plain numbers, got one of type `U1`",
        "matrix: expected a plain NumPy array, got `numpy.matrix`",
        "scalar: expected a NumPy array, got a call of `numpy._core.multiarray.scalar`",
        "code: expected a NumPy array, got a call of `posix.system`",
        "dict: expected a NumPy array, got a dict",
    ]
    "#);
    // The names of modules differ, and who says first what is wrong.
    for protocol in [2, 5] {
        assert_eq!(errors(protocol).len(), 6);
    }
}

#[test]
fn big_endian_arrays_are_turned() {
    for protocol in [2, 4, 5] {
        let all = pickled(&format!("no-arrays-{protocol}.pickle"));
        let (_, array) = all.iter().find(|(name, _)| name == "big-endian").unwrap();
        assert_eq!(numpy_array(array).unwrap().as_slice::<f32>().unwrap(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    }
}

/// What fuzzing found worth keeping (see the folder `fuzz`): nothing of it may panic.
#[test]
fn the_corpus_is_read_without_a_panic() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    for (reader, read) in [
        ("record", (|bytes| drop(Record::from_safetensors(bytes))) as fn(&[u8])),
        ("checkpoint", |bytes| drop(Checkpoint::from_bytes(bytes))),
        ("pickle", |bytes| {
            // The magic number, the version and the facts about the machine of a file of torch, which the value follows.
            let head = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}.";
            drop(Checkpoint::from_bytes(&[&head[..], bytes].concat()));
            drop(parse_pickle(bytes).map(|root| numpy_array(&root)));
        }),
        ("layout_bank", |bytes| drop(parse_pickle(bytes).map(|root| numpy_array(&root)))),
    ] {
        let mut replayed = 0;
        for entry in std::fs::read_dir(corpus.join(reader)).unwrap() {
            read(&std::fs::read(entry.unwrap().path()).unwrap());
            replayed += 1;
        }
        assert!(replayed > 0, "{reader}");
    }
}
