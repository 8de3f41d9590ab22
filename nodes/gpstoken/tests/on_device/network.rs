//! Tests of the tokenizer's network in tensor operations against recorded runs, stage by stage.

use super::{Golden, assert_near, assert_relative, devices, fast_devices, largest, on, unit_picture};
use burn::{
    prelude::{Device, s},
    tensor::{FloatDType, Tensor, TensorData},
};
use splatgraph_pack_gpstoken::{
    canvas::picture::tile_input,
    checkpoint::Weights,
    layers::{GroupNorm, Statistics},
    on_device::{self, Parameter, roi_align_dense},
    tokenizer::{
        ImageStem, Network, TokenTransformer, Widths,
        roi_align::{FeatureTile, roi_align},
    },
};
use std::collections::BTreeMap;

fn upload<const D: usize>(values: &[f32], shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
}

fn recorded<const D: usize>(golden: &Golden, key: &str, device: &Device) -> Tensor<D> {
    upload(golden.f32(key), golden.shape(key).try_into().unwrap(), device)
}

/// Runs a test on every device that is fast enough.
fn on_every_device(test: impl Fn(&Device)) {
    for (id, device) in fast_devices() {
        println!("on {id}:");
        test(&device);
    }
}

fn values<const D: usize>(tensor: &Tensor<D>) -> Vec<f32> {
    tensor.to_data().try_to_vec().unwrap()
}

/// Every `channel`-th channel and every `place`-th row and column.
fn every(x: &Tensor<4>, channel: usize, place: usize) -> Vec<f32> {
    let (c, p) = (channel as isize, place as isize);
    values(&x.clone().slice(s![.., ..;c, ..;p, ..;p]))
}

#[test]
fn group_norm_agrees_plain_and_by_tiles() {
    let golden = Golden::open("npnorm_unit.safetensors");
    on_every_device(|device| {
        let parameters = ["weight", "bias"].map(|key| (format!("norm.{key}"), golden.tensor(key).clone()));
        let norm = GroupNorm::load(&mut Weights::new("a norm", BTreeMap::from(parameters), &[]), "norm", 64);
        let norm = norm.map(&mut on(device));
        for (name, tiles) in [("np1", 1), ("np2", 2), ("np4", 4), ("small", 1)] {
            let x: Tensor<4> = recorded(&golden, &format!("{name}.in"), device);
            let by_tiles = norm.forward(x.clone(), Statistics::Tiles([tiles, tiles]));
            assert_relative(&format!("{name} by tiles"), &values(&by_tiles), golden.f32(&format!("{name}.out")));
            let plain = norm.forward(x, Statistics::Picture);
            assert_relative(&format!("{name} plain"), &values(&plain), golden.f32(&format!("{name}.groupnorm")));
        }
    });
}

#[test]
fn roi_align_agrees() {
    let golden = Golden::open("roialign_unit.safetensors");
    let boxes = golden.rows::<5>("boxes");
    let &[_, channels, height, width] = golden.shape("map") else { panic!("four axes") };
    for (bins, key) in [(8, "out8"), (3, "out3")] {
        let sampled = boxes.iter().flat_map(|&[picture, x0, y0, x1, y1]| {
            let size = channels * height * width;
            let map = &golden.f32("map")[picture as usize * size..][..size];
            let map = FeatureTile { values: map, size: [width, height], start: [0, 0], tile: [width, height] };
            roi_align(map, channels, &[[x0, y0, x1, y1]], bins)
        });
        assert_relative(key, &sampled.collect::<Vec<_>>(), golden.f32(key));
        for (id, device) in devices() {
            let maps: Tensor<4> = recorded(&golden, "map", &device);
            let sample = |form: &str, precision: FloatDType, by: fn(Tensor<3>, &[[f32; 4]], usize) -> Tensor<3>| {
                let sampled = boxes.iter().flat_map(|&[picture, x0, y0, x1, y1]| {
                    let map = maps.clone().slice(s![picture as isize]).reshape([channels, height, width]);
                    values(&by(map.cast(precision), &[[x0, y0, x1, y1]], bins).cast(FloatDType::F32))
                });
                (format!("{key} {form} on {id}"), sampled.collect::<Vec<_>>())
            };
            for (name, sampled) in [
                sample("as products", FloatDType::F32, roi_align_dense),
                sample("by the device's form", FloatDType::F32, on_device::roi_align),
            ] {
                assert_relative(&name, &sampled, golden.f32(key));
            }
            if id.starts_with("gpu") && device.supports_dtype(FloatDType::F16) {
                let (name, sampled) = sample("in f16", FloatDType::F16, on_device::roi_align);
                assert_near(&name, &sampled, golden.f32(key), 2e-3 * largest(golden.f32(key)));
            }
        }
    }
}

fn stem_stages(stem: &ImageStem<Parameter>, picture: &str, device: &Device) -> BTreeMap<String, Tensor<4>> {
    let (picture, width) = unit_picture(picture);
    let input = upload(&tile_input(&picture, [width, width], [0, 0]), [1, 3, 256, 256], device);
    let mut stages = BTreeMap::new();
    let watch = &mut |name: &str, x: &Tensor<4>| {
        stages.insert(name.to_owned(), x.clone());
        Ok(())
    };
    stem.forward(input, watch).unwrap();
    stages
}

fn boxes_of(golden: &Golden, key: &str) -> Vec<[f32; 4]> {
    golden.rows::<4>(key).into_iter().map(|r| r.map(|v| 255.0 * (v + 1.0) / 2.0)).collect()
}

fn sample(features: &Tensor<4>, boxes: &[[f32; 4]], bins: usize) -> Tensor<4> {
    let [_, channels, height, width] = features.dims();
    let device = features.device();
    let map = values(features);
    let map = FeatureTile { values: &map, size: [width, height], start: [0, 0], tile: [width, height] };
    upload(&roi_align(map, channels, boxes, bins), [1, boxes.len(), channels, bins * bins], &device)
}

#[test]
fn every_stage_of_configuration_b_agrees() {
    on_every_device(check_configuration_b);
}

fn check_configuration_b(device: &Device) {
    let golden = Golden::open("tokB_full.safetensors");
    let network = Network::load(Golden::open("weights_B.safetensors").0).unwrap().map(&mut on(device));
    let sizes = network.sizes;
    assert_eq!((sizes.bins, sizes.width, sizes.textures, sizes.enlargement()), (4, 40, 8, 2));

    let stages = stem_stages(&network.stem, "astronaut_256.png", device);
    for (name, key) in
        [("conv", "preprocess.conv.sub8"), ("block1", "preprocess.res1.sub8"), ("block2", "preprocess.sub8")]
    {
        assert_relative(key, &every(&stages[name], 8, 8), golden.f32(key));
    }
    let features = &stages["block2"];
    let boxes = boxes_of(&golden, "regions");
    let recorded_boxes: Vec<f32> = golden.rows::<5>("roi_boxes").iter().flat_map(|b| b[1..].to_vec()).collect();
    assert_near("boxes", &boxes.concat(), &recorded_boxes, 1e-5 * 255.0);
    let regions = sample(features, &boxes, 4);
    assert_relative("roialign", &values(&regions), golden.f32("roialign"));

    check_transformer(&network.transformer, &golden, recorded(&golden, "init_codes", device), regions);
    check_decoder(
        device,
        &network,
        &golden,
        [1, 1],
        &[
            ("conv_in", "dec.conv_in.sub4", 4, 4),
            ("mid.block_1", "dec.mid1.sub4", 4, 4),
            ("mid.attn_1", "dec.midattn.sub4", 4, 4),
            ("mid.block_2", "dec.mid2.sub4", 4, 4),
            ("up.1.block.1", "dec.up1.lastblock.sub8", 8, 8),
            ("up.1.upsample", "dec.up1.upsample.sub8", 8, 8),
            ("up.0.block.1", "dec.up0.lastblock.sub8", 8, 8),
            ("norm_out", "dec.norm_out.sub8", 8, 8),
        ],
    );
}

fn check_transformer(transformer: &TokenTransformer<Parameter>, golden: &Golden, codes: Tensor<3>, regions: Tensor<4>) {
    let keys = BTreeMap::from([("embedding", "init_embed"), ("delta", "gps_delta")]);
    let mut seen = 0;
    let watch = &mut |name: &str, x: &Tensor<3>| {
        if let Some(block) = name.strip_suffix(".conditioned") {
            // Recorded apart: the block's input, and what the block adds to it first.
            let stage = |stage: &str| golden.0.get(&format!("{block}.{stage}"));
            if let (Some(input), Some(condition)) = (stage("in"), stage("cond")) {
                let [input, condition] = [input, condition].map(|tensor| tensor.as_slice::<f32>().unwrap());
                let sum: Vec<f32> = input.iter().zip(condition).map(|(a, b)| a + b).collect();
                assert_near(name, &values(x), &sum, 6e-5);
                seen += 1;
            }
            return Ok(());
        }
        let key = *keys.get(name).unwrap_or(&name);
        if golden.0.contains_key(key) {
            assert_near(key, &values(x), golden.f32(key), 6e-5);
            seen += 1;
        }
        Ok(())
    };
    let (gaussians, textures) = transformer.forward(codes, regions, watch).unwrap();
    assert_near("tokens", &values(&Tensor::cat(vec![gaussians, textures], 2)), golden.f32("gpstokens"), 6e-5);
    assert!(seen >= 2, "{seen}");
}

fn check_decoder(
    device: &Device,
    network: &Network<Parameter>,
    golden: &Golden,
    grid: [usize; 2],
    stages: &[(&str, &str, usize, usize)],
) {
    let mut seen = 0;
    let watch = &mut |name: &str, x: &Tensor<4>| {
        if let Some((_, key, channel, place)) = stages.iter().find(|stage| stage.0 == name) {
            let mut recorded = golden.f32(key).to_vec();
            if name == "norm_out" {
                // Recorded before its activation.
                recorded.iter_mut().for_each(|v| *v /= 1.0 + (-*v).exp());
            }
            assert_relative(key, &every(x, *channel, *place), &recorded);
            seen += 1;
        }
        Ok(())
    };
    let picture = network.decoder.forward(recorded(golden, "rendered", device), grid, watch).unwrap();
    assert_eq!(seen, stages.len());
    assert_near("decoded", &values(&picture), golden.f32("decoded"), 9e-5);
}

#[test]
fn tokens_of_configuration_a_agree_for_other_counts_and_batches() {
    on_every_device(check_tokens_of_configuration_a);
}

fn check_tokens_of_configuration_a(device: &Device) {
    let tensors = Golden::open("weights_A_encoder.safetensors").0;
    let mut weights = Weights::new("an encoder", tensors, &[]);
    let stem = ImageStem::load(&mut weights, 128);
    let widths = Widths { stem: 128, width: 64, textures: 16, depth: 2, samples: 64 };
    let transformer = TokenTransformer::load(&mut weights, widths);
    weights.finish().unwrap();
    let (stem, transformer) = (stem.map(&mut on(device)), transformer.map(&mut on(device)));

    let china = &stem_stages(&stem, "china_256.png", device)["block2"];
    let variable = Golden::open("tokA_variable.safetensors");
    for key in variable.0.keys().filter(|key| key.ends_with(".gpstokens")) {
        let run = key.strip_suffix("gpstokens").unwrap();
        let only =
            Golden(variable.0.iter().filter_map(|(k, t)| Some((k.strip_prefix(run)?.to_owned(), t.clone()))).collect());
        let regions = sample(china, &boxes_of(&only, "regions"), 8);
        println!("{run}");
        check_transformer(&transformer, &only, recorded(&only, "init_codes", device), regions);
    }

    let full = Golden::open("tokA_full.safetensors");
    let chelsea = &stem_stages(&stem, "chelsea_256.png", device)["block2"];
    check_transformer(
        &transformer,
        &full,
        recorded(&full, "init_codes", device),
        sample(chelsea, &boxes_of(&full, "regions"), 8),
    );

    let batch = Golden::open("tokA_batch2.safetensors");
    let astronaut = &stem_stages(&stem, "astronaut_256.png", device)["block2"];
    let boxes = boxes_of(&batch, "regions");
    let regions = Tensor::cat(vec![sample(china, &boxes[..64], 8), sample(astronaut, &boxes[64..], 8)], 0);
    check_transformer(&transformer, &batch, recorded(&batch, "init_codes", device), regions);
}
