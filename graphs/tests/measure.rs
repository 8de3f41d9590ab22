//! The graphs for tables of papers: features of a folder, in one batch and in parts, what two folders say about each other, and
//! reports that put such numbers beside others.

mod support;

use serde_json::Value;
use splatgraph_sdk::{DType, Tensor, checkpoint};
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

/// Runs a command that has to succeed.
#[track_caller]
fn succeed(folder: &Path, arguments: &[&str]) {
    let ran = splatgraph(folder, arguments);
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

#[test]
fn a_report_has_the_columns_of_table_1_that_are_about_all_pictures() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    // The weights of LPIPS are too large for the project.
    let mut table: Value = serde_json::from_str(&fs::read_to_string(graphs().join("table-1.json")).unwrap()).unwrap();
    for part in ["inputs", "outputs", "nodes"] {
        assert!(table[part].as_object_mut().unwrap().remove("lpips").is_some());
    }
    fs::write(folder.join("table-1.json"), table.to_string()).unwrap();
    let graph = |name: &str| graphs().join(name).display().to_string();
    let image = format!("image={}", graphs().join("[ac]*.png").display());
    let weights = format!("inception={}", inception().display());
    succeed(folder, &["batch", &graph("features.json"), &image, &weights, "--out", "originals"]);
    let values = [image.as_str(), &weights, "tokens=16,64"];
    succeed(
        folder,
        &[&["batch", "table-1.json"], &values[..], &["--table", "results.csv", "--out", "tokens"]].concat(),
    );
    let values = ["features=tokens/features-*", "reference=originals/features"];
    let measuring = graph("measure-reconstruction.json");
    succeed(folder, &[&["batch", &measuring], &values[..], &["--table", "sets.csv", "--out", "sets"]].concat());
    let paper = graphs().join("beside/gpstoken-table-1.csv").display().to_string() + ":M128";
    let ran = splatgraph(folder, &["report", "tokens", "sets", "--beside", &paper, "--json", "--out", "report"]);
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
    let names: Vec<&str> =
        report["measures"].as_array().unwrap().iter().map(|measure| measure["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["psnr", "ssim", "rec_fid", "rec_sfid"]);
    assert_eq!(report["inputs"], serde_json::json!(["results", "tokens"]));
    for (configuration, tokens) in report["configurations"].as_array().unwrap().iter().zip(["16", "64"]) {
        assert_eq!((&configuration["values"][1], &configuration["items"]), (&tokens.into(), &2.into()));
        let ran = splatgraph(
            folder,
            &["run", &measuring, &format!("features=tokens/features-{tokens}"), values[1], "--json"],
        );
        let alone: Value = serde_json::from_slice(&ran.stdout).expect("JSON");
        for (at, name) in [(2, "rec_fid"), (3, "rec_sfid")] {
            assert_eq!(configuration["summaries"][at]["mean"], alone["outputs"][name]);
        }
    }
    assert_eq!(report["beside"][0]["numbers"], serde_json::json!([24.06, 0.657, 0.65, 3.28]));
    let text = fs::read_to_string(folder.join("report/report.md")).unwrap();
    for fact in [
        r"reference: originals/features",
        r"rec\_about.statistics.convention: adm",
        r"rec\_about.reference.pictures: 2",
        r"compared.convention: gaussian",
    ] {
        assert!(text.contains(fact), "{fact}: {text}");
    }
}

#[test]
fn the_course_of_a_training_is_a_curve_over_its_checkpoints() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    features(folder, "originals", &["size=64"]);
    // A training needs burn; it keeps such files.
    fs::create_dir(folder.join("course")).unwrap();
    let path = project().join("nodes/gpstoken/models/small-texture.safetensors");
    for (step, scale) in [(500, 0.5), (1000, 0.9), (10_000, 1.0)] {
        let mut kept = checkpoint::open(&path).unwrap();
        for tensor in kept.tensors.values_mut() {
            let scaled: Vec<f32> = tensor.to_f32().into_iter().map(|v| v * scale).collect();
            *tensor = Tensor::from_vec(tensor.shape(), scaled).unwrap();
        }
        kept.save(&folder.join(format!("course/texture-step-{step:06}.safetensors")), DType::F32).unwrap();
    }
    let graph = |name: &str| graphs().join(name).display().to_string();
    let weights = format!("inception={}", inception().display());
    let values = ["generator=course/texture-step-*.safetensors", "seed=0,1", "steps=2", "layout_steps=2", &weights];
    let output = "output=features/{generator}/{seed}.safetensors";
    let options = [output, "--table", "samples.csv", "--out", "samples"];
    succeed(folder, &[&["batch", &graph("table-2.json")], &values[..], &options].concat());
    let values = ["features=samples/features/*", "reference=originals/features", "splits=1", "neighbours=1"];
    succeed(
        folder,
        &[&["batch", &graph("measure.json")], &values[..], &["--table", "fid.csv", "--out", "fid"]].concat(),
    );
    let ran = splatgraph(folder, &["report", "samples", "fid", "--over", "seed", "--json", "--out", "report"]);
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
    let fid = |at: usize| report["configurations"][at]["summaries"][0]["mean"].as_f64().unwrap();
    assert_eq!(report["measures"][0]["name"], "fid");
    let all = [fid(0), fid(1), fid(2)];
    assert!(all.iter().all(|fid| *fid > 0.0) && all[0] != all[1] && all[1] != all[2], "{all:?}");
    let text = fs::read_to_string(folder.join("report/report.md")).unwrap();
    assert!(text.contains("![fid over the number in generator](report-plot-1.svg)"), "{text}");
}

/// Sums in another order differ in the last bits.
#[expect(clippy::cast_possible_truncation, reason = "to forget the last bits")]
fn f32_of(value: f64) -> f32 {
    value as f32
}
