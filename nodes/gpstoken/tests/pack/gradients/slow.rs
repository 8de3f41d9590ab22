//! Gradients by central differences of plain f64 forms, and what tests of several networks share.

use super::super::support::random;
use splatgraph_pack_gpstoken::{
    checkpoint::{Parameter, Weights},
    kernels::{patches::Kernel, workspace::Workspace},
    layers::{Host, Map},
};
use splatgraph_sdk::Tensor;
use std::collections::BTreeMap;

const STEP: f64 = 1e-6;

/// Numbers in f64.
pub(super) fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|v| f64::from(*v)).collect()
}

/// The gradient of `loss` at `values`, number by number.
pub(super) fn exact_gradient(values: &[f32], loss: &dyn Fn(&[f64]) -> f64) -> Vec<f64> {
    let mut moved = wide(values);
    let mut at = |i: usize| {
        let value = moved[i];
        let [above, below] = [STEP, -STEP].map(|step| {
            moved[i] = value + step;
            loss(&moved)
        });
        moved[i] = value;
        (above - below) / (2.0 * STEP)
    };
    (0..values.len()).map(&mut at).collect()
}

fn directions(length: usize) -> [Vec<f64>; 2] {
    [900, 901].map(|seed| wide(&random(length, seed)))
}

/// The slopes of `loss` at `values` along two random directions.
pub(super) fn exact_slopes(values: &[f32], loss: &dyn Fn(&[f64]) -> f64) -> [f64; 2] {
    directions(values.len()).map(|direction| {
        let at = |step: f64| {
            let moved: Vec<f64> = values.iter().zip(&direction).map(|(v, d)| f64::from(*v) + step * d).collect();
            loss(&moved)
        };
        (at(STEP) - at(-STEP)) / (2.0 * STEP)
    })
}

/// Compares the slopes of a gradient with [`exact_slopes`].
#[track_caller]
pub(super) fn assert_slopes(what: &str, gradient: &[f32], expected: &[f64]) {
    let norm = norm(gradient.iter().map(|v| f64::from(*v)));
    for (direction, expected) in directions(gradient.len()).iter().zip(expected) {
        let actual = dot(direction, gradient);
        println!("{what}: {actual} and {expected}, norm {norm}");
        assert!(norm > 0.0 && (actual - expected).abs() <= 1e-3 * norm, "{what}: {actual} instead of {expected}");
    }
}

/// Compares numbers with exact ones by the norm of their difference.
#[track_caller]
pub(super) fn assert_same(what: &str, actual: &[f32], expected: &[f64]) {
    assert_eq!(actual.len(), expected.len(), "{what}");
    let error = norm(actual.iter().zip(expected).map(|(a, e)| f64::from(*a) - e));
    let norm = norm(expected.iter().copied());
    println!("{what}: {error:.1e} of {norm:.1e}");
    assert!(error <= 1e-4 * norm, "{what}: {error:e} apart, norm {norm:e}");
}

pub(super) fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|v| v * v).sum::<f64>().sqrt()
}

/// The sum of the products of numbers, in f64.
pub(super) fn dot(a: &[f64], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * f64::from(*b)).sum()
}

/// A parameter with these numbers.
pub(super) fn parameter<const D: usize>(key: &str, shape: [usize; D], values: &[f32]) -> Parameter {
    let tensor = Tensor::from_vec(shape, values.to_vec()).unwrap();
    Weights::new("a test", BTreeMap::from([(key.to_owned(), tensor)]), &[key]).take(key, shape)
}

/// A map with these numbers.
pub(super) fn map_of(host: Host<'_>, values: &[f32], size: [usize; 2], channels: usize) -> Map {
    let mut map = host.map(size, channels);
    map.values_mut().copy_from_slice(values);
    map
}

/// What `work` returns on this number of threads.
pub(super) fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

/// A workspace whose buffers hold no zeros.
pub(super) fn used_workspace() -> Workspace {
    let workspace = Workspace::default();
    for length in [1 << 8, 1 << 12, 1 << 16, 1 << 20] {
        let mut buffer = workspace.take(length);
        buffer.fill(f32::NAN);
        workspace.put(buffer);
    }
    workspace
}

/// A convolution and leaky ReLU in f64. `weight` is `[outputs, inputs, size]`.
pub(super) fn convolve_slowly(
    [weight, bias, map]: [&[f64]; 3],
    kernel: Kernel,
    size: [usize; 2],
    inputs: usize,
    slope: f64,
) -> Vec<f64> {
    let ([rows, columns], [down, across]) = (kernel.outputs(size), kernel.size);
    let mut out = Vec::new();
    for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
        for (output, bias) in bias.iter().enumerate() {
            let mut sum = *bias;
            for (dy, dx) in (0..down).flat_map(|dy| (0..across).map(move |dx| (dy, dx))) {
                let (y, x) = (row * kernel.stride + dy, column * kernel.stride + dx);
                let [above, before] = kernel.padding;
                if (above..size[0] + above).contains(&y) && (before..size[1] + before).contains(&x) {
                    let pixel = &map[((y - above) * size[1] + x - before) * inputs..][..inputs];
                    for (input, value) in pixel.iter().enumerate() {
                        sum += value * weight[((output * inputs + input) * down + dy) * across + dx];
                    }
                }
            }
            out.push(if sum > 0.0 { sum } else { slope * sum });
        }
    }
    out
}

/// Max pooling in f64: windows of `side` pixels, two pixels apart. Returns the size too.
pub(super) fn pool_slowly(map: &[f64], size: [usize; 2], channels: usize, side: usize) -> (Vec<f64>, [usize; 2]) {
    let [rows, columns] = size.map(|length| (length - side) / 2 + 1);
    let largest = (0..rows * columns * channels).map(|i| {
        let (pixel, channel) = (i / channels, i % channels);
        let (top, left) = (pixel / columns * 2, pixel % columns * 2);
        let at = |place: usize| map[((top + place / side) * size[1] + left + place % side) * channels + channel];
        (0..side * side).map(at).fold(f64::NEG_INFINITY, f64::max)
    });
    (largest.collect(), [rows, columns])
}
