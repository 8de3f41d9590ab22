//! Measures the networks and losses that judge a decoded picture, with their way back, on the host's kernels and with random weights:
//! `cargo bench --workspace --bench judges`.
//!
//! `RAYON_NUM_THREADS` sets the number of threads, `SPLATGRAPH_CPU=avx2|portable` limits the instructions. The arguments are the
//! picture's side and the channels of the discriminator's first layer (256, 64).

use splatgraph_pack_gpstoken::{
    discriminator::Discriminator,
    generator::noise::normal,
    gradients::{
        Gradients,
        losses::{Differences, structural},
    },
    kernels::{cpu::Level, workspace::Workspace},
    layers::{Host, Map},
    lpips::Network,
    training::discriminator::first_weights,
};
use splatgraph_sdk::Tensor;
use std::{collections::BTreeMap, time::Instant};

fn main() {
    let numbers: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let [side, channels] = <[usize; 2]>::try_from(numbers).unwrap_or([256, 64]);
    println!("{:?}, {} threads, {side} x {side} pixels", Level::best(), rayon::current_num_threads());
    let workspace = Workspace::default();
    let host = Host { level: Level::best(), workspace: &workspace };
    let picture = |seed: u64| {
        let mut map = host.map([side, side], 3);
        let values = normal(seed, 0, side * side * 3);
        map.values_mut().iter_mut().zip(values).for_each(|(to, v)| *to = (0.5 + 0.2 * v).clamp(0.0, 1.0));
        map
    };
    let copy = |from: &Map| {
        let mut map = host.map(from.size, from.channels);
        map.values_mut().copy_from_slice(from.values());
        map
    };
    let (a, b) = (picture(1), picture(2));

    for (name, network) in [("AlexNet", alex()), ("VGG16", vgg())] {
        time(&format!("LPIPS, {name}, forward only"), || {
            network.compare([a.values(), b.values()], a.size, host, &mut || Ok(())).expect("compare");
        });
        time(&format!("LPIPS, {name}, loss and gradient"), || host.put(network.loss([&a, &b], host).1));
    }

    let discriminator = Discriminator::load(first_weights(channels, 0).expect("weights")).expect("a discriminator");
    let mut gradients = Gradients::new(host);
    time("discriminator, gradients of a picture", || {
        discriminator.judge(copy(&a), true, 1, &mut gradients);
    });
    time("discriminator, gradient with respect to a picture", || {
        host.put(discriminator.adversarial(copy(&a), 1, host).1);
    });

    let weights = Differences { absolute: 1.0, squared: 1.0, gradient: 1.0 };
    time("differences of pixels", || host.put(weights.of([&a, &b], 1, host).1));
    time("SSIM", || host.put(structural([&a, &b], 1, host).1));
}

fn time(name: &str, mut work: impl FnMut()) {
    work();
    let mut times = Vec::new();
    while times.len() < 7 {
        let start = Instant::now();
        work();
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    println!("{name:52} median {:8.2} ms, least {:8.2} ms", times[times.len() / 2], times[0]);
}

fn alex() -> Network {
    lpips(&[(0, 64, 11, 0), (3, 192, 5, 1), (6, 384, 3, 2), (8, 256, 3, 3), (10, 256, 3, 4)])
}

fn vgg() -> Network {
    let layers = [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28];
    let stages = [0, 0, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4];
    let widths = [64, 128, 256, 512, 512];
    let all: Vec<_> = layers.iter().zip(stages).map(|(layer, stage)| (*layer, widths[stage], 3, stage)).collect();
    lpips(&all)
}

/// A network of layers with their number, outputs, kernel and stage.
fn lpips(layers: &[(usize, usize, usize, usize)]) -> Network {
    let mut tensors = BTreeMap::new();
    let mut inputs = 3;
    for &(layer, outputs, side, stage) in layers {
        let spread = (2.0 / (inputs * side * side) as f32).sqrt();
        let values = normal(layer as u64, 0, outputs * inputs * side * side).into_iter().map(|v| v * spread).collect();
        let mut add = |key: String, shape: &[usize], values: Vec<f32>| {
            tensors.insert(key, Tensor::from_vec(shape, values).expect("as many numbers as the shape has"));
        };
        add(format!("features.{layer}.weight"), &[outputs, inputs, side, side], values);
        add(format!("features.{layer}.bias"), &[outputs], vec![0.01; outputs]);
        add(format!("lin{stage}.weight"), &[1, outputs, 1, 1], vec![0.1; outputs]);
        inputs = outputs;
    }
    Network::load(tensors).expect("the shapes of the network")
}
