//! Tests of the nodes on every device of this machine and build, against the recorded numbers, with the bounds of the processor.

use super::{Golden, Numbers, add_decoder, assert_near, computes, image_of, largest, model_b, only};
use splatgraph_pack_gpstoken::{
    device::{Compute, HOST},
    nodes::tokenize::{
        decode::decode, encode::encode, init_tokens::init_tokens, load_tokenizer::LoadTokenizer,
        refine_tokens::refine_tokens, splat::splat,
    },
    on_device::downloaded_bytes,
};
use splatgraph_sdk::{
    DType, FeatureMap, Image, Input, Output, Record, Tensor, Tokens, Value,
    serde_json::Value as Json,
    settings::Precision,
    testing::{Recorder, json, run, run_with},
};
use std::sync::{Mutex, PoisonError};

/// The results of the stages, on any device.
pub(super) struct Stages {
    tokens: Value,
    map: Value,
    pub(super) image: Value,
}

fn tokenizer(compute: &Compute) -> Value {
    let host = Recorder::default();
    host.set(json!({"precision": compute.precision().name()}));
    let mut inputs = model_b();
    inputs["device"] = compute.id().into();
    only(run_with::<LoadTokenizer>(&host, inputs, []).unwrap())
}

/// A file with a tokenizer of very few channels and random weights, so that slow devices can be tested too.
pub(super) fn tiny_model() -> tempfile::NamedTempFile {
    let mut numbers = Numbers::new(7);
    let mut tensors: Vec<(String, Tensor)> = Vec::new();
    let mut add = |key: &str, shape: &[usize]| {
        let inputs: usize = shape.iter().skip(1).product();
        let size = (3.0 / inputs as f32).sqrt();
        // Scales of norms have one axis and are around 1.
        let values =
            (0..shape.iter().product()).map(|_| match (shape.len(), key.contains("norm") || key.contains(".ln")) {
                (1, true) => numbers.between(0.8, 1.2),
                (1, false) => numbers.between(-0.1, 0.1),
                _ => numbers.between(-size, size),
            });
        tensors.push((key.to_owned(), Tensor::from_vec(shape, values.collect()).unwrap()));
    };
    let (stem, width, textures, samples) = (8, 16, 4, 4);
    let mut layer = |key: &str, shape: &[usize]| {
        add(&format!("{key}.weight"), shape);
        add(&format!("{key}.bias"), &shape[..1]);
    };
    layer("preprocess_img.0", &[stem, 3, 3, 3]);
    for block in ["preprocess_img.1", "preprocess_img.2"] {
        for i in [1, 2] {
            layer(&format!("{block}.norm{i}"), &[stem]);
            layer(&format!("{block}.conv{i}"), &[stem, stem, 3, 3]);
        }
    }
    layer("roialign_layer", &[width, stem, 1, 1]);
    layer("gps_embed_layer.0", &[width, 5]);
    layer("gps_embed_layer.2", &[width, width]);
    layer("attnblocks.0.roimlp", &[1, samples]);
    layer("attnblocks.0.ln1", &[width]);
    layer("attnblocks.0.ln2", &[width]);
    layer("attnblocks.0.attn1.out_proj", &[width, width]);
    layer("attnblocks.0.mlp.0", &[4 * width, width]);
    layer("attnblocks.0.mlp.2", &[width, 4 * width]);
    layer("to_gps.0", &[5, width]);
    layer("to_gps.1", &[textures, width]);
    add("attnblocks.0.attn1.in_proj_weight", &[3 * width, width]);
    add("attnblocks.0.attn1.in_proj_bias", &[3 * width]);
    add("gps_embed.weight", &[1, width]);
    add_decoder(&mut add, textures, 8);
    let file = tempfile::Builder::new().suffix(".safetensors").tempfile().unwrap();
    let record = Record { fields: tensors, ..Record::default() };
    record.save(file.path(), DType::F32).unwrap();
    file
}

pub(super) fn tiny_tokenizer(file: &tempfile::NamedTempFile, device: &str, precision: Precision) -> Value {
    let host = Recorder::default();
    host.set(json!({"precision": precision.name()}));
    // A map of 32 x 32 for each tile is large enough for a decoder of one level.
    let inputs = json!({"model": file.path(), "device": device, "map_width": 32, "map_height": 32});
    only(run_with::<LoadTokenizer>(&host, inputs, []).unwrap())
}

pub(super) fn finish(tokenizer: &Value, tokens: Value, tiles: &str) -> Stages {
    let inputs = [("tokens", tokens.clone()), ("tokenizer", tokenizer.clone())];
    let splatted = if tiles == "separate" { tiles } else { "merged" };
    let map = only(run::<splat>(json!({"tiles": splatted}), inputs).unwrap());
    let inputs = [("tokenizer", tokenizer.clone()), ("map", map.clone())];
    let image = only(run::<decode>(json!({"tiles": tiles}), inputs).unwrap());
    Stages { tokens, map, image }
}

pub(super) fn tokens_of(tokenizer: &Value, picture: &Value, layout: Json) -> Value {
    refined(tokenizer, picture, layout, json!({}))
}

fn refined(tokenizer: &Value, picture: &Value, layout: Json, settings: Json) -> Value {
    let layout = run::<init_tokens>(layout, [("image", picture.clone())]).unwrap().remove(0);
    let inputs = [("tokenizer", tokenizer.clone()), ("image", picture.clone())];
    let features = only(run::<encode>(json!({}), inputs).unwrap());
    let inputs = [("tokenizer", tokenizer.clone()), ("features", features), ("layout", layout)];
    only(run::<refine_tokens>(settings, inputs).unwrap())
}

pub(super) fn picture_of(image: &Value) -> Vec<f32> {
    Image::from_value(image).unwrap().image.to_f32()
}

fn rows_of(tokens: &Value) -> Vec<f32> {
    let tokens = Tokens::from_value(tokens).unwrap();
    let textures = tokens.textures.as_slice::<f32>().unwrap().chunks_exact(tokens.textures.shape()[2]);
    let gaussians = tokens.gaussians.as_slice::<f32>().unwrap().chunks_exact(5);
    gaussians.zip(textures).flat_map(|(g, t)| [g, t].concat()).collect()
}

/// Only one test at a time may use the count of downloaded bytes.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn every_device_reproduces_configuration_b_and_downloads_only_needed_values() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let golden = Golden::open("tokB_full.safetensors");
    let decoded = golden.f32("decoded"); // [3, H, W], -1..1
    let plane = decoded.len() / 3;
    let recorded: Vec<f32> =
        (0..plane).flat_map(|at| (0..3).map(move |c| (decoded[c * plane + at] + 1.0) / 2.0)).collect();
    for compute in computes() {
        let name = compute.id();
        let before = downloaded_bytes();
        let tokenizer = tokenizer(&compute);
        let tokens = tokens_of(&tokenizer, &image_of(&["astronaut_256.png"]), json!({"tokens": 32, "exponent": 1.0}));
        let stages = finish(&tokenizer, tokens, "merged");
        assert_eq!(downloaded_bytes(), before, "{name}: nobody asked for numbers yet");
        assert_eq!(stages.image.describe()["device"], name);

        let picture = picture_of(&stages.image);
        if name != HOST {
            assert_eq!(downloaded_bytes() - before, picture.len() as u64 * 4, "{name}: only the picture");
        }
        assert_near(&format!("{name}: picture"), &picture, &recorded, 4.5e-5);
        assert_near(&format!("{name}: tokens"), &rows_of(&stages.tokens), golden.f32("gpstokens"), 6e-5);
        let map = FeatureMap::from_value(&stages.map).unwrap().map.to_f32();
        assert_near(&format!("{name}: map"), &map, golden.f32("rendered"), 5e-4);
    }
}

#[test]
fn every_device_agrees_with_the_processor_on_tiles_batches_and_padding() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let model = tiny_model();
    let host = tiny_tokenizer(&model, HOST, Precision::F32);
    let picture = image_of(&["china_512.png"]);
    let expected_tokens = tokens_of(&host, &picture, json!({"tokens": 20}));
    let as_given = |tokenizer: &Value| {
        let tokens = refined(tokenizer, &picture, json!({"tokens": 20}), json!({"geometry": "as given"}));
        let tokens = Tokens::from_value(&tokens).unwrap();
        (tokens.gaussians.to_f32(), tokens.textures.to_f32())
    };
    let (given_gaussians, given_textures) = as_given(&host);
    // The second of two pictures has fewer tokens.
    let one = Tokens::from_value(&expected_tokens).unwrap();
    let twice = |tensor: &Tensor| {
        let values = tensor.as_slice::<f32>().unwrap();
        Tensor::from_vec([2, tensor.shape()[1], tensor.shape()[2]], [values, values].concat()).unwrap()
    };
    let counts = Tensor::from_vec([2], vec![80i64, 33]).unwrap();
    let padded = Tokens::new(twice(&one.gaussians), twice(&one.textures), Some(counts), one.header.clone());
    let padded = padded.unwrap().into_value().unwrap();
    let map_of = |tokenizer: &Value| {
        let map = run::<splat>(json!({}), [("tokens", padded.clone()), ("tokenizer", tokenizer.clone())]).unwrap();
        FeatureMap::from_value(&only(map)).unwrap().map.to_f32()
    };
    for compute in computes().into_iter().filter(|compute| compute.id() != HOST) {
        let name = compute.id();
        let there = tiny_tokenizer(&model, name, Precision::F32);
        let tokens = tokens_of(&there, &picture, json!({"tokens": 20}));
        assert_near(&format!("{name}: tokens"), &rows_of(&tokens), &rows_of(&expected_tokens), 6e-5);
        let (gaussians, textures) = as_given(&there);
        assert_eq!(gaussians, given_gaussians, "{name}");
        assert_near(&format!("{name}: textures"), &textures, &given_textures, 6e-5);
        for tiles in ["merged", "separate", "overlapping"] {
            // Both decode the same tokens, because a decoder with these weights amplifies differences.
            let actual = picture_of(&finish(&there, expected_tokens.clone(), tiles).image);
            let expected = picture_of(&finish(&host, expected_tokens.clone(), tiles).image);
            assert_near(&format!("{name}: {tiles}"), &actual, &expected, largest(&expected) * 3e-5);
        }
        // Tokens from another device are uploaded to the tokenizer's device.
        let map = map_of(&there);
        assert_near(&format!("{name}: padding"), &map, &map_of(&host), 5e-4);
    }
}

/// The average error as a fraction of the average value.
fn relative_error(actual: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(actual.len(), expected.len());
    let squares = |values: &mut dyn Iterator<Item = f32>| values.map(|v| f64::from(v * v)).sum::<f64>();
    let error = squares(&mut actual.iter().zip(expected).map(|(a, e)| a - e));
    (error / squares(&mut expected.iter().copied())).sqrt() as f32
}

/// Tests each stage separately, from the same numbers, because a chain of stages with these weights amplifies small differences.
#[test]
fn half_precision_is_accurate_or_an_error() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let model = tiny_model();
    let host = tiny_tokenizer(&model, HOST, Precision::F32);
    let picture = image_of(&["astronaut_256.png"]);
    let tokens = tokens_of(&host, &picture, json!({"tokens": 32}));
    let stages = |tokenizer: &Value| {
        let inputs = [("tokenizer", tokenizer.clone()), ("image", picture.clone())];
        let features = only(run::<encode>(json!({}), inputs).unwrap()).field("features").unwrap().to_f32();
        [features, picture_of(&finish(tokenizer, tokens.clone(), "merged").image)]
    };
    let expected = stages(&host);
    for compute in computes() {
        // The bound is about ten roundings by 2^-11 or 2^-8 of a number.
        for (precision, allowed) in [(Precision::F16, 5e-3), (Precision::Bf16, 4e-2)] {
            let what = format!("{} in {}", compute.id(), precision.name());
            if let Err(error) = Compute::open(compute.id(), precision, false) {
                println!("skipped: {what}: {error}");
                let host = Recorder::default();
                host.set(json!({"precision": precision.name(), "device": compute.id()}));
                let error = run_with::<LoadTokenizer>(&host, model_b(), []).unwrap_err();
                assert!(error.to_string().contains("--precision"), "{error}");
                continue;
            }
            for (stage, (actual, expected)) in
                stages(&tiny_tokenizer(&model, compute.id(), precision)).iter().zip(&expected).enumerate()
            {
                let error = relative_error(actual, expected);
                println!("{what}, stage {stage}: {error:.1e} of {allowed:.1e}");
                assert!(error > 0.0 && error <= allowed, "{what}, stage {stage}: {error}");
            }
        }
    }
}

#[test]
fn the_error_for_a_missing_device_says_what_to_do() {
    let load = |device: &str| {
        let mut inputs = model_b();
        inputs["device"] = device.into();
        run::<LoadTokenizer>(inputs, []).unwrap_err().to_string()
    };
    assert!(
        load("gpu:77").starts_with("expected a device that `splatgraph devices` lists, got gpu:77; "),
        "{}",
        load("gpu:77")
    );
    assert!(load("toaster").starts_with("expected a device, one of "), "{}", load("toaster"));
    insta::assert_snapshot!(load("gpu:first"), @"expected a device such as gpu or gpu:1, got `gpu:first`");
    if cfg!(not(feature = "cuda")) {
        insta::assert_snapshot!(load("cuda"), @"the device cuda is unavailable: this build does not include it. Build it with `cargo build --release --features splatgraph-pack-gpstoken/cuda`");
    }
}
