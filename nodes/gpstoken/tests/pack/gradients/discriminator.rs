//! Tests of the discriminator's losses.

use super::{
    super::support::random,
    slow::{assert_slopes, convolve_slowly, exact_slopes, map_of, on_threads, used_workspace, wide},
};
use splatgraph_pack_gpstoken::{
    discriminator::Discriminator,
    gradients::Gradients,
    kernels::{cpu::Level, patches::Kernel},
    layers::Host,
    training::discriminator::first_weights,
};
use splatgraph_sdk::Tensor;
use std::collections::BTreeMap;

const SIZE: [usize; 2] = [38, 33];
/// Real pictures, and as many made ones.
const PICTURES: usize = 2;
/// Groups of three channels: with fewer, some biases have no effect.
const CHANNELS: usize = 6;

type Weights = BTreeMap<String, Tensor>;

/// Weights such that some hinges are active and some are not.
fn weights() -> Weights {
    let weights = first_weights(CHANNELS, 0).unwrap().into_iter().zip(0..);
    let moved = weights.map(|((key, tensor), seed)| {
        let values = tensor.to_f32().iter().zip(random(tensor.len(), seed)).map(|(v, r)| v + 0.3 * r).collect();
        (key, Tensor::from_vec(tensor.shape(), values).unwrap())
    });
    moved.collect()
}

/// Normalises groups of channels in f64.
fn normalise_slowly(map: &mut [f64], channels: usize, parameters: [&[f64]; 2]) {
    let groups = (1..=32)
        .filter(|groups: &usize| 32_usize.is_multiple_of(*groups) && channels.is_multiple_of(*groups))
        .max()
        .unwrap();
    let members = channels / groups;
    for group in 0..groups {
        let inside = |i: &usize| i % channels / members == group;
        let places: Vec<usize> = (0..map.len()).filter(inside).collect();
        let mean = places.iter().map(|i| map[*i]).sum::<f64>() / places.len() as f64;
        let variance = places.iter().map(|i| (map[*i] - mean).powi(2)).sum::<f64>() / places.len() as f64;
        for i in places {
            let channel = i % channels;
            map[i] = (map[i] - mean) / (variance + 1e-6).sqrt() * parameters[0][channel] + parameters[1][channel];
        }
    }
}

/// The scores of a picture in f64.
fn scores_slowly(weights: &BTreeMap<String, Vec<f64>>, picture: &[f64]) -> Vec<f64> {
    let (mut map, mut size, mut channels) = (picture.to_vec(), SIZE, 3);
    for (layer, stride) in [2, 2, 2, 1, 1].into_iter().enumerate() {
        let kernel = Kernel::square(4, stride, 1);
        let of = |name: &str| {
            weights.get(&format!("{name}.{layer}.weight")).zip(weights.get(&format!("{name}.{layer}.bias")))
        };
        let (weight, bias) = of("layers").unwrap();
        map = convolve_slowly([weight, bias, &map], kernel, size, channels, 1.0);
        (size, channels) = (kernel.outputs(size), bias.len());
        if let Some((scale, shift)) = of("norms") {
            normalise_slowly(&mut map, channels, [scale, shift]);
        }
        if layer < 4 {
            map.iter_mut().for_each(|v| *v = if *v > 0.0 { *v } else { 0.2 * *v });
        }
    }
    map
}

fn all_wide(weights: &Weights) -> BTreeMap<String, Vec<f64>> {
    weights.iter().map(|(key, tensor)| (key.clone(), wide(&tensor.to_f32()))).collect()
}

fn pictures() -> [Vec<Vec<f32>>; 2] {
    [0, 10].map(|seed| (seed..seed + PICTURES as u64).map(|seed| random(SIZE[0] * SIZE[1] * 3, seed)).collect())
}

/// The discriminator's loss and its gradients.
fn judged(weights: &Weights, level: Level) -> (f64, BTreeMap<String, Vec<f32>>) {
    let workspace = used_workspace();
    let host = Host { level, workspace: &workspace };
    let network = Discriminator::load(weights.clone()).unwrap();
    let mut gradients = Gradients::new(host);
    let mut loss = 0.0;
    for (pictures, is_real) in pictures().iter().zip([true, false]) {
        for picture in pictures {
            loss += network.judge(map_of(host, picture, SIZE, 3), is_real, PICTURES, &mut gradients);
        }
    }
    (loss, gradients.into_parameters())
}

#[test]
fn the_gradients_of_a_discriminator_agree_with_finite_differences() {
    let weights = weights();
    let [real, made] = pictures().map(|pictures| pictures.iter().map(|picture| wide(picture)).collect::<Vec<_>>());
    let slow = |weights: &BTreeMap<String, Vec<f64>>| {
        let mean = |pictures: &[Vec<f64>], sign: f64| {
            let scores: Vec<f64> = pictures.iter().flat_map(|picture| scores_slowly(weights, picture)).collect();
            scores.iter().map(|score| (1.0 + sign * score).max(0.0)).sum::<f64>() / scores.len() as f64
        };
        (mean(&real, -1.0) + mean(&made, 1.0)) / 2.0
    };
    let exact = slow(&all_wide(&weights));
    let slopes = weights.iter().map(|(key, tensor)| {
        exact_slopes(&tensor.to_f32(), &|moved: &[f64]| {
            let mut weights = all_wide(&weights);
            weights.insert(key.clone(), moved.to_vec());
            slow(&weights)
        })
    });
    let slopes: Vec<[f64; 2]> = slopes.collect();
    for level in Level::all() {
        let one = on_threads(1, || judged(&weights, level));
        assert!(one == on_threads(3, || judged(&weights, level)), "{level:?}");
        let (loss, gradients) = one;
        assert!((loss - exact).abs() < 1e-5, "{level:?}: {loss} instead of {exact}");
        assert!(gradients.keys().eq(weights.keys()));
        for ((key, gradient), slopes) in gradients.iter().zip(&slopes) {
            assert_slopes(&format!("{level:?} {key}"), gradient, slopes);
        }
    }
}

#[test]
fn the_tokenizer_learns_from_the_gradient_of_its_pictures() {
    let weights = weights();
    let network = Discriminator::load(weights.clone()).unwrap();
    let [_, made] = pictures();
    let wide_weights = all_wide(&weights);
    let slow = |picture: &[f64]| {
        let scores = scores_slowly(&wide_weights, picture);
        -scores.iter().sum::<f64>() / (scores.len() * PICTURES) as f64
    };
    let (exact, slopes) = (slow(&wide(&made[0])), exact_slopes(&made[0], &slow));
    for level in Level::all() {
        let workspace = used_workspace();
        let host = Host { level, workspace: &workspace };
        let (loss, gradient) = network.adversarial(map_of(host, &made[0], SIZE, 3), PICTURES, host);
        assert!((loss - exact).abs() < 1e-5, "{level:?}: {loss} instead of {exact}");
        assert_slopes(&format!("{level:?}"), gradient.values(), &slopes);
    }
}
