//! `std.LoadRecord` and `std.SaveRecord`.

use crate::told;
use insta::assert_snapshot;
use splatgraph_pack_std::{load_record::load_record, save_record::save_record};
use splatgraph_sdk::{
    prelude::*,
    testing::{json, run},
};
use std::{fs, path::Path};

fn tokens() -> Tokens {
    let gaussians = Tensor::from_vec([1, 2, 5], (0..10).map(|i| i as f32 / 10.0).collect()).unwrap();
    let textures = Tensor::from_vec([1, 2, 3], vec![0.1f32, 0.2, 0.3, -1.0, 5.0, 1e-3]).unwrap();
    let counts = Tensor::from_vec([1], vec![2i64]).unwrap();
    Tokens::new(gaussians, textures, Some(counts), Canvas { canvas: [512, 256], ..Canvas::default() }).unwrap()
}

fn through(path: &Path, dtype: &str) -> Value {
    let saved =
        run::<save_record>(json!({"path": path, "dtype": dtype}), [("value", tokens().into_value().unwrap())]).unwrap();
    assert_eq!(saved[0].as_text(), path.to_str());
    run::<load_record>(json!({"path": path}), []).unwrap().remove(0)
}

#[test]
fn a_record_comes_back_with_type_and_header() {
    let folder = tempfile::tempdir().unwrap();
    let value = through(&folder.path().join("new/tokens.safetensors"), "f32");
    assert_eq!(value.type_name(), "TOKENS");
    let back = Tokens::from_value(&value).unwrap();
    assert_eq!(back.header.canvas, [512, 256]);
    assert_eq!(back.textures.as_slice::<f32>().unwrap(), tokens().textures.as_slice::<f32>().unwrap());
    assert_eq!(back.counts.unwrap().as_slice::<i64>().unwrap(), [2]);
}

#[test]
fn f16_halves_floats_only() {
    let folder = tempfile::tempdir().unwrap();
    let value = through(&folder.path().join("tokens.safetensors"), "f16");
    assert_eq!(value.field("gaussians").unwrap().dtype(), DType::F16);
    assert_eq!(value.field("counts").unwrap().dtype(), DType::I64);
    let back = Tokens::from_value(&value).unwrap();
    for (a, b) in back.textures.as_slice::<f32>().unwrap().iter().zip(tokens().textures.as_slice::<f32>().unwrap()) {
        assert!((a - b).abs() <= b.abs() * 5e-4, "{a} {b}");
    }
}

#[test]
fn what_can_not_be_read_or_written() {
    let folder = tempfile::tempdir().unwrap();
    let load = |name: &str| told(run::<load_record>(json!({"path": folder.path().join(name)}), []), folder.path());
    assert_snapshot!(load("missing.safetensors"), @"path: reading a record: No such file or directory (os error 2): <folder>/missing.safetensors");
    fs::write(folder.path().join("text.safetensors"), "not a record").unwrap();
    assert_snapshot!(load("text.safetensors"), @"path: reading a record: expected a whole .safetensors file, got a damaged one or another kind of file: <folder>/text.safetensors");
    let path = folder.path().join("tokens.safetensors");
    through(&path, "f32");
    let whole = fs::read(&path).unwrap();
    fs::write(folder.path().join("cut.safetensors"), &whole[..whole.len() - 9]).unwrap();
    assert_snapshot!(load("cut.safetensors"), @"path: reading a record: expected a whole .safetensors file, got a damaged one (incomplete metadata, file not fully covered); get the file again: <folder>/cut.safetensors");
    let save =
        |path: &Path, value: Value| told(run::<save_record>(json!({"path": path}), [("value", value)]), folder.path());
    assert_snapshot!(save(&path.join("below/a.safetensors"), tokens().into_value().unwrap()), @"path: writing a record; check that the folder exists, is writable and has space: Not a directory (os error 20): <folder>/tokens.safetensors/below/a.safetensors");
    assert_snapshot!(save(&path, Value::int(3)), @"value: expected a record, got INT");
    assert_eq!(fs::read(&path).unwrap(), whole);
}
