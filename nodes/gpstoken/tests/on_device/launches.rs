//! A test that all launches of whole runs are shaders of the pack, so that burn makes and tries no kernel.

use super::{
    computes,
    devices::{finish, picture_of, tiny_model, tiny_tokenizer, tokens_of},
    image_of,
};
use burn_cubecl::cubecl::logging::{LaunchObservation, LaunchObserver};
use splatgraph_pack_gpstoken::{
    device::Compute,
    nodes::{
        generate::{
            layout_diffusion::layout_diffusion, load_generator::LoadGenerator, texture_diffusion::texture_diffusion,
        },
        tokenize::load_tokenizer::LoadTokenizer,
    },
};
use splatgraph_sdk::{
    Value,
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
    }
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
    let launches = Arc::new(Launches::default());
    let watching = LaunchObservation::new(launches.clone());
    work();
    drop(watching);
    let launches = launches.0.lock().unwrap_or_else(PoisonError::into_inner);
    println!("{what}: {} launches", launches.values().sum::<usize>());
    let (shaders, others): (Vec<_>, Vec<_>) = launches.iter().partition(|(name, _)| name.ends_with("::Shader>"));
    assert!(others.is_empty(), "{what}: expected only shaders of the pack, got {others:?}");
    assert!(!shaders.is_empty(), "{what}: nothing was launched");
}
