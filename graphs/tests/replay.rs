//! A recorded run of another implementation, replayed in a graph: the noise, the layouts and the tokens are files.

mod support;

use splatgraph_sdk::{DType, Record, Tensor, checkpoint};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use support::{program, project};

const GRAPH: &str = r#"{
  "version": 1,
  "nodes": {
    "generator": { "class_type": "gpstoken.LoadGenerator", "inputs": { "model": "generator.safetensors", "heads": 6, "normalisation": NORMALISATION } },
    "layout": { "class_type": "std.LoadRecord", "inputs": { "path": "layout.safetensors" } },
    "noise": { "class_type": "std.LoadRecord", "inputs": { "path": "noise.safetensors" } },
    "texture": { "class_type": "gpstoken.TextureDiffusion", "inputs": {
      "generator": ["generator", "generator"], "layout": ["layout", "value"], "noise": ["noise", "value"],
      "classes": { "__value__": [3, 7] }, "steps": 10
    } },
    "save": { "class_type": "std.SaveRecord", "inputs": { "value": ["texture", "tokens"], "path": "tokens.safetensors" } }
  }
}"#;

fn goldens(name: &str) -> PathBuf {
    project().join("nodes/gpstoken/tests/goldens").join(name)
}

fn save(folder: &Path, name: &str, type_name: &str, fields: &[(&str, &[usize], &[f32])]) {
    let field = |(name, shape, values): &(&str, &[usize], &[f32])| {
        ((*name).to_owned(), Tensor::from_vec(*shape, values.to_vec()).unwrap())
    };
    let fields = fields.iter().map(field).collect();
    Record { type_name: type_name.to_owned(), fields, ..Record::default() }
        .save(&folder.join(name), DType::F32)
        .unwrap();
}

#[test]
fn recorded_noise_gives_the_recorded_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let sampling = checkpoint::open(&goldens("sit_sampling.safetensors")).unwrap().tensors;
    let post = checkpoint::open(&goldens("sit_post.safetensors")).unwrap().tensors;
    let numbers = |key: &str| post[key].as_slice::<f32>().unwrap();
    fs::copy(goldens("weights_sit_cond.safetensors"), folder.join("generator.safetensors")).unwrap();
    save(folder, "layout.safetensors", "LAYOUT", &[("gaussians", &[2, 64, 5], numbers("g_init"))]);
    let (start, steps) = (sampling["z"].to_f32(), sampling["sde10.noise"].to_f32());
    save(folder, "noise.safetensors", "", &[("start", &[2, 21, 64], &start), ("steps", &[9, 2, 21, 64], &steps)]);
    let normalisation = serde_json::json!({ "means": numbers("means"), "stds": numbers("stds") });
    fs::write(folder.join("graph.json"), GRAPH.replace("NORMALISATION", &normalisation.to_string())).unwrap();

    let ran = Command::new(program())
        .args(["run", "graph.json"])
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .output()
        .expect("splatgraph runs");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
    assert!(said.contains("normalisation from the input `normalisation`"), "{said}");

    let tokens = Record::load(&folder.join("tokens.safetensors")).unwrap();
    assert_eq!(tokens.type_name, "TOKENS");
    let field = |name: &str| tokens.field(name).unwrap().as_slice::<f32>().unwrap();
    let rows = field("gaussians").chunks_exact(5).zip(field("textures").chunks_exact(16));
    let rows: Vec<f32> = rows.flat_map(|(gaussian, texture)| [gaussian, texture].concat()).collect();
    let recorded = numbers("tokens");
    assert_eq!(rows.len(), recorded.len());
    let distance = rows.iter().zip(recorded).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    // Textures are up to 3.1 times the samples, which agree to 1.6e-5.
    assert!(distance <= 5e-5, "{distance}");
}
