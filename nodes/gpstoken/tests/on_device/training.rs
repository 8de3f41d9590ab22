//! The gradients of trainings on the host's kernels against those of burn's autodiff.

use super::{
    assert_near, computes,
    support::{
        lpips::tiny_network,
        steps::{learner, tokenizer_step, velocity_step},
    },
    unit_picture,
};
use splatgraph_pack_gpstoken::{
    canvas::picture::tile_input,
    checkpoint::Parameter,
    device::Compute,
    discriminator::Discriminator,
    lpips::Backbone,
    on_device::{self, Device},
    tokenizer::Network,
    training::{
        adam::Adam,
        adversary::Geometry,
        batch::{Batch, layout},
        discriminator::first_weights,
        generator_sizes::GeneratorSizes,
        gradients::Trainer,
        losses::Losses,
        random::{Purpose, Random},
        samples,
        sizes::Sizes,
        state::{Learner, State, Update},
        step::{Gradients, HostGradients, InTraining, Step},
    },
};
use splatgraph_sdk::{Tensor, checkpoint, serde_json};
use std::{collections::BTreeMap, ops::Range};

type Weights = BTreeMap<String, Tensor>;
type Found = Step<HostGradients>;

/// Weights with offsets, so that all of them affect the result.
fn moved(weights: Weights, size: f32) -> Weights {
    let mut random = Random::new(1, Purpose::Weights, 1, 0);
    let mut moved = |tensor: Tensor| {
        let values = tensor.to_f32().iter().zip(random.normal(tensor.len())).map(|(v, n)| v + size * n).collect();
        Tensor::from_vec(tensor.shape(), values).unwrap()
    };
    weights.into_iter().map(|(key, tensor)| (key, moved(tensor))).collect()
}

/// Weights that each move by a rounding error.
fn nudged(weights: &Weights) -> Weights {
    let mut random = Random::new(3, Purpose::Weights, 2, 0);
    let mut nudge = |tensor: &Tensor| {
        let values =
            tensor.to_f32().iter().zip(random.normal(tensor.len())).map(|(v, n)| v * (1.0 + 1e-7 * n)).collect();
        Tensor::from_vec(tensor.shape(), values).unwrap()
    };
    weights.iter().map(|(key, tensor)| (key.clone(), nudge(tensor))).collect()
}

/// Checks that each gradient differs by less than 1e-4 of its norm, or by less than three times what a rounding error in each weight
/// changes: `nudged` has the gradients for weights that moved so. Absolute differences, ReLU and max pooling have kinks. Where a number is
/// a rounding error away from one, two forms take different sides, and a single number of a million moves a gradient by up to a
/// thousandth. Gradients below a millionth of the norm of all consist of rounding errors, such as that of the bias of an attention's keys.
///
/// On graphics cards, whose names end with `gpu:` and a number, 1e-3 of the norm is allowed: lavapipe's exponential is off by ten rounding errors,
/// and its logarithm by a hundred near 1.
fn assert_twins(name: &str, actual: &Found, nudged: &Found, expected: &Found) {
    let allowed = if name.contains(" on gpu:") { 1e-3 } else { 1e-4 };
    assert!(actual.gradients.keys().eq(expected.gradients.keys()), "{name}");
    assert!((actual.loss / expected.loss - 1.0).abs() < 1e-5, "{name}: {} and {}", actual.loss, expected.loss);
    let length = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let all = length(&mut expected.gradients.values().flatten().map(|v| f64::from(*v)));
    let (mut worst, mut worst_of_nudged) = ((0.0, ""), (0.0, ""));
    for (key, expected) in &expected.gradients {
        let apart = |step: &Found| {
            let other = &step.gradients[key];
            assert_eq!(other.len(), expected.len(), "{name}: {key}");
            length(&mut other.iter().zip(expected).map(|(a, e)| f64::from(*a) - f64::from(*e)))
        };
        let norm = length(&mut expected.iter().map(|v| f64::from(*v)));
        let error = apart(actual);
        if norm < 1e-6 * all {
            assert!(error < 1e-6 * all, "{name}: {key}");
            continue;
        }
        let pairs = actual.gradients[key].iter().zip(&nudged.gradients[key]);
        let change = length(&mut pairs.map(|(a, n)| f64::from(*a) - f64::from(*n))) / norm;
        let error = error / norm;
        if error > worst.0 {
            worst = (error, key);
        }
        if change > worst_of_nudged.0 {
            worst_of_nudged = (change, key);
        }
        assert!(
            error < f64::max(allowed, 3.0 * change),
            "{name}: {key}: {error:.1e}, and {change:.1e} for a rounding error"
        );
    }
    let ((worst, key), (change, of)) = (worst, worst_of_nudged);
    println!(
        "{name}: the worst gradient is {worst:.1e} of its norm apart, {key}; a rounding error changes {of} by {change:.1e}"
    );
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
        let kinds =
            [("squared differences", smooth, 0, false), ("AlexNet and a judge", all, 0, true), ("VGG", all, 1, false)];
        // A step of burn with the sizes of `small` takes seconds, so they have one kind.
        let count = if name == "tiny" { 3 } else { 1 };
        for (kind, losses, backbone, with_judge) in kinds.into_iter().take(count) {
            let step = |trainer: &Trainer, weights: &Weights| {
                let network = trainer.perceptual(backbones[backbone].clone()).unwrap();
                let adversary = with_judge.then_some((&judge, 0.2));
                tokenizer_step(trainer, weights, &batch, geometry, &losses, Some(&network), adversary)
            };
            let host = Trainer::new(&Compute::Host);
            let (actual, judged) = step(&host, &weights);
            let (moved, judged_moved) = step(&host, &nudged(&weights));
            assert_eq!(judged.is_some(), with_judge);
            // The other devices are software adapters in CI, which are slow.
            for device in learning_devices().into_iter().take(if name == "tiny" { 9 } else { 1 }) {
                let (expected, expected_judged) = step(&Trainer::Device(device.clone()), &weights);
                assert_twins(&format!("{name}, {kind} on {}", device.id()), &actual, &moved, &expected);
                if let (Some(judged), Some(moved), Some(expected)) = (&judged, &judged_moved, expected_judged) {
                    assert_twins(&format!("{name}, the judge on {}", device.id()), judged, moved, &expected);
                }
            }
        }
    }
}

/// The first steps agree to the last digits. Later ones drift apart, as a training repeats every rounding error, and stay within noise.
#[test]
fn the_losses_of_two_hundred_steps() {
    const STEPS: usize = 200;
    let sizes =
        r#"{"stem": 2, "width": 8, "blocks": 1, "bins": 2, "textures": 3, "levels": [2, 2, 2, 4, 4], "residuals": 1}"#;
    let first = serde_json::from_str::<Sizes>(sizes).unwrap().weights(0).unwrap();
    let network = Network::load(first.clone()).unwrap();
    let (batch, geometry) = (batch(9), Geometry { map: [16, 16], support: 3.0 });
    let losses = Losses { absolute: 1.0, squared: 1.0, gradient: 0.5, perceptual: 0.0 };
    let update = Update { adam: Adam::with_decay(0.0), rate: 2e-3, clip: 1.0, average: 0.9 };
    let train = |trainer: &Trainer| {
        let mut learner = learner(trainer, &first);
        for _ in 0..STEPS {
            let tokenizer = InTraining { network: &network, learner: &learner };
            let (step, _) = trainer.tokenizer_step(tokenizer, &batch, geometry, &losses, None, None).unwrap();
            learner.update(&step.gradients, step.loss, step.gradients.norm(), update).unwrap();
        }
        learner.losses
    };
    let (host, burn) = (train(&Trainer::new(&Compute::Host)), train(&Trainer::Device(Device::processor())));
    let apart = |range: Range<usize>| {
        let pairs = host[range.clone()].iter().zip(&burn[range]);
        pairs.map(|(a, b)| (a / b - 1.0).abs()).fold(0.0, f32::max)
    };
    println!(
        "losses {} to {}; {:.1e} apart in 10 steps, {:.1e} in all",
        host[0],
        host[STEPS - 1],
        apart(0..10),
        apart(0..STEPS)
    );
    assert!(host[STEPS - 1] < 0.7 * host[0], "it learns: {} to {}", host[0], host[STEPS - 1]);
    let mean = |losses: &[f32]| losses[STEPS / 2..].iter().sum::<f32>() / (STEPS / 2) as f32;
    assert!(apart(0..10) < 1e-3 && (mean(&host) / mean(&burn) - 1.0).abs() < 0.03);
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
        let step = |trainer: &Trainer, weights: &Weights| velocity_step(trainer, weights, 3, &batch);
        let host = Trainer::new(&Compute::Host);
        let (actual, moved) = (step(&host, &weights), step(&host, &nudged(&weights)));
        for device in learning_devices() {
            let expected = step(&Trainer::Device(device.clone()), &weights);
            assert_twins(&format!("{channels} channels on {}", device.id()), &actual, &moved, &expected);
        }
    }
}

/// The devices where trainings on devices are tested: burn on the processor, and the others of this machine.
fn learning_devices() -> Vec<Device> {
    let others = computes().into_iter().filter_map(|compute| match compute {
        Compute::Host => None,
        Compute::Device(device) => Some(device),
    });
    [Device::processor()].into_iter().chain(others).collect()
}

/// Takes steps with random gradients, which half of the parameters do not have in every third step.
fn take_steps(state: &mut State, steps: Range<u64>, device: Option<&Device>) {
    let update = Update { adam: Adam::with_decay(0.1), rate: 1e-2, clip: 5.0, average: 0.9 };
    let network = Discriminator::load(first_weights(3, 0).unwrap()).unwrap();
    for step in steps {
        let mut count = 0;
        let mut numbers = |parameter: &Parameter| {
            count += 1;
            let gradient = Random::new(7, Purpose::Sample, step, count).normal(parameter.len());
            (step % 3 != 2 || count % 2 == 0).then(|| (parameter.key().to_owned(), gradient))
        };
        let gradients = match device {
            None => {
                let mut all = BTreeMap::new();
                network.map(&mut |parameter| all.extend(numbers(parameter)));
                Gradients::Host(all)
            }
            // The gradient of a sum of products with these numbers.
            Some(device) => {
                let mut loss = burn::tensor::Tensor::<1>::zeros([1], &device.burn().clone().autodiff());
                let mut leaves = Vec::new();
                network.map(&mut |parameter| {
                    let Some((_, factors)) = numbers(parameter) else { return };
                    let leaf = on_device::Parameter::on(parameter, device.burn()).learning();
                    let flat: burn::tensor::Tensor<1> = match parameter.shape().len() {
                        1 => leaf.tensor::<1>(),
                        _ => leaf.tensor::<4>().reshape([factors.len()]),
                    };
                    let factors = burn::tensor::Tensor::<1>::from_floats(factors.as_slice(), &flat.device());
                    loss = loss.clone() + (flat * factors).sum();
                    leaves.push(leaf);
                });
                Gradients::Device(Step::of(loss, &leaves).unwrap().gradients)
            }
        };
        let norm = gradients.norm();
        state.network.update(&gradients, step as f32, norm, update).unwrap();
        state.step += 1;
    }
}

#[test]
fn parameters_on_a_device_change_as_in_memory_and_continue_with_the_same_bytes() {
    let first = moved(first_weights(3, 0).unwrap(), 0.1);
    let folder = tempfile::tempdir().unwrap();
    let begin = || State::new(&first, Some(&first), "{}".to_owned());
    let mut expected = begin();
    take_steps(&mut expected, 0..8, None);
    let all = |weights: &Weights| weights.values().flat_map(Tensor::to_f32).collect::<Vec<f32>>();
    for device in learning_devices() {
        let trainer = Trainer::Device(device.clone());
        let mut whole = trainer.place(begin()).unwrap();
        take_steps(&mut whole, 0..8, Some(&device));
        assert_eq!(whole.network.losses, expected.network.losses);
        for of in [Learner::weights, Learner::averages] {
            let [actual, expected] = [&whole, &expected].map(|state| all(&of(&state.network).unwrap()));
            assert_near(device.id(), &actual, &expected, 1e-6);
        }

        let file = |name: &str| folder.path().join(name);
        let mut part = trainer.place(begin()).unwrap();
        take_steps(&mut part, 0..3, Some(&device));
        part.save(&file("part")).unwrap();
        let mut part = trainer.place(State::load(&file("part")).unwrap()).unwrap();
        take_steps(&mut part, 3..8, Some(&device));
        part.save(&file("part")).unwrap();
        whole.save(&file("whole")).unwrap();
        let [part, whole] = ["part", "whole"].map(|name| std::fs::read(file(name)).unwrap());
        assert!(part == whole, "{}: the states differ", device.id());
    }
}

#[test]
fn parameters_and_gradients_are_in_one_place() {
    let first = first_weights(3, 0).unwrap();
    let mut state = State::new(&first, None, "{}".to_owned());
    let device = Device::processor();
    let gradients = Gradients::Host(first.iter().map(|(key, tensor)| (key.clone(), tensor.to_f32())).collect());
    state.network.move_to(&device).unwrap();
    let update = Update { adam: Adam::with_decay(0.0), rate: 1e-2, clip: 0.0, average: 0.9 };
    let error = state.network.update(&gradients, 0.0, 1.0, update).unwrap_err();
    insta::assert_snapshot!(error, @"training: expected parameters and gradients in one place, got some on a device and others in memory");
}
