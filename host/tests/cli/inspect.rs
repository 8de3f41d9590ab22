//! `splatgraph inspect`.

use std::fs;

use splatgraph_sdk::{DType, Record, Tensor};

use crate::support::Place;

#[test]
fn records_and_checkpoints_are_inspected() {
    let place = Place::new();
    let gaussians = Tensor::from_vec([1, 2, 5], (0..10).map(|i| i as f32 / 4.0).collect::<Vec<_>>()).unwrap();
    let textures = Tensor::from_vec([1, 2, 1], vec![1.0f32, f32::NAN]).unwrap();
    let fields = vec![("gaussians".to_owned(), gaussians), ("textures".to_owned(), textures)];
    let header = serde_json::json!({"canvas": [256, 256]}).as_object().unwrap().clone();
    let record = Record { type_name: "TOKENS".into(), header, fields };
    record.save(&place.path("work/tokens.safetensors"), DType::F32).unwrap();
    insta::assert_snapshot!(place.run(&["inspect", "tokens.safetensors"]).all(), @r"
    exit code 0
    --- stdout
    TOKENS  record, 2 fields, 256 bytes, 1024.0 bits a token
      canvas: [256,256]

      field      dtype  shape      min  max   mean   NaN  infinite
      gaussians  f32    [1, 2, 5]  0    2.25  1.125  0    0
      textures   f32    [1, 2, 1]  1    1     1      1    0
    --- stderr
    ");

    let weight = Tensor::from_vec([2, 2], vec![0.0f32; 4]).unwrap();
    let weights = Record { fields: vec![("a.weight".into(), weight)], ..Record::default() };
    weights.save(&place.path("work/model.safetensors"), DType::F16).unwrap();
    insta::assert_snapshot!(place.run(&["inspect", "model.safetensors"]).all(), @r"
    exit code 0
    --- stdout
    checkpoint  1 tensor
      f16: 1 tensor, 4 numbers, 8 bytes
      header: {}
      type: 

      a.weight  f16  [2, 2]
    --- stderr
    ");
    let json: serde_json::Value =
        serde_json::from_str(&place.run(&["inspect", "model.safetensors", "--json"]).stdout).unwrap();
    assert_eq!((&json["kind"], &json["tensors"][0]["shape"]), (&"checkpoint".into(), &serde_json::json!([2, 2])));
}

/// A file that torch wrote; the tests of the SDK describe how.
fn torch_file(name: &str) -> String {
    format!("{}/../sdk/tests/checkpoints/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn checkpoints_of_torch_are_inspected_and_run_nothing() {
    let place = Place::new();
    insta::assert_snapshot!(place.run(&["inspect", &torch_file("flat.pth")]).all(), @r"
    exit code 0
    --- stdout
    checkpoint  6 tensors
      bf16: 1 tensor, 1 number, 2 bytes
      f16: 1 tensor, 2 numbers, 4 bytes
      f32: 2 tensors, 12 numbers, 48 bytes
      f64: 1 tensor, 3 numbers, 24 bytes
      i64: 1 tensor, 1 number, 8 bytes

      brain              bf16  [1, 1]
      half               f16   [2]
      linear.transposed  f32   [3, 2]
      linear.weight      f32   [2, 3]
      steps              i64   []
      view               f64   [3]
    --- stderr
    ");
    let code = place.run(&["inspect", &torch_file("code.pth")]);
    assert_eq!((code.code, code.stdout.as_str()), (1, ""));
}

#[test]
fn other_files_cannot_be_inspected() {
    let place = Place::new();
    place.write("notes.txt", "hello");
    insta::assert_snapshot!(place.run(&["inspect", "notes.txt"]).all(), @"
    exit code 1
    --- stdout
    --- stderr
    error: expected a record (.safetensors, or a file of a loaded pack), a checkpoint (.safetensors, .pth) or a picture, got another file
      notes.txt
    ");
    insta::assert_snapshot!(place.run(&["inspect", "missing.png"]).all(), @r"
    exit code 1
    --- stdout
    --- stderr
    error: the file cannot be read: No such file or directory (os error 2)
      missing.png
    ");
    fs::write(place.path("work/half.png"), b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR").unwrap();
    insta::assert_snapshot!(place.run(&["inspect", "half.png"]).all(), @"
    exit code 1
    --- stdout
    --- stderr
    error: expected a valid PNG picture: unexpected end of file
      half.png
    ");
    fs::write(place.path("work/half.safetensors"), b"\x40\0\0\0\0\0\0\0{\"a\":").unwrap();
    assert_eq!(place.run(&["inspect", "half.safetensors"]).code, 1);
}
