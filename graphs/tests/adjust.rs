//! The graph that counts tokens inside a rectangle: a table over weights, and its curve.

mod support;

use serde_json::Value;
use std::{fs, path::Path, process::Command};
use support::{graphs, program};

fn splatgraph(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new(program());
    command.args(arguments).current_dir(folder).env("NO_COLOR", "1");
    let ran = command.output().expect("splatgraph runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

#[test]
fn a_larger_weight_draws_more_tokens_into_the_rectangle() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let graph = graphs().join("adjust.json").display().to_string();
    let weights = ["0", "10", "50", "100", "200", "500"];
    for mode in ["add", "multiply"] {
        let values = [format!("weight={}", weights.join(",")), format!("mode={mode}")];
        splatgraph(
            folder,
            &["batch", &graph, &values[0], &values[1], "--table", "table.csv", "--no-files", "--out", mode],
        );
        let journal = fs::read_to_string(folder.join(mode).join("batch.jsonl")).unwrap();
        let items = journal.lines().skip(1).filter_map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            let weight = line["values"]["weight"].as_str()?.parse::<f64>().unwrap();
            Some((weight, line["outputs"]["inside"].as_u64()?))
        });
        let mut items: Vec<(f64, u64)> = items.collect();
        items.sort_by(|a, b| a.0.total_cmp(&b.0));
        let counts: Vec<u64> = items.into_iter().map(|(_, count)| count).collect();
        println!("{mode}: {counts:?}");
        assert_eq!(counts.len(), weights.len());
        assert!(counts.windows(2).all(|pair| pair[0] <= pair[1]), "{counts:?}");
        assert!(counts[0] < counts[2] && counts[2] < counts[5], "{counts:?}");
        // 64 x 64 pixels are a sixteenth of the picture, and regions of 8 x 8 pixels are the smallest.
        assert!(counts[0] < 40 && counts[5] <= 64, "{counts:?}");
    }
    splatgraph(folder, &["report", "add", "multiply", "--out", "report"]);
    let report = fs::read_to_string(folder.join("report/report.md")).unwrap();
    assert!(report.contains("![inside over weight"), "{report}");
}
