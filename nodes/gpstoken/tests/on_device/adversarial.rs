//! Tests of the discriminator: its gradients, the tokenizer's gradients through it, its learning, and a training in half precision.

use super::{
    on, processor,
    support::steps::{learner, tokenizer_step},
};
use burn::tensor::{Tensor as DeviceTensor, TensorData};
use splatgraph_pack_gpstoken::{
    canvas::{TILE, picture::tile_input},
    device::Compute,
    discriminator::Discriminator,
    on_device::{Device, Parameter},
    tokenizer::Network,
    training::{
        adam::Adam,
        adversary::Geometry,
        batch::{Batch, layout},
        discriminator::first_weights,
        gradients::{
            Trainer,
            on_device::{Gradients, through_all_stages},
        },
        losses::Losses,
        random::{Purpose, Random},
        sizes::Sizes,
        state::{Learner, Update},
        step::{self, HostGradients, Step},
    },
};
use splatgraph_sdk::{Tensor, settings::Precision};
use std::collections::BTreeMap;

type Weights = BTreeMap<String, Tensor>;

/// Weights with offsets, so that all of them affect the result.
fn moved_by(weights: Weights, size: f32) -> Weights {
    let mut random = Random::new(1, Purpose::Weights, 1, 0);
    let mut moved = |tensor: Tensor| {
        let values = tensor.to_f32().iter().zip(random.normal(tensor.len())).map(|(v, n)| v + size * n).collect();
        Tensor::from_vec(tensor.shape(), values).unwrap()
    };
    weights.into_iter().map(|(key, tensor)| (key, moved(tensor))).collect()
}

fn length(values: &[f32]) -> f64 {
    values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt()
}

/// The values, moved along a direction.
fn along(values: &[f32], direction: &[f32], by: f64) -> Vec<f32> {
    let length = length(direction);
    values.iter().zip(direction).map(|(v, d)| (f64::from(*v) + by * f64::from(*d) / length) as f32).collect()
}

/// Checks that the loss rises along a gradient by the gradient's length.
#[track_caller]
fn assert_slope(what: &str, gradient: &[f32], by: f64, allowed: f64, loss: impl Fn(f64) -> f64) {
    let length = length(gradient);
    let slope = (loss(by) - loss(-by)) / (2.0 * by);
    println!("{what}: {slope} and {length}");
    assert!(length > 1e-6 && (slope - length).abs() < allowed * length, "{what}: {slope} instead of {length}");
}

const SIDE: usize = 32;

fn pictures(values: &[f32]) -> DeviceTensor<4> {
    let shape = [values.len() / (3 * SIDE * SIDE), 3, SIDE, SIDE];
    DeviceTensor::from_data(TensorData::new(values.to_vec(), shape), &processor().autodiff())
}

fn judged(weights: Weights, real: &[f32], made: &[f32]) -> Step<Gradients> {
    let mut parameters = Vec::new();
    let network = Discriminator::load(weights).unwrap().map(&mut |parameter| {
        let parameter = Parameter::on(parameter, &processor()).learning();
        parameters.push(parameter.clone());
        parameter
    });
    Step::of(network.loss(pictures(real), pictures(made)), &parameters).unwrap()
}

#[test]
fn gradients_of_a_discriminator_agree_with_finite_differences() {
    let weights = moved_by(first_weights(4, 0).unwrap(), 0.2);
    let mut random = Random::new(2, Purpose::Sample, 0, 0);
    let [real, made] = [0, 1].map(|_| random.normal(2 * 3 * SIDE * SIDE));
    let gradients = judged(weights.clone(), &real, &made).gradients.numbers().unwrap();
    assert!(gradients.keys().eq(weights.keys()), "{:?}", gradients.keys());
    for (key, gradient) in &gradients {
        // A bias before the normalisation of single channels has no effect.
        if length(gradient) < 1e-6 {
            assert!(key.starts_with("layers.") && key.ends_with(".bias"), "{key}");
            continue;
        }
        assert_slope(key, gradient, 2e-4, 1e-2, |by| {
            let mut weights = weights.clone();
            let values = along(&weights[key].to_f32(), gradient, by);
            weights.insert(key.clone(), Tensor::from_vec(weights[key].shape(), values).unwrap());
            f64::from(judged(weights, &real, &made).loss)
        });
    }

    // The tokenizer learns from the gradient of its pictures.
    let network = Discriminator::load(weights).unwrap().map(&mut on(&processor().autodiff()));
    let leaf = pictures(&made).require_grad();
    let gradients = network.adversarial(leaf.clone()).backward();
    let gradient = leaf.grad(&gradients).unwrap().into_data().try_into_vec::<f32>().unwrap();
    assert_slope("pictures", &gradient, 5e-3, 1e-2, |by| {
        let loss = network.adversarial(pictures(&along(&made, &gradient, by)));
        f64::from(loss.into_data().try_into_vec::<f32>().unwrap()[0])
    });
}

/// Horizontal or vertical stripes with random places and colours.
fn stripes(across: bool, seed: u64) -> Vec<f32> {
    let mut random = Random::new(seed, Purpose::Sample, u64::from(across), 0);
    let mut all = Vec::new();
    for _ in 0..4 {
        let phase = random.unit() * 8.0;
        for _ in 0..3 {
            let height = random.unit();
            all.extend((0..SIDE * SIDE).map(|at| {
                let place = if across { at % SIDE } else { at / SIDE };
                (height * ((place as f64 + phase) * std::f64::consts::TAU / 8.0).sin()) as f32
            }));
        }
    }
    all
}

#[test]
fn a_discriminator_learns_to_tell_pictures_apart() {
    let trainer = Trainer::Device(Device::processor());
    let mut learner = learner(&trainer, &first_weights(8, 0).unwrap());
    let update = Update { adam: Adam::of_discriminator(), rate: 2e-3, clip: 1.0, average: 0.9 };
    let loss = |learner: &Learner, seed: u64| {
        judged(learner.weights().unwrap(), &stripes(true, seed), &stripes(false, seed)).map(step::Gradients::Device)
    };
    let begin = loss(&learner, 1000).loss;
    for seed in 0..60 {
        let Step { loss, gradients } = loss(&learner, seed);
        learner.update(&gradients, loss, gradients.norm(), update).unwrap();
    }
    let end = loss(&learner, 1000).loss;
    println!("on pictures it has not seen: {begin} to {end}");
    assert!((0.9..1.1).contains(&begin) && end < 0.1, "{begin} {end}");
}

/// The smallest tokenizer that decodes a tile, and a batch of one sample.
fn smallest() -> (Weights, Batch, Geometry) {
    let sizes = Sizes { stem: 2, width: 8, blocks: 1, bins: 2, textures: 3, levels: vec![2, 2, 2, 4, 4], residuals: 1 };
    let (picture, side) = super::unit_picture("china_256.png");
    let tiles = tile_input(&picture, [side, side], [0, 0]);
    let (gaussians, boxes) = layout(&tiles, 9, 2.5).unwrap();
    let batch = Batch { step: 0, tokens: 9, tiles, gaussians, boxes: vec![boxes] };
    (moved_by(sizes.weights(0).unwrap(), 0.2), batch, Geometry { map: [16, 16], support: 3.0 })
}

const LOSSES: Losses = Losses { absolute: 0.0, squared: 1.0, gradient: 0.0, perceptual: 0.0 };

#[test]
fn a_tokenizers_gradients_include_the_weighted_judgement() {
    let (weights, batch, geometry) = smallest();
    let judge = moved_by(first_weights(2, 0).unwrap(), 0.2);
    let trainer = Trainer::Device(Device::processor());
    let of = |weight: Option<f32>| {
        tokenizer_step(&trainer, &weights, &batch, geometry, &LOSSES, None, weight.map(|weight| (&judge, weight)))
    };
    let (plain, nobody) = of(None);
    let (both, judged) = of(Some(3.0));
    assert!(nobody.is_none() && both.loss == plain.loss && judged.unwrap().gradients.keys().eq(judge.keys()));

    let judgement = |weights: Weights| {
        let device = &processor();
        let tiles = DeviceTensor::from_data(TensorData::new(batch.tiles.clone(), [1, 3, TILE, TILE]), device);
        let gaussians = DeviceTensor::from_data(TensorData::new(batch.gaussians.clone(), [1, 9, 5]), device);
        let network = Network::load(weights).unwrap().map(&mut on(device));
        let decoded = through_all_stages(&network, tiles, gaussians, &batch.boxes, geometry).unwrap();
        let loss = Discriminator::load(judge.clone()).unwrap().map(&mut on(device)).adversarial(decoded);
        f64::from(loss.into_data().try_into_vec::<f32>().unwrap()[0])
    };
    for key in ["decoder.conv_out.weight", "decoder.conv_in.weight", "to_gps.1.weight", "preprocess_img.0.weight"] {
        let difference: Vec<f32> =
            both.gradients[key].iter().zip(&plain.gradients[key]).map(|(b, p)| (b - p) / 3.0).collect();
        assert_slope(key, &difference, 2e-4, 3e-2, |by| {
            let mut weights = weights.clone();
            let values = along(&weights[key].to_f32(), &difference, by);
            weights.insert(key.to_owned(), Tensor::from_vec(weights[key].shape(), values).unwrap());
            judgement(weights)
        });
    }
}

#[test]
fn gradients_in_bf16_agree_with_rounded_gradients_in_f32() {
    let (weights, batch, geometry) = smallest();
    let step = |trainer: &Trainer| tokenizer_step(trainer, &weights, &batch, geometry, &LOSSES, None, None).0;
    let expected = step(&Trainer::Device(Device::processor()));
    for compute in super::computes() {
        let device = match compute {
            Compute::Host => Device::processor(),
            Compute::Device(device) => device,
        };
        let device = device.with_precision(Precision::Bf16);
        if !device.burn().supports_dtype(burn::tensor::FloatDType::BF16) {
            println!("skipped: {} does not compute in bf16", device.id());
            continue;
        }
        let actual = step(&Trainer::Device(device.clone()));
        assert!(actual.gradients.keys().eq(expected.gradients.keys()), "{}", device.id());
        let all = |step: &Step<HostGradients>| step.gradients.values().flatten().copied().collect::<Vec<f32>>();
        let (actual_all, expected_all) = (all(&actual), all(&expected));
        let apart: Vec<f32> = actual_all.iter().zip(&expected_all).map(|(a, e)| a - e).collect();
        let error = length(&apart) / length(&expected_all);
        println!("{}: loss {} and {}, gradients {error:.1e} apart", device.id(), actual.loss, expected.loss);
        assert!(error > 1e-5 && error < 0.1 && (actual.loss / expected.loss - 1.0).abs() < 1e-2, "{error}");
    }
}
