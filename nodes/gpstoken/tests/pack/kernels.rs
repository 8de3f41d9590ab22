//! Tests of the kernels against plain f64 forms. The tests in `on_device` compare the kernels with burn's forms.

use super::{Golden, assert_near, largest, support::random};
use splatgraph_pack_gpstoken::{
    kernels::{
        attention::attend,
        convolution::{
            Source, Weights as Convolution, convolve, convolve_pixels, convolve_rectified, convolve_transformed,
            read_doubled, read_plain, transformed,
        },
        cpu::Level,
        group_norm::{Moments, Normalisation, Statistics as Kind},
        product::{Rows, Target, pack, panels_length, product, product_with_bias},
        workspace::Workspace,
    },
    layers::{Host, Map},
    tokenizer::Network,
};
use std::ops::Range;

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
fn convolutions_agree_with_plain_ones_in_f64() {
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
        (12, 20, [21, 70]),
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
            let rectified: Vec<f32> = out.iter().map(|v| v.max(0.0)).collect();
            let mut others = [vec![f32::NAN; exact.len()], vec![f32::NAN; exact.len()]];
            let mut maps: Vec<_> = others.iter_mut().map(|out| (source, out.as_mut_slice())).collect();
            convolve_rectified(level, weights, &mut maps, &workspace);
            assert!(others.iter().all(|other| *other == rectified), "{what}, ReLU of two maps");
            if outputs > 8 {
                // Fewer outputs are not convolved by Winograd's method.
                let transformed = transformed(level, &weight, outputs, inputs);
                let weights = Convolution { weight: &transformed, ..weights };
                let mut other = vec![f32::NAN; exact.len()];
                convolve_transformed(level, weights, &source, &mut other, &workspace);
                assert!(other == out, "{what}, with transformed weights");
            }

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
fn convolutions_of_single_pixels_agree_with_plain_ones_in_f64() {
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
fn attention_agrees_with_a_plain_form_in_f64() {
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

fn network_b() -> Network {
    Network::load(Golden::open("weights_B.safetensors").0).unwrap()
}

fn map_of(host: Host<'_>, values: &[f32], size: [usize; 2], channels: usize) -> Map {
    let mut map = host.map(size, channels);
    map.values_mut().copy_from_slice(values);
    map
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let network = network_b();
    let (size, grid) = ([34, 22], [2, 2]);
    let values = random(size[0] * size[1] * network.sizes.textures, 11);
    let decode = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let workspace = Workspace::default();
            let host = Host { level: Level::best(), workspace: &workspace };
            let map = map_of(host, &values, size, network.sizes.textures);
            network.decoder.forward(&map, grid, host, &mut |_, _| Ok(())).unwrap().values().to_vec()
        })
    };
    let one = decode(1);
    assert!(largest(&one) > 0.01);
    assert!(one == decode(2) && one == decode(3));

    let gaussians: Vec<f32> = random(100 * 5, 1).iter().map(|v| 0.5 + 0.4 * v).collect();
    let regions = random(100 * network.sizes.stem_channels * network.sizes.bins * network.sizes.bins, 2);
    let refine = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| network.transformer.forward(Level::best(), &gaussians, &regions, &mut || Ok(())).unwrap())
    };
    assert!(refine(1) == refine(2));
}

#[test]
fn the_workspace_returns_the_smallest_fitting_buffer_and_frees_large_ones() {
    let workspace = Workspace::default();
    let (small, large) = (workspace.take(10), workspace.take((1 << 26) + 1));
    workspace.put(large);
    workspace.put(small);
    assert_eq!(workspace.take(5).len(), 10);
    workspace.trim();
    assert_eq!(workspace.take(5).len(), 5);
}

#[test]
fn kernels_propagate_nan() {
    let mut map = vec![0.5; 8 * 8 * 16];
    map[100] = f32::NAN;
    let (weight, bias) = (random(16 * 16 * 9, 1), vec![0.0; 16]);
    let ones = vec![1.0; 16];
    for level in Level::all() {
        let moments = Moments::of(level, &map, [8, 8], 16, Kind::Picture);
        let norm = Normalisation::new(level, &map, [8, 8], [&ones, &bias], &moments);
        let read = |y: usize, columns: Range<usize>, out: &mut [f32]| norm.read(y, columns, true, out);
        let source = Source { size: [8, 8], doubled: false, read: &read };
        let mut out = vec![0.0; map.len()];
        let weights = Convolution { weight: &weight, bias: &bias, inputs: 16 };
        convolve(level, weights, &source, &mut out, false, &Workspace::default());
        assert!(out.iter().any(|v| v.is_nan()), "{level:?}");
    }
}

#[test]
fn products_of_any_number_of_rows_agree_with_plain_ones_in_f64() {
    let (inputs, outputs) = (37, 70);
    let (weight, bias) = (random(inputs * outputs, 1), random(outputs, 2));
    let mut panels = vec![0.0; panels_length(outputs, inputs)];
    pack(&weight, outputs, inputs, &mut panels);
    for level in Level::all() {
        // Blocks of 12, 8, 4, 2 and 1 rows.
        for count in 1..=26 {
            let (stride, values) = (inputs + 3, random(count * (inputs + 3), 3));
            let exact: Vec<f32> = (0..count * outputs)
                .map(|i| {
                    let (row, output) = (&values[i / outputs * stride..], i % outputs);
                    let products = row[..inputs].iter().zip(&weight[output * inputs..]);
                    products.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>() as f32
                })
                .collect();
            let rows = Rows { values: &values, stride, count, inputs };
            let mut out = vec![1.0; exact.len()];
            product(level, rows, &panels, Target { values: &mut out, stride: outputs, outputs, add: true });
            out.iter_mut().for_each(|v| *v -= 1.0);
            assert_near(&format!("{level:?}, {count} rows, added"), &out, &exact, largest(&exact) * 1e-6);
            let with_bias: Vec<f32> = exact.iter().enumerate().map(|(i, v)| v + bias[i % outputs]).collect();
            let target = Target { values: &mut out, stride: outputs, outputs, add: false };
            product_with_bias(level, rows, &panels, &bias, target);
            assert_near(&format!("{level:?}, {count} rows"), &out, &with_bias, largest(&with_bias) * 1e-6);
        }
    }
}
