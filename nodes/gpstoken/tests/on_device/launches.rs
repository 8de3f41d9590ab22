//! A test that all launches of whole runs are shaders of the pack, so that burn makes and tries no kernel.

use super::{
    computes,
    devices::{finish, picture_of, tiny_model, tiny_tokenizer, tokens_of},
    image_of,
    support::lpips::tiny_network,
};
use burn_cubecl::cubecl::logging::{LaunchObservation, LaunchObserver};
use splatgraph_pack_gpstoken::{
    device::Compute,
    lpips::Backbone,
    nodes::{
        generate::{
            layout_diffusion::layout_diffusion, load_generator::LoadGenerator, texture_diffusion::texture_diffusion,
        },
        tokenize::load_tokenizer::LoadTokenizer,
        train::{train_layout::train_layout, train_tokenizer::train_tokenizer},
    },
};
use splatgraph_sdk::{
    Value,
    serde_json::Value as Json,
    settings::Precision,
    testing::{Recorder, json, run, run_with},
};
use std::{
    collections::BTreeMap,
    env,
    process::Command,
    sync::{Arc, Mutex, PoisonError},
};

const NAME: &str = "launches::whole_runs_launch_only_shaders_of_the_pack";
/// Set in the process that counts.
const COUNTS: &str = "SPLATGRAPH_TEST_COUNTS_LAUNCHES";

/// Numbers of launches by the kernels' names.
#[derive(Default)]
struct Launches(Mutex<BTreeMap<&'static str, usize>>);

impl LaunchObserver for Launches {
    fn launched(&self, kernel: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(kernel).or_default() += 1;
    }
}

/// An observation sees the launches of the whole process. So the test counts in a process of its own, where no other test runs.
#[test]
fn whole_runs_launch_only_shaders_of_the_pack() {
    if env::var_os(COUNTS).is_none() {
        let mut alone = Command::new(env::current_exe().unwrap());
        let output = alone.args([NAME, "--exact", "--nocapture"]).env(COUNTS, "1").output().unwrap();
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        println!("{text}");
        assert!(output.status.success() && text.contains("1 passed"), "the process that counts failed");
        return;
    }
    for compute in computes().into_iter().filter(|compute| compute.id().starts_with("gpu")) {
        for precision in [Precision::F32, Precision::F16] {
            if let Err(error) = Compute::open(compute.id(), precision, false) {
                println!("skipped: {} in {}: {error}", compute.id(), precision.name());
                continue;
            }
            let model = tiny_model();
            let tokenizer = tiny_tokenizer(&model, compute.id(), precision);
            let picture = image_of(&["china_512.png"]);
            expect_only_shaders(&format!("tiles in {} on {}", precision.name(), compute.id()), || {
                for tiles in ["merged", "separate", "overlapping"] {
                    let tokens = tokens_of(&tokenizer, &picture, json!({"tokens": 20}));
                    assert!(!picture_of(&finish(&tokenizer, tokens, tiles).image).is_empty());
                }
            });
        }
        expect_only_shaders(&format!("built-in models on {}", compute.id()), || generate(compute.id()));
        expect_no_trials(&format!("trainings on {}", compute.id()), || train(compute.id()));
    }
}

/// Trains small networks for two steps, the tokenizer with all its losses.
fn train(device: &str) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data/cats");
    std::fs::create_dir_all(&data).unwrap();
    std::fs::copy(super::support::folder().join("images/chelsea_256.png"), data.join("chelsea.png")).unwrap();
    let lpips = tiny_network(Backbone::Alex);
    let inputs = |output: &str, more: Json| {
        let mut inputs = json!({
            "data": folder.path().join("data"), "output": folder.path().join(output), "steps": 2, "pictures": 1, "device": device,
        });
        inputs.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        inputs
    };
    let sizes = json!({"stem": 2, "width": 8, "blocks": 1, "bins": 2, "textures": 3, "levels": [2, 2, 2, 4, 4], "residuals": 1});
    let losses = json!({"lpips": lpips.path(), "perceptual": 0.1, "adversarial": 0.1, "adversarial_channels": 2});
    let mut more = json!({"sizes": sizes, "token_counts": [4]});
    more.as_object_mut().unwrap().extend(losses.as_object().unwrap().clone());
    run::<train_tokenizer>(inputs("tokenizer.safetensors", more), []).unwrap();
    let more = json!({"tokens": 6, "crops": 4, "depth": 1, "width": 8, "heads": 2});
    run::<train_layout>(inputs("layout.safetensors", more), []).unwrap();
}

/// What burn launches in trainings besides the pack's shaders: operations on single numbers, and copies. It tries no kernels for these.
const UNTRIED: [&str; 12] =
    ["elemwise", "binary", "unary", "copy", "slice", "full", "flip", "select", "pool", "mask", "cast", "comparison"];

fn expect_no_trials(what: &str, work: impl FnOnce()) {
    let launches = launches_of(work);
    let tried =
        |name: &str| !name.ends_with("::Shader>") && !UNTRIED.iter().any(|known| name.to_lowercase().contains(known));
    let tried: Vec<_> = launches.iter().filter(|(name, _)| tried(name)).collect();
    println!("{what}: {} launches", launches.values().sum::<usize>());
    assert!(tried.is_empty(), "{what}: expected no kernels that burn tries, got {tried:?}");
    assert!(launches.keys().any(|name| name.ends_with("::Shader>")), "{what}: no shader ran");
}

/// Generates a picture with the built-in models, in few steps.
fn generate(device: &str) {
    let load = |model: &str| run::<LoadGenerator>(json!({"model": model, "device": device}), []).unwrap().remove(0);
    let settings = json!({"class": 0, "steps": 2});
    let layout = run::<layout_diffusion>(settings.clone(), [("generator", load("small-layout"))]).unwrap().remove(0);
    let inputs = [("generator", load("small-texture")), ("layout", layout)];
    let tokens = run::<texture_diffusion>(settings, inputs).unwrap().remove(0);
    let host = Recorder::default();
    let inputs = json!({"model": "small", "device": device});
    let tokenizer: Value = run_with::<LoadTokenizer>(&host, inputs, []).unwrap().remove(0);
    assert!(!picture_of(&finish(&tokenizer, tokens, "merged").image).is_empty());
}

fn expect_only_shaders(what: &str, work: impl FnOnce()) {
    let launches = launches_of(work);
    println!("{what}: {} launches", launches.values().sum::<usize>());
    let (shaders, others): (Vec<_>, Vec<_>) = launches.iter().partition(|(name, _)| name.ends_with("::Shader>"));
    assert!(others.is_empty(), "{what}: expected only shaders of the pack, got {others:?}");
    assert!(!shaders.is_empty(), "{what}: nothing was launched");
}

/// The numbers of launches during some work, by the kernels' names.
fn launches_of(work: impl FnOnce()) -> BTreeMap<&'static str, usize> {
    let launches = Arc::new(Launches::default());
    let watching = LaunchObservation::new(launches.clone());
    work();
    drop(watching);
    std::mem::take(&mut *launches.0.lock().unwrap_or_else(PoisonError::into_inner))
}
