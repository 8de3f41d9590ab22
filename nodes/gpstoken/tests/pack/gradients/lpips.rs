//! Tests of LPIPS as a loss.

use super::{
    super::support::{lpips::tiny_network, random},
    slow::{assert_slopes, convolve_slowly, exact_slopes, map_of, norm, on_threads, pool_slowly, used_workspace, wide},
};
use splatgraph_pack_gpstoken::{
    kernels::{cpu::Level, patches::Kernel},
    layers::Host,
    lpips::{Backbone, Network, distance},
};
use splatgraph_sdk::{Tensor, checkpoint};
use std::collections::BTreeMap;

type Tensors = BTreeMap<String, Tensor>;

fn tensors(backbone: Backbone) -> Tensors {
    checkpoint::open(tiny_network(backbone).path()).unwrap().tensors
}

/// The layers of each stage.
fn layers(backbone: Backbone) -> [&'static [usize]; 5] {
    match backbone {
        Backbone::Alex => [&[0], &[3], &[6], &[8], &[10]],
        Backbone::Vgg => [&[0, 2], &[5, 7], &[10, 12, 14], &[17, 19, 21], &[24, 26, 28]],
    }
}

/// The features of a picture `[H, W, 3]` after each stage, as unit vectors.
fn features_slowly(tensors: &Tensors, backbone: Backbone, picture: &[f64], mut size: [usize; 2]) -> Vec<Vec<f64>> {
    let (shift, scale) = ([-0.030, -0.088, -0.188], [0.458, 0.448, 0.450]);
    let mut map: Vec<f64> = (0..).zip(picture).map(|(i, v)| (2.0 * v - 1.0 - shift[i % 3]) / scale[i % 3]).collect();
    let mut channels = 3;
    let mut features = Vec::new();
    for (stage, layers) in layers(backbone).into_iter().enumerate() {
        let side = if backbone == Backbone::Vgg { 2 } else { 3 };
        if stage > 0 && (backbone == Backbone::Vgg || stage < 3) {
            (map, size) = pool_slowly(&map, size, channels, side);
        }
        for layer in layers {
            let kernel = match (backbone, layer) {
                (Backbone::Alex, 0) => Kernel::square(11, 4, 2),
                (Backbone::Alex, 3) => Kernel::square(5, 1, 2),
                _ => Kernel::square(3, 1, 1),
            };
            let [weight, bias] =
                ["weight", "bias"].map(|kind| wide(&tensors[&format!("features.{layer}.{kind}")].to_f32()));
            map = convolve_slowly([&weight, &bias, &map], kernel, size, channels, 0.0);
            (size, channels) = (kernel.outputs(size), bias.len());
        }
        let unit = map.chunks_exact(channels).flat_map(|pixel| {
            let length = norm(pixel.iter().copied()) + 1e-10;
            pixel.iter().map(move |v| v / length)
        });
        features.push(unit.collect());
    }
    features
}

fn distance_slowly(tensors: &Tensors, [a, b]: [&[Vec<f64>]; 2]) -> f64 {
    let stages = (0..5).map(|stage| {
        let heads = wide(&tensors[&format!("lin{stage}.weight")].to_f32());
        let each = a[stage].iter().zip(&b[stage]).zip(heads.iter().cycle());
        let sum: f64 = each.map(|((a, b), head)| head * (a - b).powi(2)).sum();
        sum / (a[stage].len() / heads.len()) as f64
    });
    stages.sum()
}

/// The loss and its gradient.
fn found(tensors: &Tensors, level: Level, size: [usize; 2], pictures: [&[f32]; 2]) -> (f64, Vec<f32>) {
    let workspace = used_workspace();
    let host = Host { level, workspace: &workspace };
    let network = Network::load(tensors.clone()).unwrap();
    let [a, b] = pictures.map(|values| map_of(host, values, size, 3));
    let (loss, gradient) = network.loss([&a, &b], host);
    let compared = network.compare(pictures, size, host, &mut || Ok(())).unwrap();
    let measured = distance(&compared);
    assert!((loss - measured).abs() <= 1e-5 * measured, "{loss} and {measured}");
    (loss, gradient.values().to_vec())
}

fn picture(size: [usize; 2], seed: u64) -> Vec<f32> {
    random(size[0] * size[1] * 3, seed).iter().map(|v| 0.5 + 0.5 * v).collect()
}

#[test]
fn gradients_of_lpips_agree_with_finite_differences() {
    for (backbone, size) in [(Backbone::Alex, [45, 38]), (Backbone::Vgg, [35, 41]), (Backbone::Vgg, [16, 16])] {
        let tensors = tensors(backbone);
        let (a, b) = (picture(size, 1), picture(size, 2));
        let expected = features_slowly(&tensors, backbone, &wide(&b), size);
        let slow = |a: &[f64]| {
            let features = features_slowly(&tensors, backbone, a, size);
            distance_slowly(&tensors, [&features, &expected])
        };
        let (exact, slopes) = (slow(&wide(&a)), exact_slopes(&a, &slow));
        for level in Level::all() {
            let of = |threads: usize| on_threads(threads, || found(&tensors, level, size, [&a, &b]));
            let one = of(1);
            assert!(one == of(3), "{level:?} {backbone:?}");
            let (loss, gradient) = one;
            assert!((loss - exact).abs() <= 1e-5 * exact, "{level:?} {backbone:?}: {loss} instead of {exact}");
            assert_slopes(&format!("{level:?} {backbone:?}"), &gradient, &slopes);
        }
    }
}

#[test]
fn pixels_without_features_have_no_gradient() {
    let mut tensors = tensors(Backbone::Vgg);
    // The first layers have features of bright pixels only.
    for layer in [0, 2] {
        for (kind, change) in [("weight", f32::abs as fn(f32) -> f32), ("bias", |v: f32| -v.abs())] {
            let tensor = tensors.get_mut(&format!("features.{layer}.{kind}")).unwrap();
            let values = tensor.to_f32().iter().map(|v| change(*v)).collect();
            *tensor = Tensor::from_vec(tensor.shape(), values).unwrap();
        }
    }
    let (dark, bright) = (vec![0.0; 20 * 18 * 3], vec![1.0; 20 * 18 * 3]);
    for level in Level::all() {
        let (loss, gradient) = found(&tensors, level, [20, 18], [&dark, &bright]);
        assert!(loss > 0.01 && gradient.iter().all(|v| *v == 0.0), "{level:?}: {loss}");
    }
}
