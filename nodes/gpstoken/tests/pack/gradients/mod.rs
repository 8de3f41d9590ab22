//! Tests of the gradients on the host's kernels: against finite differences and plain forms, with all instructions and any number of
//! threads.

mod discriminator;
mod generator;
mod losses;
mod lpips;
mod maps;
mod patches;
mod products;
mod slow;
mod splat;
mod tokens;
mod transformer;

use splatgraph_pack_gpstoken::{
    gradients::{Gradients, Tape, Value},
    kernels::{cpu::Level, workspace::Workspace},
    layers::{Host, Map},
};
use splatgraph_sdk::Tensor;
use std::collections::BTreeMap;

/// Numbers around 0, different for each seed.
pub(crate) fn random(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0xdead_beef;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) as f32 / (1u64 << 31) as f32) * 2.0 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// The shape of a map and its numbers.
#[derive(Clone)]
pub(crate) struct Input {
    pub(crate) size: [usize; 2],
    pub(crate) channels: usize,
    pub(crate) values: Vec<f32>,
}

impl Input {
    /// An input with random numbers.
    pub(crate) fn random(size: [usize; 2], channels: usize, seed: u64) -> Self {
        Self { size, channels, values: random(size[0] * size[1] * channels, seed) }
    }

    /// The input as a map.
    pub(crate) fn map(&self, host: Host<'_>) -> Map {
        let mut map = host.map(self.size, self.channels);
        map.values_mut().copy_from_slice(&self.values);
        map
    }
}

pub(crate) type Tensors = BTreeMap<String, Tensor>;

/// Random parameters of these shapes.
pub(crate) fn parameters(shapes: &[(&str, &[usize])]) -> Tensors {
    let tensor = |(i, (key, shape)): (usize, &(&str, &[usize]))| {
        let values = random(shape.iter().product(), 100 + i as u64);
        ((*key).to_owned(), Tensor::from_vec(*shape, values).unwrap())
    };
    shapes.iter().enumerate().map(tensor).collect()
}

/// The gradients of `sum(direction * result)`: those of the inputs, and those of the parameters by key.
#[derive(PartialEq)]
pub(crate) struct Found {
    pub(crate) result: Vec<f32>,
    pub(crate) inputs: Vec<Vec<f32>>,
    pub(crate) parameters: BTreeMap<String, Vec<f32>>,
}

/// Runs a network on a tape. `forward` gets the network, whose parameters are `tensors`.
pub(crate) fn differentiate<N>(
    level: Level,
    tensors: &Tensors,
    inputs: &[Input],
    load: &(dyn Fn(Tensors) -> N + Sync),
    forward: &(dyn for<'a> Fn(&'a N, &mut Tape<'a>, &[Value<'a>]) -> Value<'a> + Sync),
) -> Found {
    let workspace = Workspace::default();
    // Whatever a buffer held before must not reach a result.
    for length in [1 << 10, 1 << 16, 1 << 20] {
        let mut buffer = workspace.take(length);
        buffer.fill(f32::NAN);
        workspace.put(buffer);
    }
    let network = load(tensors.clone());
    let host = Host { level, workspace: &workspace };
    let mut tape = Tape::new(host);
    let leaves: Vec<Value<'_>> = inputs.iter().map(|input| tape.leaf(input.map(host))).collect();
    let out = forward(&network, &mut tape, &leaves);
    let result = out.values().to_vec();
    let mut direction = host.map(out.size(), out.channels());
    direction.values_mut().copy_from_slice(&random(result.len(), 7));
    let mut gradients = Gradients::new(host);
    tape.backward(vec![(out, direction)], &mut gradients);
    let inputs = leaves.iter().map(|leaf| gradients.take(leaf).map_or(Vec::new(), |map| map.values().to_vec()));
    Found { result, inputs: inputs.collect(), parameters: gradients.into_parameters() }
}

/// Compares the gradients with finite differences along random directions, for each input and each parameter, with all instructions. The
/// network is `load(parameters)`.
pub(crate) fn check<N>(
    name: &str,
    tensors: &Tensors,
    inputs: &[Input],
    load: &(dyn Fn(Tensors) -> N + Sync),
    forward: &(dyn for<'a> Fn(&'a N, &mut Tape<'a>, &[Value<'a>]) -> Value<'a> + Sync),
) {
    const STEP: f32 = 1.0 / 128.0;
    for level in Level::all() {
        let found = differentiate(level, tensors, inputs, load, forward);
        let loss = |tensors: &Tensors, inputs: &[Input]| {
            let result = differentiate(level, tensors, inputs, load, forward).result;
            let direction = random(result.len(), 7);
            result.iter().zip(direction).map(|(a, b)| f64::from(*a) * f64::from(b)).sum::<f64>()
        };
        let moved = |values: &[f32], along: &[f32], step: f32| -> Vec<f32> {
            values.iter().zip(along).map(|(v, d)| v + step * d).collect()
        };
        let compare = |what: &str, gradient: &[f32], at: &dyn Fn(f32) -> f64, along: &[f32]| {
            assert_eq!(gradient.len(), along.len(), "{name} {level:?} {what}");
            let expected = (at(STEP) - at(-STEP)) / f64::from(2.0 * STEP);
            let actual: f64 = gradient.iter().zip(along).map(|(g, d)| f64::from(*g) * f64::from(*d)).sum();
            let norm = gradient.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
            assert!(
                (actual - expected).abs() <= 1e-2 * norm.max(1e-2),
                "{name} {level:?} {what}: expected {expected}, got {actual}; the gradient's norm is {norm}"
            );
            assert!(norm > 0.0 || expected.abs() < 1e-4, "{name} {level:?} {what}");
        };
        for (i, input) in inputs.iter().enumerate() {
            for seed in 0..2 {
                let along = random(input.values.len(), 1000 + seed);
                let at = |step: f32| {
                    let mut inputs = inputs.to_vec();
                    inputs[i].values = moved(&input.values, &along, step);
                    loss(tensors, &inputs)
                };
                compare(&format!("input {i}"), &found.inputs[i], &at, &along);
            }
        }
        for (key, tensor) in tensors {
            let values = tensor.as_slice::<f32>().unwrap();
            let along = random(values.len(), 2000);
            let at = |step: f32| {
                let mut tensors = tensors.clone();
                tensors.insert(key.clone(), Tensor::from_vec(tensor.shape(), moved(values, &along, step)).unwrap());
                loss(&tensors, inputs)
            };
            let gradient = found.parameters.get(key).unwrap_or_else(|| panic!("{name}: no gradient of {key}"));
            compare(key, gradient, &at, &along);
        }
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| differentiate(level, tensors, inputs, load, forward))
        };
        let (one, three) = (with(1), with(3));
        assert!(one == three, "{name} {level:?}: other bits with three threads than with one");
    }
}
