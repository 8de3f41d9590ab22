//! Graphs that repeat and choose give what the same work gives that is written out by hand, and what `batch` gives.

mod support;

use serde_json::{Map, Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use support::{graphs, program};

/// Runs the program in a folder, and gives what it prints.
fn run(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new(program()).args(arguments).current_dir(folder).env("NO_COLOR", "1").output();
    let output = output.expect("splatgraph runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a graph, and gives its results as JSON.
fn results(folder: &Path, arguments: &[&str]) -> Value {
    let text = run(folder, &[&["run"], arguments, &["--json"]].concat());
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{arguments:?}: {text}"))
}

fn graph(name: &str) -> String {
    graphs().join(name).to_str().unwrap().to_owned()
}

/// The nodes of one of the graphs.
fn nodes(name: &str) -> Map<String, Value> {
    let graph: Value = serde_json::from_slice(&fs::read(graphs().join(name)).unwrap()).unwrap();
    graph["nodes"].as_object().unwrap().clone()
}

/// A folder with both photos.
fn place() -> (tempfile::TempDir, PathBuf) {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().to_owned();
    for name in ["astronaut.png", "chelsea.png"] {
        fs::copy(graphs().join(name), folder.join(name)).unwrap();
    }
    (temporary, folder)
}

#[test]
fn a_contact_sheet_equals_one_that_is_written_out() {
    let (_temporary, folder) = place();
    results(&folder, &[&graph("contact-sheet.json"), "folder=.", "size=64", "columns=2", "output=sheet.png"]);
    let mut nodes = Map::new();
    let tile = self::nodes("parts/sheet-tile.json");
    for name in ["astronaut", "chelsea"] {
        for (id, node) in &tile {
            let mut node = node.clone();
            for (_, value) in node["inputs"].as_object_mut().into_iter().flatten() {
                if let Some(source) = value.get(0).and_then(Value::as_str) {
                    *value = json!([format!("{name}-{source}"), value[1]]);
                }
            }
            match id.as_str() {
                "load" => node["inputs"] = json!({ "path": format!("{name}.png") }),
                "fit" => (node["inputs"]["width"], node["inputs"]["height"]) = (64.into(), 64.into()),
                "text" => node["inputs"]["a"] = name.into(),
                _ => {}
            }
            nodes.insert(format!("{name}-{id}"), node);
        }
    }
    let tiles = json!([["astronaut-label", "image"], ["chelsea-label", "image"]]);
    nodes.insert("sheet".to_owned(), json!({ "class_type": "std.Grid", "inputs": { "images": tiles, "columns": 2 } }));
    let save =
        json!({ "class_type": "std.SaveImage", "inputs": { "image": ["sheet", "image"], "path": "by-hand.png" } });
    nodes.insert("save".to_owned(), save);
    fs::write(folder.join("by-hand.json"), json!({ "nodes": nodes }).to_string()).unwrap();
    results(&folder, &["by-hand.json"]);
    assert!(pixels(&folder.join("sheet.png")) == pixels(&folder.join("by-hand.png")));
}

/// The pixels of a picture, without the graph in it.
fn pixels(path: &Path) -> Vec<u8> {
    let decoder = png::Decoder::new(std::io::BufReader::new(fs::File::open(path).unwrap()));
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    pixels
}

#[test]
fn a_fold_equals_its_passes_written_out() {
    let (_temporary, folder) = place();
    let arguments =
        |graph: String| [graph, "image=chelsea.png".into(), "other=astronaut.png".into(), "tokens=32".into()];
    let mut by_hand: Value = serde_json::from_slice(&fs::read(graphs().join("morph-steps.json")).unwrap()).unwrap();
    let walk = by_hand["nodes"].as_object_mut().unwrap().shift_remove("walk").unwrap();
    let mut from = json!(["refine", "tokens"]);
    let mut frames = Vec::new();
    for pass in 0..3 {
        let step = json!({ "a": from, "b": ["refine_other", "tokens"], "frames": 1, "t": 0.3 });
        let id = |name: &str| format!("{name}{pass}");
        by_hand["nodes"][id("step")] = json!({ "class_type": "gpstoken.InterpolateTokens", "inputs": step });
        from = json!([id("step"), "tokens"]);
        by_hand["nodes"][id("splat")] = json!({ "class_type": "gpstoken.Splat", "inputs": { "tokens": from } });
        let decode = json!({ "tokenizer": ["tokenizer", "tokenizer"], "map": [id("splat"), "map"] });
        by_hand["nodes"][id("decode")] = json!({ "class_type": "gpstoken.Decode", "inputs": decode });
        frames.push(json!([id("decode"), "image"]));
    }
    by_hand["nodes"]["strip"]["inputs"]["images"] = frames.into();
    by_hand["nodes"]["save"]["inputs"]["path"] = "by-hand.png".into();
    by_hand["outputs"] = json!({ "tokens": from });
    by_hand["inputs"].as_object_mut().unwrap().shift_remove("part");
    fs::write(folder.join("by-hand.json"), by_hand.to_string()).unwrap();
    let mut three: Value = serde_json::from_slice(&fs::read(graphs().join("morph-steps.json")).unwrap()).unwrap();
    assert_eq!(three["nodes"]["walk"], walk);
    three["nodes"]["walk"]["fold"]["times"] = 3.into();
    fs::write(folder.join("three.json"), three.to_string()).unwrap();
    for graph in ["three.json", "by-hand.json"] {
        let all = arguments(graph.to_owned());
        results(&folder, &all.iter().map(String::as_str).collect::<Vec<_>>());
    }
    assert!(pixels(&folder.join("morph-steps.png")) == pixels(&folder.join("by-hand.png")));
}

#[test]
fn each_gives_what_a_batch_gives() {
    let (_temporary, folder) = place();
    let part = json!({
        "inputs": { "image": "load.path", "size": ["small.width", "small.height"] },
        "outputs": { "psnr": ["compare", "psnr"] },
        "nodes": {
            "load": { "class_type": "std.LoadImage" },
            "small": { "class_type": "std.Resize", "inputs": { "image": ["load", "image"], "width": 64, "height": 64 } },
            "fast": { "class_type": "std.Resize", "inputs": { "image": ["load", "image"], "width": 64, "height": 64, "filter": "nearest" } },
            "compare": { "class_type": "std.Compare", "inputs": { "a": ["small", "image"], "b": ["fast", "image"] } },
        },
    });
    fs::write(folder.join("part.json"), part.to_string()).unwrap();
    let all = json!({
        "version": 2,
        "outputs": { "psnr": ["all", "psnr"] },
        "nodes": {
            "files": { "class_type": "std.ListFiles", "inputs": { "folder": "." } },
            "all": { "class_type": "./part.json", "each": { "over": "image" }, "inputs": { "image": ["files", "paths"] } },
        },
    });
    fs::write(folder.join("all.json"), all.to_string()).unwrap();
    let each = results(&folder, &["all.json"])["outputs"]["psnr"].clone();
    run(&folder, &["batch", "part.json", "image=*.png", "--table", "table.csv", "--out", "out"]);
    let table = fs::read_to_string(folder.join("out/table.csv")).unwrap();
    let column = table.lines().next().unwrap().split(',').position(|name| name == "psnr").unwrap();
    // The means below have no picture.
    let rows = table.lines().skip(1).filter(|line| !line.contains(",,"));
    let batch: Vec<f64> = rows.map(|line| line.split(',').nth(column).unwrap().parse().unwrap()).collect();
    assert_eq!(each, json!(batch));
    assert_eq!(batch.len(), 2);
}

#[test]
fn the_loop_ends_with_the_first_picture_that_is_good_enough() {
    let (_temporary, folder) = place();
    let loop_until = |psnr: &str| {
        results(
            &folder,
            &[&graph("refine-until.json"), "image=chelsea.png", psnr, "first=32", "step=32", "output=out.png"],
        )
    };
    let reached = |result: &Value| -> Vec<f64> {
        result["outputs"]["psnr"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
    };
    let all = loop_until("psnr=27");
    let passes = reached(&all);
    assert!(passes.len() > 1, "{all}");
    let (last, before) = passes.split_last().unwrap();
    assert!(*last >= 27.0 && before.iter().all(|psnr| *psnr < 27.0), "{passes:?}");
    assert_eq!(all["outputs"]["tokens"], 32 * passes.len());
}

#[test]
fn only_the_chosen_tokenizer_is_loaded() {
    let (_temporary, folder) = place();
    // The other file is there, but it is no model.
    fs::write(folder.join("broken.safetensors"), "no model").unwrap();
    let arguments = |choose: &str, output: &str| {
        let graph = graph("choose-tokenizer.json");
        let all = ["image=chelsea.png", "tokens=32", "second=broken.safetensors", choose, output];
        [vec![graph], all.map(str::to_owned).to_vec()].concat()
    };
    let first = arguments("choose=0", "output=out.png");
    let result = results(&folder, &first.iter().map(String::as_str).collect::<Vec<_>>());
    let nodes = result["nodes"].as_array().unwrap();
    let status = |id: &str| nodes.iter().find(|node| node["id"] == id).unwrap()["status"].clone();
    assert_eq!((status("first"), status("second")), ("done".into(), "not_needed".into()));
    let mut command = Command::new(program());
    let output =
        command.arg("run").args(arguments("choose=1", "output=other.png")).current_dir(&folder).output().unwrap();
    assert!(!output.status.success() && !folder.join("other.png").exists());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("node `second` (gpstoken.LoadTokenizer) failed"), "{said}");
}

#[test]
fn a_picture_carries_the_graph_that_it_repeats() {
    let (_temporary, folder) = place();
    let photos = ["folder=.", "pattern=[ac]*.png"];
    results(&folder, &[&[&*graph("contact-sheet.json"), "size=32", "output=sheet.png"], &photos[..]].concat());
    let first = pixels(&folder.join("sheet.png"));
    run(&folder, &[&["run", "sheet.png", "output=again.png"], &photos[..]].concat());
    assert!(pixels(&folder.join("again.png")) == first);
    let converted = run(&folder, &["convert", "sheet.png"]);
    let graph: Value = serde_json::from_str(&converted).unwrap();
    assert_eq!(graph["nodes"]["tiles"]["graph"]["outputs"], json!({ "tile": ["label", "image"] }));
}
