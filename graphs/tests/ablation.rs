//! The graph that switches parts of the tokenizer off, through the real binary and the real packs.

mod support;

use serde_json::Value;
use std::{path::Path, process::Command};
use support::{graphs, program};

/// The named outputs of a graph.
fn outputs(folder: &Path, graph: &str) -> Value {
    let mut command = Command::new(program());
    command.arg("run").arg(graphs().join(graph)).args(["--json", "--device", "cpu"]);
    let output = command.current_dir(folder).env("NO_COLOR", "1").output().expect("splatgraph runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice::<Value>(&output.stdout).unwrap()["outputs"].clone()
}

#[test]
fn each_part_that_is_switched_on_brings_something_and_all_together_are_the_method() {
    let folder = tempfile::tempdir().unwrap();
    let [rows, whole] = ["ablation.json", "reconstruct.json"].map(|graph| outputs(folder.path(), graph));
    println!("{rows}");
    for measure in ["psnr", "ssim"] {
        let of = |row: &str| rows[format!("{row}_{measure}")].as_f64().unwrap_or_else(|| panic!("{rows}"));
        assert_eq!(Some(of("method")), whole[measure].as_f64());
        assert!(of("grid") < of("entropy") && of("entropy") < of("method"), "{rows}");
    }
}
