//! Paths with line breaks and control characters: no message of any command shows them as they are.

use crate::node;
use crate::output::{NAME, SHOWN, is_inert};
use crate::support::Place;
use serde_json::json;

/// A folder with a graph that reads and writes a text, and with odd files and folders.
fn odd() -> Place {
    let place = Place::with_stub();
    let nodes = json!({
        "read": node("ReadText", json!({"path": "text.txt"})),
        "save": node("WriteText", json!({"text": ["read", "text"], "path": "out.txt"})),
    });
    let whole = json!({
        "version": 1,
        "inputs": {"file": "read.path", "output": "save.path"},
        "outputs": {"text": ["read", "text"]},
        "nodes": nodes,
    });
    place.write("graph.json", &whole.to_string());
    place.write("text.txt", "x");
    place.write("text-2.txt", "x");
    place.write(&format!("{NAME}.txt"), "a file");
    place.write(&format!("{NAME}.csv"), &format!("\"{NAME}\"\n1\n"));
    place.write(&format!("{NAME}.so"), "no library");
    place.write(&format!("{NAME}.json"), "{\"nodes\": 1}");
    place.write(&format!("{NAME}-used/{NAME}"), "a file of somebody");
    place.write(&format!("{NAME}-batch/batch.jsonl"), "no journal");
    place.write(&format!("{NAME}-crate/Cargo.toml"), "no crate");
    place
}

#[test]
fn every_command_shows_paths_on_one_line() {
    let place = odd();
    let named = |behind: &str| format!("{NAME}{behind}");
    let [text, csv, library, json, used, batch, made, none, none_csv] =
        [".txt", ".csv", ".so", ".json", "-used", "-batch", "-crate", "-none", "-none.csv"].map(named);
    let [in_text, set, pattern, both] =
        [format!("{text}/x"), format!("read.path={none}"), format!("file={none}*"), format!("output={none}")];
    let [table, missing_table, column] = [format!("@{csv}"), format!("@{none_csv}"), format!("file=@{csv}")];
    let used_file = format!("file={used}/{NAME}");
    let commands: &[&[&str]] = &[
        &["run", &none],
        &["run", &json],
        &["run", "graph.json", "--set", &set],
        &["run", "graph.json", "--out", &text],
        &["run", "graph.json", "--debug", &used],
        &["run", "graph.json", "--debug", &text],
        &["run", "graph.json", "--debug", &used, &used_file],
        &["run", "graph.json", "--previews", &text],
        &["run", "graph.json", "--packs", &none],
        &["run", "graph.json", &both, "file=none.txt", "--out", &in_text],
        &["check", &none],
        &["check", &json],
        &["draw", &none],
        &["convert", &none],
        &["convert", &text, "x.json"],
        &["inspect", &none],
        &["inspect", &text],
        &["inspect", &library, &text],
        &["bench", &none],
        &["watch", &none],
        &["batch", &none],
        &["batch", "graph.json", "--out", &text],
        &["batch", "graph.json", "--out", &batch],
        &["batch", "graph.json", &pattern],
        &["batch", "graph.json", "file=text*.txt", &both],
        &["batch", "graph.json", &table],
        &["batch", "graph.json", &missing_table],
        &["batch", "graph.json", &column],
        &["batch", "graph.json", "file=none.txt", "--out", &in_text],
        &["packs", "add", &none],
        &["packs", "add", &library],
        &["packs", "add", &made],
        &["packs", "remove", &none],
        &["packs", "--packs", &none],
        &["nodes", "--packs", &none],
        &["devices", "--packs", &none],
        &["schema", "--packs", &none],
        &["new-pack", &used],
    ];
    let mut wrong = Vec::new();
    for arguments in commands {
        let output = place.command(arguments).output().unwrap();
        let [stdout, stderr] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        let is_right = is_inert(&stdout) && is_inert(&stderr) && !output.status.success() && stderr.contains(SHOWN);
        if !is_right {
            wrong.push(format!("{arguments:?}: {} {stdout:?} {stderr:?}", output.status));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
