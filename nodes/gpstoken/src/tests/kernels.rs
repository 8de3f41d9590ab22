//! The kernels against plain f64 forms and against the burn modules.

use super::{Golden, assert_near, largest};
use crate::{
    kernels::{
        attention::attend,
        convolution::{Source, Weights as Convolution, convolve, convolve_pixels, read_doubled, read_plain},
        cpu::Level,
        group_norm::{Normalisation, Statistics as Kind},
        workspace::Workspace,
    },
    tokenizer::{Direct, GroupNorm, Map, Network, Statistics},
    weights::Weights,
};
use burn::{
    prelude::Device,
    tensor::{Tensor, TensorData, activation::silu},
};
use std::{collections::BTreeMap, ops::Range};

/// Numbers from -1 to 1.
fn random(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// A 3x3 convolution in f64.
fn convolve_slowly(weights: Convolution<'_>, map: &[f32], [height, width]: [usize; 2]) -> Vec<f32> {
    let (inputs, outputs) = (weights.inputs, weights.bias.len());
    let at = |y: usize, x: usize, output: usize| {
        let mut sum = f64::from(weights.bias[output]);
        for (dy, dx) in (0..3).flat_map(|dy| (0..3).map(move |dx| (dy, dx))) {
            if (1..=height).contains(&(y + dy)) && (1..=width).contains(&(x + dx)) {
                let pixel = &map[((y + dy - 1) * width + x + dx - 1) * inputs..][..inputs];
                for (input, value) in pixel.iter().enumerate() {
                    let weight = weights.weight[(output * inputs + input) * 9 + dy * 3 + dx];
                    sum += f64::from(*value) * f64::from(weight);
                }
            }
        }
        sum as f32
    };
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (y, x)));
    places.flat_map(|(y, x)| (0..outputs).map(move |output| (y, x, output))).map(|(y, x, o)| at(y, x, o)).collect()
}

#[test]
fn convolutions_agree_with_f64_ones() {
    let workspace = Workspace::default();
    let shapes = [
        (1, 1, [1, 1]),
        (1, 9, [2, 3]),
        (3, 20, [5, 7]),
        (16, 3, [9, 6]),
        (17, 8, [3, 300]),
        (20, 33, [8, 4]),
        (33, 40, [6, 10]),
        (5, 12, [4, 270]),
        (256, 70, [11, 9]),
    ];
    for level in Level::all() {
        for (seed, (inputs, outputs, size)) in (0..).zip(shapes) {
            let [height, width] = size;
            let (weight, bias) = (random(outputs * inputs * 9, seed), random(outputs, seed + 100));
            let weights = Convolution { weight: &weight, bias: &bias, inputs };
            let what = format!("{level:?}, {inputs} to {outputs} at {size:?}");

            let map = random(height * width * inputs, seed + 200);
            let read = read_plain(&map, width, inputs);
            let exact = convolve_slowly(weights, &map, size);
            let mut out = vec![f32::NAN; exact.len()];
            let source = Source { size, doubled: false, read: &read };
            convolve(level, weights, &source, &mut out, false, &workspace);
            assert_near(&what, &out, &exact, largest(&exact) * 3e-5);

            let doubled = size.map(|side| 2 * side);
            let read = read_doubled(&map, width, inputs);
            let mut large = vec![0.0; doubled[0] * doubled[1] * inputs];
            for (y, row) in large.chunks_exact_mut(doubled[1] * inputs).enumerate() {
                read(y, 0..doubled[1], row);
            }
            let exact = convolve_slowly(weights, &large, doubled);
            let mut out = vec![1.0; exact.len()];
            let source = Source { size: doubled, doubled: true, read: &read };
            convolve(level, weights, &source, &mut out, true, &workspace);
            out.iter_mut().for_each(|v| *v -= 1.0);
            assert_near(&format!("{what}, doubled, added"), &out, &exact, largest(&exact) * 3e-5);
        }
    }
}

#[test]
fn convolutions_of_single_pixels_agree_with_f64_ones() {
    let workspace = Workspace::default();
    for level in Level::all() {
        for (inputs, outputs, pixels) in [(1, 1, 1), (3, 40, 100), (40, 7, 13), (130, 64, 97)] {
            let (weight, bias, map) = (random(inputs * outputs, 1), random(outputs, 2), random(inputs * pixels, 3));
            let sum = |pixel: &[f32], output: usize| {
                let row = weight[output * inputs..].iter().zip(pixel);
                row.map(|(w, v)| f64::from(*w) * f64::from(*v)).sum::<f64>() + f64::from(bias[output])
            };
            let exact: Vec<f32> =
                map.chunks_exact(inputs).flat_map(|pixel| (0..outputs).map(move |o| sum(pixel, o) as f32)).collect();
            let mut out = vec![f32::NAN; exact.len()];
            let weights = Convolution { weight: &weight, bias: &bias, inputs };
            convolve_pixels(level, weights, &map, &mut out, false, &workspace);
            assert_near(&format!("{level:?} {inputs} to {outputs}"), &out, &exact, largest(&exact) * 1e-6);
        }
    }
}

#[test]
fn attention_agrees_with_an_f64_one() {
    let workspace = Workspace::default();
    for level in Level::all() {
        for (places, channels) in [(1, 1), (5, 3), (50, 33), (130, 64)] {
            let [query, key, value] = [1, 2, 3].map(|seed| random(places * channels, seed));
            let exact = query.chunks_exact(channels).flat_map(|query| {
                let product = |key: &[f32]| query.iter().zip(key).map(|(q, k)| f64::from(*q) * f64::from(*k)).sum();
                let scores: Vec<f64> = key
                    .chunks_exact(channels)
                    .map(|key| {
                        let sum: f64 = product(key);
                        (3.0 * sum / (channels as f64).sqrt()).exp()
                    })
                    .collect();
                let total: f64 = scores.iter().sum();
                let value = &value;
                (0..channels).map(move |c| {
                    let values = value.chunks_exact(channels).map(|v| f64::from(v[c]));
                    (scores.iter().zip(values).map(|(s, v)| s * v).sum::<f64>() / total) as f32
                })
            });
            let exact: Vec<f32> = exact.collect();
            let sharp: Vec<f32> = query.iter().map(|v| 3.0 * v).collect();
            let mut out = vec![f32::NAN; exact.len()];
            attend(level, [&sharp, &key, &value], channels, &mut out, &workspace);
            assert_near(&format!("{level:?} {places} places"), &out, &exact, 2e-6);
        }
    }
}

/// `[H, W, C]` to `[1, C, H, W]`.
fn to_burn(map: &[f32], [height, width]: [usize; 2], channels: usize) -> Tensor<4> {
    let tensor = Tensor::<4>::from_data(TensorData::new(map.to_vec(), [1, height, width, channels]), &Device::flex());
    tensor.permute([0, 3, 1, 2])
}

fn from_burn(tensor: &Tensor<4>) -> Vec<f32> {
    tensor.clone().permute([0, 2, 3, 1]).into_data().try_to_vec().unwrap()
}

#[test]
fn normalisation_agrees_with_the_burn_form() {
    for (channels, size, grid) in
        [(1, [3, 5], [1, 1]), (40, [6, 8], [2, 3]), (32, [8, 8], [4, 2]), (96, [17, 2], [1, 1]), (128, [12, 9], [3, 1])]
    {
        let [height, width] = size;
        let map: Vec<f32> = random(height * width * channels, 5).iter().map(|v| v * 3.0 + 7.0).collect();
        let parameters = ["weight", "bias"].map(|key| {
            let values = random(channels, key.len() as u64);
            (format!("norm.{key}"), splatgraph_sdk::Tensor::from_vec([channels], values).unwrap())
        });
        let norm = GroupNorm::load(
            &mut Weights::new("a norm", BTreeMap::from(parameters.clone()), &[], &Device::flex()),
            "norm",
            channels,
        );
        let [(_, scale), (_, shift)] = &parameters;
        let parameters = [scale.as_slice().unwrap(), shift.as_slice().unwrap()];
        let kinds = [(Kind::Picture, Statistics::Picture), (Kind::Tiles(grid), Statistics::Tiles(grid))];
        for (level, (kind, statistics)) in Level::all().into_iter().flat_map(|level| kinds.map(|kind| (level, kind))) {
            let expected = from_burn(&silu(norm.forward(to_burn(&map, size, channels), statistics)));
            let normalisation = Normalisation::of(level, &map, size, parameters, kind);
            let mut out = vec![f32::NAN; map.len()];
            for (y, row) in out.chunks_exact_mut(width * channels).enumerate() {
                normalisation.read(y, 0..width, true, row);
            }
            assert_near(&format!("{level:?} {channels} {kind:?}"), &out, &expected, largest(&expected) * 5e-6);
        }
    }
}

fn network_b() -> Network {
    Network::load(Golden::open("weights_B.safetensors").0, &Device::flex()).unwrap()
}

#[test]
fn the_token_transformer_agrees_with_the_burn_form() {
    let network = network_b();
    let samples = network.bins * network.bins;
    for count in [1, 31, 33, 70] {
        let gaussians: Vec<f32> = random(count * 5, 1)
            .iter()
            .enumerate()
            .map(|(i, v)| if i % 5 < 2 { 0.3 + 0.2 * v } else { 0.9 * v })
            .collect();
        let regions = random(count * network.stem_channels * samples, 2);
        let upload = TensorData::new(regions.clone(), [1, count, network.stem_channels, samples]);
        let expected = network.transformer.forward(
            Tensor::from_data(TensorData::new(gaussians.clone(), [1, count, 5]), &Device::flex()),
            Tensor::from_data(upload, &Device::flex()),
            &mut |_, _| Ok(()),
        );
        let (placed, textures) = expected.unwrap();
        let [placed, textures] = [placed, textures].map(|t| t.into_data().try_into_vec::<f32>().unwrap());
        for level in Level::all() {
            let mut steps = 0;
            let step = &mut || {
                steps += 1;
                Ok(())
            };
            let (direct_placed, direct_textures) =
                network.transformer.direct(level, &gaussians, &regions, step).unwrap();
            assert_near(&format!("{level:?} gaussians of {count}"), &direct_placed, &placed, 2e-6);
            assert_near(
                &format!("{level:?} textures of {count}"),
                &direct_textures,
                &textures,
                largest(&textures) * 5e-6,
            );
            assert_eq!(steps, network.transformer.depth());
        }
    }
}

fn map_of(direct: Direct<'_>, values: &[f32], size: [usize; 2], channels: usize) -> Map {
    let mut map = direct.map(size, channels);
    map.values_mut().copy_from_slice(values);
    map
}

#[test]
fn every_stage_agrees_with_the_burn_form() {
    let network = network_b();
    let workspace = Workspace::default();
    for (size, grid) in [([12, 20], [1, 1]), ([12, 20], [2, 3]), ([5, 7], [1, 1])] {
        let values = random(size[0] * size[1] * network.textures, 9);
        let mut stages = BTreeMap::new();
        let watch = &mut |name: &str, x: &Tensor<4>| {
            stages.insert(name.to_owned(), from_burn(x));
            Ok(())
        };
        let picture = network.decoder.forward(to_burn(&values, size, network.textures), grid, watch).unwrap();
        stages.insert("picture".to_owned(), from_burn(&picture));
        for level in Level::all() {
            let direct = Direct { level, workspace: &workspace };
            let mut seen = 0;
            let watch = &mut |name: &str, x: &Map| {
                let expected = &stages[name];
                assert_near(&format!("{level:?} {name} {grid:?}"), x.values(), expected, largest(expected) * 4e-5);
                seen += 1;
                Ok(())
            };
            let map = map_of(direct, &values, size, network.textures);
            network.decoder.direct(&map, grid, direct, watch).unwrap();
            assert_eq!(seen, network.decoder.stages());
        }
    }
    let (size, values) = ([19, 13], random(19 * 13 * 3, 10));
    let expected = network.stem.forward(to_burn(&values, size, 3), &mut |_, _| Ok(())).unwrap();
    let expected = from_burn(&expected);
    for level in Level::all() {
        let direct = Direct { level, workspace: &workspace };
        let features = network.stem.direct(&map_of(direct, &values, size, 3), direct, &mut |_, _| Ok(())).unwrap();
        assert_near(&format!("{level:?} stem"), features.values(), &expected, largest(&expected) * 4e-5);
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let network = network_b();
    let (size, grid) = ([34, 22], [2, 2]);
    let values = random(size[0] * size[1] * network.textures, 11);
    let decode = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let workspace = Workspace::default();
            let direct = Direct { level: Level::best(), workspace: &workspace };
            let map = map_of(direct, &values, size, network.textures);
            network.decoder.direct(&map, grid, direct, &mut |_, _| Ok(())).unwrap().values().to_vec()
        })
    };
    let one = decode(1);
    assert!(largest(&one) > 0.01);
    assert!(one == decode(2) && one == decode(3));

    let gaussians: Vec<f32> = random(100 * 5, 1).iter().map(|v| 0.5 + 0.4 * v).collect();
    let regions = random(100 * network.stem_channels * network.bins * network.bins, 2);
    let refine = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| network.transformer.direct(Level::best(), &gaussians, &regions, &mut || Ok(())).unwrap())
    };
    assert!(refine(1) == refine(2));
}

#[test]
fn the_workspace_gives_the_smallest_that_fits_and_lets_large_ones_go() {
    let workspace = Workspace::default();
    let (small, large) = (workspace.take(10), workspace.take((1 << 26) + 1));
    workspace.put(large);
    workspace.put(small);
    assert_eq!(workspace.take(5).len(), 10);
    workspace.trim();
    assert_eq!(workspace.take(5).len(), 5);
}

#[test]
fn not_a_number_stays_one() {
    let mut map = vec![0.5; 8 * 8 * 16];
    map[100] = f32::NAN;
    let (weight, bias) = (random(16 * 16 * 9, 1), vec![0.0; 16]);
    let ones = vec![1.0; 16];
    for level in Level::all() {
        let norm = Normalisation::of(level, &map, [8, 8], [&ones, &bias], Kind::Picture);
        let read = |y: usize, columns: Range<usize>, out: &mut [f32]| norm.read(y, columns, true, out);
        let source = Source { size: [8, 8], doubled: false, read: &read };
        let mut out = vec![0.0; map.len()];
        let weights = Convolution { weight: &weight, bias: &bias, inputs: 16 };
        convolve(level, weights, &source, &mut out, false, &Workspace::default());
        assert!(out.iter().any(|v| v.is_nan()), "{level:?}");
    }
}
