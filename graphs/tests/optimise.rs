//! The graphs that optimise tokens, through the real binary and the real packs.

mod support;

use serde_json::Value;
use std::{path::Path, process::Command};
use support::{graphs, program};

/// The named outputs of a graph.
fn outputs(folder: &Path, graph: &str, more: &[&str]) -> Value {
    let mut command = Command::new(program());
    command.arg("run").arg(graphs().join(graph)).args(["--json", "--device", "cpu"]).args(more);
    let output = command.current_dir(folder).env("NO_COLOR", "1").output().expect("splatgraph runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice::<Value>(&output.stdout).unwrap()["outputs"].clone()
}

fn number(outputs: &Value, name: &str) -> f64 {
    outputs[name].as_f64().unwrap_or_else(|| panic!("no {name} in {outputs}"))
}

#[test]
fn optimised_tokens_make_a_better_picture_of_the_same_photo() {
    let folder = tempfile::tempdir().unwrap();
    let optimised = outputs(folder.path(), "optimise.json", &["tokens=32", "steps=5"]);
    let plain = outputs(folder.path(), "reconstruct.json", &["tokens=32"]);
    println!("{optimised}");
    for measure in ["psnr", "ssim"] {
        assert_eq!(optimised[format!("{measure}_before")], plain[measure]);
    }
    assert!(number(&optimised, "psnr") > number(&plain, "psnr") + 0.05, "{optimised}");
    assert!(folder.path().join("chelsea-optimised.png").is_file());
}

#[test]
fn the_gain_of_effort_survives_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let with = |effort: &str, more: &[&str]| {
        let inputs = [&[effort, "tokens=32"], more].concat();
        outputs(folder.path(), "compress.json", &inputs)
    };
    let plain = with("effort=0", &[]);
    let some = with("effort=1", &["--set", "optimise.steps=4"]);
    let more = with("effort=2", &["--set", "optimise_more.steps=8"]);
    println!("{plain}\n{some}\n{more}");
    assert!(number(&some, "psnr") > number(&plain, "psnr") + 0.05);
    assert!(number(&more, "psnr") > number(&some, "psnr"));
    for better in [some, more] {
        let growth = number(&better, "bytes") / number(&plain, "bytes");
        assert!((0.9..1.1).contains(&growth), "{growth} times the bytes");
    }
}
