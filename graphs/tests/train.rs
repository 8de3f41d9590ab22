//! A training that is killed and continued ends with the same bytes, through the real binary and the real packs.

mod support;

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use support::{program, project};

/// The smallest tokenizer that decodes tiles of 256 pixels, for a few steps; the state is saved after each.
const TOKENIZER: &str = r#"{
  "version": 1,
  "nodes": {
    "train": { "class_type": "gpstoken.TrainTokenizer", "inputs": {
      "data": "pictures", "output": "trained.safetensors", "steps": 8, "pictures": 1, "seed": 5, "warm_up": 2, "save_minutes": 0,
      "sizes": { "stem": 2, "width": 8, "blocks": 1, "bins": 2, "textures": 3, "levels": [2, 2, 2, 4, 4], "residuals": 1 },
      "token_counts": { "__value__": [4, 9] }
    } }
  }
}"#;

const LAYOUTS: &str = r#"{
  "version": 1,
  "nodes": {
    "train": { "class_type": "gpstoken.TrainLayout", "inputs": {
      "data": "pictures", "output": "trained.safetensors", "steps": 8, "pictures": 2, "seed": 5, "warm_up": 2, "save_minutes": 0,
      "tokens": 6, "crops": 4, "depth": 1, "width": 8, "heads": 2
    } }
  }
}"#;

const TEXTURES: &str = r#"{
  "version": 1,
  "nodes": {
    "tokenizer": { "class_type": "gpstoken.LoadTokenizer", "inputs": { "model": "small" } },
    "train": { "class_type": "gpstoken.TrainTexture", "inputs": {
      "data": "pictures", "output": "trained.safetensors", "steps": 8, "pictures": 2, "seed": 5, "warm_up": 2, "save_minutes": 0,
      "tokenizer": ["tokenizer", "tokenizer"], "tokens": 6, "crops": 4, "depth": 1, "width": 8, "heads": 2
    } }
  }
}"#;

/// Two classes of one picture each.
fn place(graph: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (class, name) in [("cats", "chelsea_256.png"), ("houses", "china_512.png")] {
        let from = project().join("nodes/gpstoken/tests/goldens/images").join(name);
        let class = folder.path().join("pictures").join(class);
        fs::create_dir_all(&class).unwrap();
        fs::copy(from, class.join(name)).unwrap();
    }
    fs::write(folder.path().join("graph.json"), graph).unwrap();
    folder
}

/// The graphics card of this machine, if the build has one; lavapipe counts.
fn card() -> Option<String> {
    let output = Command::new(program()).args(["devices", "--json"]).output().unwrap();
    let packs: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut devices = packs["gpstoken"].as_array().unwrap().iter();
    let card = devices
        .find(|device| device["id"].as_str().unwrap().starts_with("gpu:") && device.get("unavailable").is_none());
    if card.is_none() {
        println!("skipped: this build or this machine has no graphics card");
    }
    Some(card?["id"].as_str().unwrap().to_owned())
}

fn command(folder: &Path, device: &str) -> Command {
    let mut command = Command::new(program());
    command.args(["run", "graph.json", "--device", device, "--threads", "2"]).current_dir(folder);
    command.env("NO_COLOR", "1").stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

fn finish(folder: &Path, device: &str) -> Vec<u8> {
    let output = command(folder, device).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::read(folder.join("trained.safetensors")).unwrap()
}

/// Rows of the loss table: the header and the steps that were saved.
fn rows(folder: &Path) -> usize {
    fs::read_to_string(folder.join("trained.loss.csv")).map_or(0, |text| text.lines().count())
}

#[test]
fn a_killed_training_of_a_tokenizer_ends_with_the_same_bytes() {
    ends_with_the_same_bytes_when_killed(TOKENIZER, "cpu");
}

#[test]
fn a_killed_training_with_a_discriminator_ends_with_the_same_bytes() {
    let more = r#""adversarial": 0.1, "adversarial_from": 3, "adversarial_channels": 2, "token_counts""#;
    ends_with_the_same_bytes_when_killed(&TOKENIZER.replace("\"token_counts\"", more), "cpu");
}

#[test]
fn a_killed_training_of_a_generator_of_layouts_ends_with_the_same_bytes() {
    ends_with_the_same_bytes_when_killed(LAYOUTS, "cpu");
}

#[test]
fn a_killed_training_of_a_generator_of_textures_ends_with_the_same_bytes() {
    ends_with_the_same_bytes_when_killed(TEXTURES, "cpu");
}

#[test]
fn a_killed_training_of_a_generator_of_one_stage_ends_with_the_same_bytes() {
    ends_with_the_same_bytes_when_killed(&TEXTURES.replace("\"tokens\"", "\"stages\": 1, \"tokens\""), "cpu");
}

/// Each run is a process of its own, so this also shows that what a card computes does not depend on what a process measures.
#[test]
fn killed_trainings_on_a_graphics_card_end_with_the_same_bytes() {
    let Some(card) = card() else { return };
    for graph in [TOKENIZER, LAYOUTS] {
        ends_with_the_same_bytes_when_killed(graph, &card);
    }
}

fn ends_with_the_same_bytes_when_killed(graph: &str, device: &str) {
    let (whole, killed) = (place(graph), place(graph));
    let expected = finish(whole.path(), device);
    let state = fs::read(whole.path().join("trained.training.safetensors")).unwrap();
    assert_eq!(rows(whole.path()), 9);
    for file in ["loss.png", "examples.png", "training.safetensors"] {
        assert!(whole.path().join("trained").with_extension(file).exists(), "{file}");
    }

    let folder = killed.path();
    for kills in 1..=2 {
        let mut run = command(folder, device).stderr(Stdio::null()).spawn().unwrap();
        let start = Instant::now();
        while rows(folder) < 1 + 2 * kills && start.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(5));
        }
        run.kill().unwrap();
        run.wait().unwrap();
        let saved = rows(folder);
        assert!((2..9).contains(&saved), "killed too late or too early: {saved} rows");
    }
    assert_eq!(finish(folder, device), expected);
    assert_eq!(fs::read(folder.join("trained.training.safetensors")).unwrap(), state);
    // A finished training does not run again, and is not mistaken for another one.
    assert_eq!(finish(folder, device), expected);
    fs::write(folder.join("graph.json"), graph.replace("\"seed\": 5", "\"seed\": 6")).unwrap();
    let output = command(folder, device).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("expected the settings of its start, got others"), "{text}");
    assert_eq!(fs::read(folder.join("trained.safetensors")).unwrap(), expected);
}
