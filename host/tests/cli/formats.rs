//! `inspect` and `convert` for files that only a pack can read.

use std::fs;

use splatgraph_sdk::{DType, Record, Tensor};

use crate::support::Place;

fn place() -> Place {
    let place = Place::with_stub();
    place.add_pack("second_pack", "packs");
    place.write("a.digits", "048");
    place
}

#[test]
fn a_file_of_a_pack_is_inspected_and_compared() {
    let place = place();
    insta::assert_snapshot!(place.run(&["inspect", "a.digits"]).all(), @r"
    exit code 0
    --- stdout
    SELECTION  record, 1 field, 3 bytes

      field     dtype  shape   min  max  mean  NaN  infinite
      selected  f32    [1, 3]  0    1    0.5   0    0
    --- stderr
    ");
    place.write("b.digits", "047");
    let ran = place.run(&["inspect", "a.digits", "b.digits", "--tolerance", "0.2"]);
    insta::assert_snapshot!(ran.all(), @r"
    exit code 0
    --- stdout
    A  a.digits  SELECTION
    B  b.digits  SELECTION

      field     dtype  shape   differ  max    at      RMS        cosine
      selected  f32    [1, 3]  1 of 3  0.125  [0, 2]  0.0721688  0.99846

    within 0.2: the largest difference is 0.125, in `selected` at [0, 2]
    --- stderr
    ");
    place.write("c.digits", "x");
    insta::assert_snapshot!(place.run(&["inspect", "c.digits"]).all(), @"
    exit code 1
    --- stdout
    --- stderr
    error: expected digits, got other characters
    ");
}

#[test]
fn a_record_is_converted_there_and_back() {
    let place = place();
    let ran = place.run(&["convert", "a.digits", "a.safetensors"]);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, "", ""));
    assert_eq!(place.run(&["convert", "a.safetensors", "again.digits"]).code, 0);
    assert_eq!(place.read("again.digits"), "048");
    let ran = place.run(&["inspect", "a.safetensors", "again.digits", "--tolerance", "0"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
}

#[test]
fn files_that_no_node_reads_or_takes_are_errors() {
    let place = place();
    let mask = Tensor::from_vec([1, 1, 1], vec![0.5f32]).unwrap();
    let mask = Record { type_name: "MASK".into(), fields: vec![("mask".into(), mask)], ..Record::default() };
    mask.save(&place.path("work/mask.safetensors"), DType::F32).unwrap();
    let error = |arguments: &[&str]| {
        let ran = place.run(arguments);
        assert_eq!(ran.stdout, "");
        format!("{}: {}", ran.code, ran.stderr)
    };
    insta::assert_snapshot!(error(&["convert", "mask.safetensors", "mask.digits"]), @"1: error: expected SELECTION, which second.WriteDigits writes, got MASK");
    insta::assert_snapshot!(error(&["convert", "a.digits", "a.numbers"]), @"1: error: converting: expected a file with one of the extensions that are written with the loaded packs: .safetensors, .digits, .txt, .json, .png: a.numbers");
    insta::assert_snapshot!(error(&["convert", "a.txt", "a.digits"]), @"
    2: error: expected a new file, got one that exists; choose another name, or remove the file first
      a.digits
    ");
    insta::assert_snapshot!(error(&["convert", "a.txt", "b.digits"]), @"1: error: converting: expected a file with one of the extensions that are read with the loaded packs: .safetensors, .digits: a.txt");
    assert!(!fs::exists(place.path("work/mask.digits")).unwrap());
}
