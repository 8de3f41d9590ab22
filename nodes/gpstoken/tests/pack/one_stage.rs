//! Samples in one stage: compares a generator of tokens with the recorded samples, and tests TokenDiffusion as a node.

use super::{
    Golden, assert_near, distance,
    generation::{checkpoint, rows},
    largest, only,
};
use splatgraph_pack_gpstoken::{
    device::list,
    generator::{
        Network, Prepared,
        guidance::Guidance,
        noise::{Noise, normal},
        run::Request,
        sampler::{Diffusion, LastStep, Sampler, Settings},
    },
    kernels::cpu::Level,
    nodes::{
        generate::{
            layout_diffusion::layout_diffusion, load_generator::LoadGenerator, texture_diffusion::texture_diffusion,
            token_diffusion::token_diffusion,
        },
        tokenize::load_tokenizer::LoadTokenizer,
    },
    stages::generator::{Generator, Kind},
    training::sizes::Sizes,
};
use splatgraph_sdk::{
    Canvas, Code, DType, Error, Input, Layout, Local, Output, Record, Resident, Tensor, Tokens, Value,
    checkpoint::Checkpoint,
    serde_json::Value as Json,
    testing::{Event, Recorder, json, run, run_with},
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Pictures, channels and places of the recorded runs.
const SHAPE: [usize; 3] = [2, 13, 16];
const RUNS: [(&str, Sampler); 3] = [("sde", Sampler::Sde), ("euler", Sampler::Euler), ("rk4", Sampler::Rk4)];

fn golden() -> Golden {
    Golden::open("one_stage.safetensors")
}

/// Five times the difference between the recorded run in f32 and the same run in f64.
fn tolerance(golden: &Golden, name: &str) -> f32 {
    let in_f64 = golden.tensor(&format!("{name}.in_f64")).as_slice::<f64>().unwrap();
    let in_f32 = golden.f32(&format!("{name}.final"));
    let differences = in_f32.iter().zip(in_f64).map(|(a, b)| (f64::from(*a) - b).abs());
    5.0 * differences.fold(0.0, f64::max) as f32
}

fn noise(golden: &Golden) -> Record {
    let field = |key: &str| golden.tensor(key).clone();
    Record { fields: vec![("start".into(), field("start")), ("steps".into(), field("noise"))], ..Record::default() }
}

/// The recorded weights as a checkpoint for LoadGenerator.
fn write(folder: &Path, metadata: &[(&str, &str)]) -> PathBuf {
    let path = folder.join("one-stage.safetensors");
    checkpoint(&path, "one_stage.safetensors", metadata, |key, tensor| {
        Some((key.strip_prefix("weights.")?.to_owned(), tensor))
    });
    path
}

fn load(more: Json) -> Value {
    let (folder, golden) = (tempfile::tempdir().unwrap(), golden());
    let normalisation = json!({"means": golden.f32("means"), "stds": golden.f32("stds")}).to_string();
    let mut inputs = json!({"model": write(folder.path(), &[("heads", "3"), ("normalisation", &normalisation)])});
    inputs.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    only(run::<LoadGenerator>(inputs, []).unwrap())
}

fn sample(settings: Json, inputs: impl IntoIterator<Item = (&'static str, Value)>) -> Result<Tokens, Error> {
    let inputs = inputs.into_iter().chain([("generator", load(json!({})))]);
    run::<token_diffusion>(settings, inputs).and_then(|outputs| Tokens::from_value(&only(outputs)))
}

#[test]
fn samplers_repeat_the_recorded_samples_with_every_set_of_instructions() {
    let golden = golden();
    let weights = golden.0.iter().filter_map(|(key, tensor)| Some((key.strip_prefix("weights.")?, tensor)));
    let weights = weights.map(|(key, tensor)| (key.to_owned(), tensor.clone())).collect();
    let network = Network::load(weights, Some(3)).unwrap();
    assert_eq!((network.sizes.condition_channels, network.sizes.fixed_tokens), (None, Some(16)));
    for (name, sampler) in RUNS {
        let settings = Settings { sampler, points: 10, diffusion: Diffusion::Sbdm, last_step: LastStep::Mean };
        for level in Level::all() {
            let request = Request {
                network: &Prepared::new(&network, level, SHAPE[2], &[]),
                sizes: network.sizes,
                count: SHAPE[2],
                classes: &[2, 0],
                guidance: Guidance { scale: 1.5, interval: [0.2, 1.0] },
                settings,
                noise: &Noise::recorded(&noise(&golden), SHAPE, settings.draws()).unwrap(),
            };
            let sampled = request.sample(&mut || Ok(()), &mut |_, _| Ok(())).unwrap();
            let recorded = golden.f32(&format!("{name}.final"));
            assert_near(&format!("{name} {level:?}"), &sampled.values, recorded, tolerance(&golden, name));
        }
    }
}

#[test]
fn recorded_noise_gives_the_recorded_tokens_on_every_device() {
    let golden = golden();
    for device in list() {
        let id = device.id;
        if let Some(why) = device.unavailable {
            println!("skipped: {id}: {why}");
            continue;
        }
        // Only a failure shows that the linked libtorch has no CUDA.
        if id.starts_with("libtorch-cuda") {
            continue;
        }
        let generator = load(json!({"device": id}));
        let loaded = Local::<Generator>::from_value(&generator).unwrap();
        assert_eq!((loaded.network.compute().id(), loaded.kind), (id.as_str(), Kind::Token));
        assert_eq!((&loaded.header()["makes"], &loaded.header()["tokens"]), (&json!("token"), &json!(16)));
        for (name, _) in RUNS {
            let settings = json!({"classes": [2, 0], "count": 2, "steps": 10, "sampler": name});
            let inputs = [("generator", generator.clone()), ("noise", noise(&golden).into_value())];
            let tokens = Tokens::from_value(&only(run::<token_diffusion>(settings, inputs).unwrap())).unwrap();
            assert_eq!((tokens.gaussians.shape(), tokens.textures.shape()), (&[2, 16, 5][..], &[2, 16, 8][..]));
            assert_eq!(tokens.header.model.as_deref(), Some("one-stage"));
            let tolerance = tolerance(&golden, name) * largest(golden.f32("stds"));
            assert_near(&format!("{name} on {id}"), &rows(&tokens), golden.f32(&format!("{name}.tokens")), tolerance);
        }
    }
}

#[test]
fn a_picture_has_the_same_bits_alone_in_a_batch_and_on_any_number_of_threads() {
    let run_on = |threads: usize, seed: u64, count: usize| {
        let host = Recorder::default();
        host.set(json!({"threads": threads}));
        let settings = json!({"class": 1, "seed": seed, "count": count, "steps": 5});
        let tokens = run_with::<token_diffusion>(&host, settings, [("generator", load(json!({})))]).unwrap();
        rows(&Tokens::from_value(&only(tokens)).unwrap())
    };
    let batch = run_on(2, 7, 3);
    assert_eq!(batch, run_on(1, 7, 3));
    for (i, expected) in batch.chunks_exact(16 * 13).enumerate() {
        assert_eq!(run_on(1 + i % 2, 7 + i as u64, 1), expected);
    }
    assert!(distance(&batch[..16 * 13], &batch[16 * 13..2 * 16 * 13]) > 0.1);

    // The noise of seed 7 is the stream that the README documents, from draw 0 on.
    let field = |draws: std::ops::Range<u64>| draws.flat_map(|draw| normal(7, draw, 13 * 16)).collect();
    let start = Tensor::from_vec([1, 13, 16], field(0..1)).unwrap();
    let steps = Tensor::from_vec([4, 1, 13, 16], field(1..5)).unwrap();
    let noise = Record { fields: vec![("start".into(), start), ("steps".into(), steps)], ..Record::default() };
    let replayed = sample(json!({"class": 1, "steps": 5}), [("noise", noise.into_value())]).unwrap();
    assert_eq!(rows(&replayed), batch[..16 * 13]);
}

#[test]
fn runs_report_steps_show_previews_and_stop_when_asked() {
    // The recorded textures have 8 channels.
    let sizes = Sizes { width: 24, blocks: 1, textures: 8, levels: vec![8, 8, 8], residuals: 1, ..Sizes::default() };
    let (folder, tensors) = (tempfile::tempdir().unwrap(), sizes.weights(0).unwrap());
    let file = folder.path().join("tokenizer.safetensors");
    Checkpoint { metadata: BTreeMap::new(), tensors }.save(&file, DType::F32).unwrap();
    let tokenizer = only(run::<LoadTokenizer>(json!({"model": file}), []).unwrap());
    let events = |preview_every: u32| {
        let host = Recorder::default();
        host.set(json!({"previews": true}));
        let inputs = [("generator", load(json!({}))), ("tokenizer", tokenizer.clone())];
        let settings = json!({"steps": 7, "count": 2, "preview_every": preview_every});
        run_with::<token_diffusion>(&host, settings, inputs).unwrap();
        host.events()
    };
    let count = |events: &[Event], wanted: &dyn Fn(&Event) -> bool| events.iter().filter(|event| wanted(event)).count();
    let preview = |event: &Event| *event == Event::Preview("IMAGE".into());
    let seen = events(3);
    assert_eq!(count(&seen, &|event| matches!(event, Event::Progress(_, 7))), 7);
    assert_eq!((count(&seen, &preview), count(&events(0), &preview)), (2, 0));

    let host = Recorder::default();
    host.cancel();
    let error = run_with::<token_diffusion>(&host, json!({}), [("generator", load(json!({})))]).unwrap_err();
    assert_eq!(error.code, Code::Cancelled);
}

#[test]
fn wrong_inputs_are_errors() {
    let refused = |settings: Json| sample(settings, []).unwrap_err();
    insta::assert_snapshot!(refused(json!({"class": 3})), @"expected a class from 0 to 2, got 3");
    insta::assert_snapshot!(refused(json!({"classes": [1], "count": 2})), @"expected as many classes as pictures, 2, got 1. Give one class for each picture");
    insta::assert_snapshot!(refused(json!({"preview_every": 5})), @"expected a tokenizer, which decodes the previews, got none. Connect LoadTokenizer, or set preview_every to 0");
    let noise = noise(&golden()).into_value();
    insta::assert_snapshot!(sample(json!({"count": 3}), [("noise", noise)]).unwrap_err(), @"expected the shape [3, 13, 16] in the field `start`, or 6 rows for pictures with and without a class, got [2, 13, 16]");

    // Each kind of generator has its node.
    let generator = || ("generator", load(json!({})));
    let layout = Tensor::from_vec([1, 1, 5], vec![0.1f32, 0.1, 0.0, 0.0, 0.0]).unwrap();
    let layout = Layout::new(layout, None, Canvas::default()).unwrap().into_value().unwrap();
    insta::assert_snapshot!(run::<texture_diffusion>(json!({}), [generator(), ("layout", layout)]).unwrap_err(), @"expected a generator of textures, got one-stage, which makes tokens. Connect it to TokenDiffusion");
    insta::assert_snapshot!(run::<layout_diffusion>(json!({}), [generator()]).unwrap_err(), @"expected a generator of layouts, got one-stage, which makes tokens. Connect it to TokenDiffusion");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("layouts.safetensors");
    let normalisation = r#"{"means": [0, 0, 0, 0, 0], "stds": [1, 1, 1, 1, 1]}"#;
    checkpoint(
        &path,
        "weights_sit_layout.safetensors",
        &[("heads", "6"), ("normalisation", normalisation)],
        super::generation::unchanged,
    );
    let layouts = only(run::<LoadGenerator>(json!({"model": path}), []).unwrap());
    insta::assert_snapshot!(run::<token_diffusion>(json!({}), [("generator", layouts)]).unwrap_err(), @"expected a generator of tokens, got layouts, which makes layouts. Connect it to LayoutDiffusion");

    // Checkpoints that do not suit.
    let told = |path: &Path| {
        let error = run::<LoadGenerator>(json!({"model": path}), []).unwrap_err().to_string();
        error.replace(&*folder.path().to_string_lossy(), "<folder>")
    };
    insta::assert_snapshot!(told(&write(folder.path(), &[("heads", "3")])), @r#"
    loading a generator: expected means and stds of 13 channels (gaussians, then of textures), as the generator works on normalised numbers, got none in the input `normalisation`, in the checkpoint's metadata (key `normalisation`) or in one-stage.normalisation.json; only the official texture generator has known ones. Give the values of its training data: "normalisation": {"means": [...], "stds": [...]}
    file: <folder>/one-stage.safetensors
    "#);
    checkpoint(&path, "one_stage.safetensors", &[("heads", "3")], |key, tensor| {
        let key = key.strip_prefix("weights.")?;
        let none = Tensor::from_vec([1, 0, 48], Vec::<f32>::new()).unwrap();
        Some((key.to_owned(), if key == "pos_embed" { none } else { tensor }))
    });
    insta::assert_snapshot!(told(&path), @"
    loading a generator: expected a generator (SiT). The file has 32 of its parameters, but they do not make a whole model:
      1 of the wrong shape:
        pos_embed: expected [1, ?, 48], got [1, 0, 48]
    file: <folder>/layouts.safetensors
    ");
    checkpoint(&path, "weights_sit_cond.safetensors", &[("heads", "6")], |key, tensor| {
        let narrow = key == "cond_embedder.0.weight";
        let four = || Tensor::from_vec([96, 4], vec![0.0f32; 96 * 4]).unwrap();
        Some((key.to_owned(), if narrow { four() } else { tensor }))
    });
    insta::assert_snapshot!(told(&path), @"
    loading a generator: expected a generator of layouts (5 channels, no condition), of textures (more than 5 channels, a condition of 5 channels) or of tokens (more than 5 channels, no condition), got one with 21 channels and a condition of 4 channels. Give LoadGenerator such a checkpoint
    file: <folder>/layouts.safetensors
    ");
}
