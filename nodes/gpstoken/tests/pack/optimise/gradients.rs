//! The gradients of OptimizeTokens: of pictures in several windows, and of LPIPS in parts.

use super::{CHANNELS, gaussian};
use crate::{
    folder,
    support::{Numbers, lpips::tiny_network, random},
};
use splatgraph_pack_gpstoken::{
    edit::token_set::TokenSet,
    kernels::{cpu::Level, workspace::Workspace},
    layers::Host,
    lpips::{self, Backbone},
    optimise::{Judge, Losses, View},
    splat::{Target, Tiles},
    tokenizer::{Network, Pieces, Together},
};
use splatgraph_sdk::{Canvas, checkpoint, host, testing::Recorder};

#[test]
fn the_gradient_of_all_ways_to_splat_and_decode_agrees_with_differences() {
    let network = Network::load(checkpoint::open(&folder().join("weights_B.safetensors")).unwrap().tensors).unwrap();
    let (workspace, ctx) = (Workspace::default(), host::context(Recorder::default()));
    // Two tiles, and a picture that ends inside them. At five sigmas the borders of the boxes add nothing.
    let header =
        Canvas { canvas: [26, 14], tile: 16, grid: [2, 1], map: Some([8, 8]), support: Some(5.0), ..Canvas::default() };
    let mut numbers = Numbers::new(9);
    let first = TokenSet {
        gaussians: (0..12).map(|_| gaussian(&mut numbers)).collect(),
        textures: random(12 * CHANNELS, 4),
        channels: CHANNELS,
    };
    let direction = random(26 * 14 * 3, 5);
    for level in Level::all() {
        let host = Host { level, workspace: &workspace };
        for (tiles, together) in [
            (Tiles::Merged, Together::Merged),
            (Tiles::Separate, Together::Separate),
            (Tiles::Merged, Together::Overlapping),
            (Tiles::Separate, Together::Overlapping),
        ] {
            let target = Target::new(header.clone(), [1, 12, CHANNELS], None, tiles, 1.0).unwrap();
            let shape = [1, CHANNELS, 8, 16];
            let pieces = Pieces::new(&network.sizes, [8, 8], shape, &target.header, together).unwrap();
            let view = View::new(&network, host, &target, pieces);
            let sum = |tokens: &TokenSet| -> f64 {
                let picture = view.show(tokens, &ctx).unwrap().picture;
                assert_eq!(picture.size, [14, 26]);
                picture.values().iter().zip(&direction).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
            };
            let mut of_picture = host.map([14, 26], 3);
            of_picture.values_mut().copy_from_slice(&direction);
            let shown = view.show(&first, &ctx).unwrap();
            let found = view.gradients(&first, shown, of_picture, &ctx).unwrap();
            for (which, gradient) in found.iter().enumerate() {
                const STEP: f32 = 1.0 / 512.0;
                let along = random(gradient.len(), 6 + which as u64);
                let at = |step: f32| {
                    let mut moved = first.clone();
                    let numbers = if which == 0 { moved.gaussians.as_flattened_mut() } else { &mut moved.textures };
                    numbers.iter_mut().zip(&along).for_each(|(v, d)| *v += step * d);
                    sum(&moved)
                };
                let expected = (at(STEP) - at(-STEP)) / f64::from(2.0 * STEP);
                let actual: f64 = gradient.iter().zip(&along).map(|(g, d)| f64::from(*g) * f64::from(*d)).sum();
                let norm = gradient.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
                println!("{level:?} {tiles:?} {together:?} {which}: {actual:.4}, {expected:.4}, norm {norm:.4}");
                assert!((actual - expected).abs() <= 1e-2 * norm, "{level:?} {tiles:?} {together:?} {which}");
            }
        }
    }
}

#[test]
fn lpips_of_a_picture_with_a_long_side_is_the_mean_of_its_parts() {
    let file = tiny_network(Backbone::Vgg);
    let network = lpips::Network::load(checkpoint::open(file.path()).unwrap().tensors).unwrap();
    let workspace = Workspace::default();
    let host = Host { level: Level::best(), workspace: &workspace };
    let (size @ [height, width], expected) = ([17, 1030], random(17 * 1030 * 3, 1));
    let expected: Vec<f32> = expected.into_iter().map(|v| (v + 1.0) / 2.0).collect();
    let map_of = |values: &[f32], size: [usize; 2]| {
        let mut map = host.map(size, 3);
        map.values_mut().copy_from_slice(values);
        map
    };
    let losses = Losses { squared: 0.0, absolute: 0.0, ssim: 0.0, perceptual: 2.0 };
    let judge = Judge::new(&expected, size, None, losses, Some(&network), host);
    let picture = random(height * width * 3, 2);
    let (loss, gradient) = judge.judge(&map_of(&picture, size));

    let unit: Vec<f32> = picture.iter().map(|v| (v + 1.0) / 2.0).collect();
    let mean: f64 = [0..343, 343..686, 686..1030]
        .into_iter()
        .map(|columns| {
            let part = |values: &[f32]| {
                let rows = values.chunks_exact(width * 3);
                let part: Vec<f32> = rows.flat_map(|row| &row[columns.start * 3..columns.end * 3]).copied().collect();
                map_of(&part, [height, columns.len()])
            };
            network.loss([&part(&unit), &part(&expected)], host).0 * columns.len() as f64 / width as f64
        })
        .sum();
    assert!((loss - 2.0 * mean).abs() < 1e-6, "{loss}, {mean}");

    // A larger step crosses many bends of ReLU and of the pooling.
    const STEP: f32 = 1.0 / 4096.0;
    let along = random(picture.len(), 3);
    let at = |step: f32| {
        let moved: Vec<f32> = picture.iter().zip(&along).map(|(v, d)| v + step * d).collect();
        judge.judge(&map_of(&moved, size)).0
    };
    let expected = (at(STEP) - at(-STEP)) / f64::from(2.0 * STEP);
    let actual: f64 = gradient.values().iter().zip(&along).map(|(g, d)| f64::from(*g) * f64::from(*d)).sum();
    let norm = gradient.values().iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
    assert!((actual - expected).abs() <= 1e-2 * norm, "{actual}, {expected}, norm {norm}");
}
