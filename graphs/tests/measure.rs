//! The graphs for tables of papers: features of a folder, in one batch and in parts, and what two folders say about each other.

mod support;

use serde_json::Value;
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};
use support::{graphs, inception, program, project};

fn splatgraph(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(program());
    command.args(arguments).current_dir(folder).env("NO_COLOR", "1");
    command.output().expect("splatgraph runs")
}

/// Runs a batch of `features.json` over the recorded pictures.
#[track_caller]
fn features(folder: &Path, out: &str, options: &[&str]) {
    let graph = graphs().join("features.json").display().to_string();
    let image = format!("image={}", project().join("nodes/gpstoken/tests/goldens/images/*.png").display());
    let weights = format!("inception={}", inception().display());
    let arguments = ["batch", &graph, &image, &weights, "--out", out];
    let ran = splatgraph(folder, &[&arguments, options].concat());
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

fn measure(folder: &Path, features: &str, reference: &str) -> Result<Value, String> {
    let graph = graphs().join("measure.json").display().to_string();
    let (features, reference) = (format!("features={features}"), format!("reference={reference}"));
    let ran = splatgraph(folder, &["run", &graph, &features, &reference, "splits=1", "neighbours=2", "--json"]);
    let result: Value = serde_json::from_slice(&ran.stdout).expect("JSON");
    match ran.status.success() {
        true => Ok(result["outputs"].clone()),
        false => Err(result["failures"][0]["message"].as_str().unwrap_or_default().to_owned()),
    }
}

/// The files of a folder with their content.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let mut files: Vec<_> =
        entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect();
    files.sort();
    files
}

#[test]
fn folders_of_features_are_measured_and_parts_give_the_same_ones() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    features(folder, "whole", &["size=256"]);
    for part in ["1/2", "2/2"] {
        features(folder, "parts", &["size=256", "--part", part]);
    }
    let whole = files(&folder.join("whole/features"));
    assert_eq!(whole.len(), fs::read_dir(project().join("nodes/gpstoken/tests/goldens/images")).unwrap().count());
    assert!(whole == files(&folder.join("parts/features")), "parts have the same features");

    let same = measure(folder, "whole/features", "parts/features").unwrap();
    assert!(same["fid"].as_f64().unwrap().abs() < 1e-6 && same["sfid"].as_f64().unwrap().abs() < 1e-5, "{same}");
    assert_eq!((same["precision"].as_f64(), same["recall"].as_f64()), (Some(1.0), Some(1.0)));
    assert_eq!(same["about"]["reference"]["pictures"], whole.len());

    features(folder, "small", &["size=64"]);
    let small = measure(folder, "small/features", "whole/features").unwrap();
    assert!(small["fid"].as_f64().unwrap() > 0.1, "{small}");
    let turned = measure(folder, "whole/features", "small/features").unwrap();
    assert!((turned["fid"].as_f64().unwrap() - small["fid"].as_f64().unwrap()).abs() < 1e-6);
    assert_eq!(turned["kid"].as_f64().map(f32_of), small["kid"].as_f64().map(f32_of));

    features(folder, "other", &["size=64", "convention=clean-fid"]);
    insta::assert_snapshot!(measure(folder, "other/features", "whole/features").unwrap_err(), @"expected features of the convention `clean-fid`, got the convention `adm`. Values of two conventions are not comparable: compute both with one of them");
}

/// Sums in another order differ in the last bits.
#[expect(clippy::cast_possible_truncation, reason = "to forget the last bits")]
fn f32_of(value: f64) -> f32 {
    value as f32
}
