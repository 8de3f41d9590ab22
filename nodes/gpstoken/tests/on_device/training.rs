//! The gradients of trainings on the host's kernels against those of burn's autodiff.

use super::{support::lpips::tiny_network, unit_picture};
use splatgraph_pack_gpstoken::{
    canvas::picture::tile_input,
    device::Compute,
    lpips::Backbone,
    on_device::Device,
    training::{
        adversary::{Adversary, Geometry},
        batch::{Batch, layout},
        discriminator::first_weights,
        generator_sizes::GeneratorSizes,
        gradients::Trainer,
        losses::Losses,
        random::{Purpose, Random},
        samples,
        sizes::Sizes,
        step::Step,
    },
};
use splatgraph_sdk::{Tensor, checkpoint, serde_json};
use std::collections::BTreeMap;

type Weights = BTreeMap<String, Tensor>;

/// Weights with offsets, so that all of them affect the result.
fn moved(weights: Weights, size: f32) -> Weights {
    let mut random = Random::new(1, Purpose::Weights, 1, 0);
    let mut moved = |tensor: Tensor| {
        let values = tensor.to_f32().iter().zip(random.normal(tensor.len())).map(|(v, n)| v + size * n).collect();
        Tensor::from_vec(tensor.shape(), values).unwrap()
    };
    weights.into_iter().map(|(key, tensor)| (key, moved(tensor))).collect()
}

/// Checks that each gradient differs by less than `allowed` of its norm. There are two exceptions. Below a millionth of the norm of all
/// gradients, a gradient consists of rounding errors: that of a bias before the normalisation of single channels, and that of the bias of
/// an attention's keys. The gradient of a region's bias is a single number, a sum over all tokens and channels whose terms cancel.
fn assert_twins(name: &str, allowed: f64, actual: &Step, expected: &Step) {
    assert!(actual.gradients.keys().eq(expected.gradients.keys()), "{name}");
    assert!((actual.loss / expected.loss - 1.0).abs() < 1e-5, "{name}: {} and {}", actual.loss, expected.loss);
    let length = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let all = length(&mut expected.gradients.values().flatten().map(|v| f64::from(*v)));
    let mut worst = (0.0, "");
    for (key, expected) in &expected.gradients {
        let actual = &actual.gradients[key];
        assert_eq!(actual.len(), expected.len(), "{name}: {key}");
        let norm = length(&mut expected.iter().map(|v| f64::from(*v)));
        let apart = length(&mut actual.iter().zip(expected).map(|(a, e)| f64::from(*a) - f64::from(*e)));
        if norm < 1e-6 * all {
            assert!(apart < 1e-6 * all, "{name}: {key}");
            continue;
        }
        let error = if key.ends_with("roimlp.bias") { apart / norm / 10.0 } else { apart / norm };
        if error > worst.0 {
            worst = (error, key.as_str());
        }
    }
    println!(
        "{name}: the worst of {} gradients is {:.1e} of its norm apart, {}",
        actual.gradients.len(),
        worst.0,
        worst.1
    );
    assert!(worst.0 < allowed, "{name}: {worst:?}");
}

/// Two pictures with their layouts.
fn batch(tokens: usize) -> Batch {
    let mut batch = Batch { step: 0, tokens, tiles: Vec::new(), gaussians: Vec::new(), boxes: Vec::new() };
    for name in ["china_256.png", "chelsea_256.png"] {
        let (picture, side) = unit_picture(name);
        let tiles = tile_input(&picture, [side, side], [0, 0]);
        let (gaussians, boxes) = layout(&tiles, tokens, 2.5).unwrap();
        batch.tiles.extend(tiles);
        batch.gaussians.extend(gaussians);
        batch.boxes.push(boxes);
    }
    batch
}

#[test]
fn tokenizers() {
    let backbones = [Backbone::Alex, Backbone::Vgg]
        .map(|backbone| checkpoint::open(tiny_network(backbone).path()).unwrap().tensors);
    let sizes = |text: &str| serde_json::from_str::<Sizes>(text).unwrap();
    let tiny =
        r#"{"stem": 7, "width": 24, "blocks": 2, "bins": 3, "textures": 5, "levels": [6, 10, 12, 9], "residuals": 2}"#;
    let cases = [
        ("tiny", moved(sizes(tiny).weights(0).unwrap(), 0.1), 9, [32, 32], 5.0),
        ("as small", moved(sizes("{}").weights(0).unwrap(), 0.02), 65, [64, 64], 3.0),
    ];
    let smooth = Losses { absolute: 0.0, squared: 1.0, gradient: 0.0, perceptual: 0.0 };
    let all = Losses { absolute: 0.7, squared: 1.0, gradient: 0.5, perceptual: 0.3 };
    let judge = moved(first_weights(5, 0).unwrap(), 0.1);
    for (name, weights, tokens, map, support) in cases {
        let (batch, geometry) = (batch(tokens), Geometry { map, support });
        // Absolute differences, ReLU and max pooling have kinks. Where a number is a rounding error away from one, the two forms take
        // different sides, and a single side of a million moves a gradient by up to a thousandth.
        let kinds = [
            ("squared differences", smooth, 0, false, 1e-4),
            ("AlexNet and a judge", all, 0, true, 1e-3),
            ("VGG", all, 1, false, 1e-3),
        ];
        for (kind, losses, backbone, with_judge, allowed) in kinds {
            let step = |trainer: &Trainer| {
                let network = trainer.perceptual(backbones[backbone].clone()).unwrap();
                let adversary = with_judge.then(|| Adversary { weights: judge.clone(), weight: 0.2 });
                trainer.tokenizer_step(weights.clone(), &batch, geometry, &losses, Some(&network), adversary).unwrap()
            };
            let (actual, judged) = step(&Trainer::new(&Compute::Host));
            let (expected, expected_judged) = step(&Trainer::Device(Device::processor()));
            assert_twins(&format!("{name}, {kind}"), allowed, &actual, &expected);
            assert_eq!(judged.is_some(), with_judge);
            if let (Some(judged), Some(expected)) = (judged, expected_judged) {
                assert_twins(&format!("{name}, the judge"), 1e-3, &judged, &expected);
            }
        }
    }
}

#[test]
fn generators() {
    let (count, tokens) = (5, 9);
    for (channels, condition, outputs) in [(5, false, 1), (21, true, 1), (37, false, 2)] {
        let sizes = GeneratorSizes { depth: 2, width: 48, heads: 3, channels, tokens, classes: 3, condition };
        let mut weights = moved(sizes.weights(0).unwrap(), 0.1);
        // A network with learned sigmas.
        for key in ["final_layer.linear.weight", "final_layer.linear.bias"].iter().take(2 * (outputs - 1)) {
            let tensor = &weights[*key];
            let mut shape = tensor.shape().to_vec();
            shape[0] *= 2;
            let doubled = Tensor::from_vec(shape, tensor.to_f32().repeat(2)).unwrap();
            weights.insert((*key).to_owned(), doubled);
        }
        let mut random = Random::new(2, Purpose::Sample, 0, 0);
        let batch = samples::Batch {
            shape: [channels, tokens],
            points: random.normal(count * channels * tokens),
            velocities: random.normal(count * channels * tokens),
            times: vec![0.0, 0.1, 0.5, 0.9, 1.0],
            classes: vec![0, 3, 2, 2, 1],
            layouts: if condition { random.normal(count * tokens * 5) } else { Vec::new() },
        };
        let step = |trainer: &Trainer| trainer.velocity_step(weights.clone(), 3, &batch).unwrap();
        let (actual, expected) = (step(&Trainer::new(&Compute::Host)), step(&Trainer::Device(Device::processor())));
        assert_twins(&format!("{channels} channels"), 1e-4, &actual, &expected);
    }
}
