//! `splatgraph inspect A B`.

use serde_json::{Value as Json, json};
use splatgraph_sdk::{DType, Record, Tensor};

use crate::support::Place;

/// Writes a record of these f32 fields, each `[1, n]`, stored as `dtype`.
fn record(place: &Place, name: &str, header: &Json, fields: &[(&str, &[f32])], dtype: DType) {
    let fields = fields
        .iter()
        .map(|(name, numbers)| ((*name).to_owned(), Tensor::from_vec([1, numbers.len()], numbers.to_vec()).unwrap()));
    let header = header.as_object().unwrap().clone();
    let record = Record { type_name: "TOKENS".into(), header, fields: fields.collect() };
    record.save(&place.path("work").join(name), dtype).unwrap();
}

fn compared(place: &Place, options: &[&str]) -> Json {
    let ran = place.run(&[&["inspect", "a.safetensors", "b.safetensors", "--json"], options].concat());
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.all()))
}

#[test]
fn equal_records_are_equal_and_nan_at_the_same_place_is_counted() {
    let place = Place::new();
    let fields: [(&str, &[f32]); 2] = [("x", &[1.0, f32::NAN, 2.0]), ("y", &[0.5, f32::INFINITY])];
    record(&place, "a.safetensors", &json!({"tile": 256}), &fields, DType::F32);
    record(&place, "b.safetensors", &json!({"tile": 256}), &fields, DType::F16);
    let ran = place.run(&["inspect", "a.safetensors", "b.safetensors", "--tolerance", "0"]);
    insta::assert_snapshot!(ran.all(), @r"
    exit code 0
    --- stdout
    A  a.safetensors  TOKENS
    B  b.safetensors  TOKENS

      field  dtype     shape   differ  max  at  RMS  cosine
      x      f32, f16  [1, 3]  0 of 3  0    -   0    1       1 NaN in both
      y      f32, f16  [1, 2]  0 of 2  0    -   0    1

    within 0: equal: 5 numbers in 2 fields
    --- stderr
    ");
}

#[test]
fn differences_are_shown_field_by_field() {
    let place = Place::new();
    let header = json!({"tile": 256, "canvas": [256, 256]});
    record(&place, "a.safetensors", &header, &[("x", &[1.0, 2.0, 3.0]), ("y", &[1.0])], DType::F32);
    let header = json!({"tile": 256, "canvas": [512, 512], "map": [64, 64]});
    record(&place, "b.safetensors", &header, &[("x", &[1.0, 2.25, 3.0]), ("y", &[1.0])], DType::F32);
    let run = |options: &[&str]| place.run(&[&["inspect", "a.safetensors", "b.safetensors"], options].concat());
    insta::assert_snapshot!(run(&[]).all(), @r"
    exit code 0
    --- stdout
    A  a.safetensors  TOKENS
    B  b.safetensors  TOKENS

    Headers
      canvas: [256,256] in A, [512,512] in B
      map: [64,64] only in B

      field  dtype  shape   differ  max   at      RMS       cosine
      x      f32    [1, 3]  1 of 3  0.25  [0, 1]  0.144338  0.998517
      y      f32    [1, 1]  0 of 1  0     -       0         1

    the largest difference is 0.25, in `x` at [0, 1]
    --- stderr
    ");
    assert_eq!((run(&["--tolerance", "0.25"]).code, run(&["--tolerance", "0.24"]).code), (0, 1));
    insta::assert_snapshot!(run(&["--tolerance", "1e-3"]).stdout.lines().last().unwrap(), @"not within 0.001: the largest difference is 0.25, in `x` at [0, 1]");
    let json = compared(&place, &["--tolerance", "0.3"]);
    assert_eq!((&json["within"], &json["fields"][0]["difference"]["at"]), (&json!(true), &json!([0, 1])));
    assert_eq!(json["header"][0], json!({"key": "canvas", "a": [256, 256], "b": [512, 512]}));
    assert_eq!(compared(&place, &[])["within"], false);
}

#[test]
fn other_shapes_fields_and_numbers_that_are_not_finite_are_beyond_any_tolerance() {
    let place = Place::new();
    let nan = [0.0, f32::NAN, 1.0, f32::INFINITY];
    let a: [(&str, &[f32]); 4] = [("same", &[1.0]), ("nan", &nan), ("shape", &[1.0, 2.0]), ("old", &[1.0])];
    let b: [(&str, &[f32]); 4] = [("new", &[1.0]), ("nan", &[0.0; 4]), ("shape", &[1.0]), ("same", &[1.0])];
    record(&place, "a.safetensors", &json!({}), &a, DType::F32);
    record(&place, "b.safetensors", &json!({}), &b, DType::F32);
    let ran = place.run(&["inspect", "a.safetensors", "b.safetensors", "--tolerance", "1000"]);
    insta::assert_snapshot!(ran.all(), @"
    exit code 1
    --- stdout
    A  a.safetensors  TOKENS
    B  b.safetensors  TOKENS

      field  dtype  shape           differ         max  at      RMS       cosine
      nan    f32    [1, 4]          3 of 4         1    [0, 2]  0.707107  -       1 NaN in one only, 1 infinite in one only
      old    f32    [1, 1]          only in A
      same   f32    [1, 1]          0 of 1         0    -       0         1
      shape  f32    [1, 2], [1, 1]  shapes differ
      new    f32    [1, 1]          only in B

    not within 1000: the largest difference is 1, in `nan` at [0, 2]; only one file has NaN or infinity in `nan`; the shapes differ in `shape`; only A has `old`; only B has `new`
    --- stderr
    ");
    for only in [0, 1, 2, 3] {
        record(&place, "a.safetensors", &json!({}), &a[only..=only], DType::F32);
        let partner: Vec<_> = b.iter().filter(|(name, _)| *name == a[only].0).copied().collect();
        record(&place, "b.safetensors", &json!({}), &partner, DType::F32);
        assert_eq!(compared(&place, &["--tolerance", "1000"])["within"], a[only].0 == "same", "{}", a[only].0);
    }
}

#[test]
fn checkpoints_of_all_formats_are_compared() {
    let place = Place::new();
    let weights = |name: &str| format!("{}/../sdk/tests/checkpoints/{name}", env!("CARGO_MANIFEST_DIR"));
    let ran = place.run(&["inspect", &weights("flat.pth"), &weights("flat.safetensors"), "--tolerance", "0"]);
    let text = ran.all().replace(&weights(""), "");
    insta::assert_snapshot!(text, @r#"
    exit code 0
    --- stdout
    A  flat.pth          checkpoint
    B  flat.safetensors  checkpoint

    Headers
      map: "[16,16]" only in B

      field              dtype  shape   differ  max  at  RMS  cosine
      brain              bf16   [1, 1]  0 of 1  0    -   0    1
      half               f16    [2]     0 of 2  0    -   0    1
      linear.transposed  f32    [3, 2]  0 of 6  0    -   0    1
      linear.weight      f32    [2, 3]  0 of 6  0    -   0    1
      steps              i64    []      0 of 1  0    -   0    1
      view               f64    [3]     0 of 3  0    -   0    1

    within 0: equal: 19 numbers in 6 fields; the headers differ
    --- stderr
    "#);
}

#[test]
fn other_files_cannot_be_compared() {
    let place = Place::new();
    record(&place, "a.safetensors", &json!({}), &[("x", &[1.0])], DType::F32);
    place.write("notes.txt", "hello");
    insta::assert_snapshot!(place.run(&["inspect", "a.safetensors", "notes.txt"]).all(), @"
    exit code 1
    --- stdout
    --- stderr
    error: expected a record (.safetensors, or a file of a loaded pack) or a checkpoint (.safetensors, .pth) to compare, got another file
      notes.txt
    ");
    insta::assert_snapshot!(place.run(&["inspect", "missing.safetensors", "a.safetensors"]).all(), @r"
    exit code 1
    --- stdout
    --- stderr
    error: the file cannot be read: No such file or directory (os error 2)
      missing.safetensors
    ");
    let run = |options: &[&str]| place.run(&[&["inspect", "a.safetensors"], options].concat());
    assert_eq!(run(&["--tolerance", "1"]).code, 2);
    insta::assert_snapshot!(run(&["a.safetensors", "--tolerance=-1"]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: invalid value '-1' for '--tolerance <X>': expected a number of at least 0

    For more information, try '--help'.
    ");
    assert_eq!(run(&["a.safetensors", "--tolerance=nan"]).code, 2);
}
