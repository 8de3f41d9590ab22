//! Operations on tokens, number by number against central differences of plain forms in f64.

use super::{Input, Tensors, differentiate, parameters, random};
use splatgraph_pack_gpstoken::{
    checkpoint::{Parameter, Weights},
    gradients::{Gradients, Tape, Value},
    kernels::{activation::Activation, cpu::Level, workspace::Workspace},
    layers::{Host, LayerNorm, Linear},
};
use std::{
    collections::BTreeMap,
    f64::consts::{FRAC_2_PI, PI},
};

/// Numbers of parameters by key, and numbers of the inputs.
pub(super) type Numbers = (BTreeMap<String, Vec<f64>>, Vec<Vec<f64>>);

/// Runs an operation on a tape.
pub(super) type Forward<'f, N> = &'f (dyn for<'a> Fn(&'a N, &mut Tape<'a>, &[Value<'a>]) -> Value<'a> + Sync);

/// Compares the result of an operation and all of its gradients with `twin`, with all instructions, and the bits with one and with three
/// threads.
pub(super) fn compare<N>(
    name: &str,
    tensors: &Tensors,
    inputs: &[Input],
    load: &(dyn Fn(Tensors) -> N + Sync),
    forward: Forward<'_, N>,
    twin: &dyn Fn(&Numbers) -> Vec<f64>,
) {
    /// The relative error of sums of a few thousand f32 numbers.
    const TOLERANCE: f64 = 1e-5;
    const STEP: f64 = 1e-5;
    let wide = |values: &[f32]| values.iter().map(|v| f64::from(*v)).collect::<Vec<f64>>();
    let of_tensors = tensors.iter().map(|(key, tensor)| (key.clone(), wide(tensor.as_slice::<f32>().unwrap())));
    let mut numbers: Numbers = (of_tensors.collect(), inputs.iter().map(|input| wide(&input.values)).collect());
    let result = twin(&numbers);
    let direction = wide(&random(result.len(), 7));
    let loss = |numbers: &Numbers| twin(numbers).iter().zip(&direction).map(|(a, b)| a * b).sum::<f64>();
    let mut slope = |change: &dyn Fn(&mut Numbers, f64)| -> f64 {
        change(&mut numbers, STEP);
        let above = loss(&numbers);
        change(&mut numbers, -2.0 * STEP);
        let below = loss(&numbers);
        change(&mut numbers, STEP);
        (above - below) / (2.0 * STEP)
    };
    let mut of_inputs = Vec::new();
    for (input, values) in inputs.iter().enumerate() {
        let each = 0..values.values.len();
        of_inputs.push(each.map(|i| slope(&|numbers, step| numbers.1[input][i] += step)).collect::<Vec<f64>>());
    }
    let mut of_parameters = BTreeMap::new();
    for (key, tensor) in tensors {
        let each = 0..tensor.as_slice::<f32>().unwrap().len();
        let change = |i: usize| move |numbers: &mut Numbers, step: f64| numbers.0.get_mut(key).unwrap()[i] += step;
        of_parameters.insert(key.clone(), each.map(|i| slope(&change(i))).collect::<Vec<f64>>());
    }
    let near = |what: &str, actual: &[f32], expected: &[f64]| {
        assert_eq!(actual.len(), expected.len(), "{name} {what}");
        let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
        let error = norm(&mut actual.iter().zip(expected).map(|(a, e)| f64::from(*a) - e));
        let size = norm(&mut expected.iter().copied());
        assert!(size > 1e-3, "{name} {what}: a gradient of {size} shows nothing");
        assert!(error <= TOLERANCE * size, "{name} {what}: an error of {error} for {size}");
    };
    for level in Level::all() {
        let run = || differentiate(level, tensors, inputs, load, forward);
        let found = run();
        near(&format!("{level:?}, result"), &found.result, &result);
        for (input, expected) in of_inputs.iter().enumerate() {
            near(&format!("{level:?}, input {input}"), &found.inputs[input], expected);
        }
        assert!(found.parameters.keys().eq(of_parameters.keys()), "{name}: gradients of other parameters");
        for (key, expected) in &of_parameters {
            near(&format!("{level:?}, {key}"), &found.parameters[key], expected);
        }
        let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let same = pool(1).install(run) == pool(3).install(run);
        assert!(same, "{name} {level:?}: other bits with three threads than with one");
    }
}

/// Samples and tokens, so that no loop comes out even.
const BATCHES: [[usize; 2]; 4] = [[1, 1], [1, 35], [3, 7], [2, 33]];

pub(super) fn linear(tensors: &Tensors, key: &str, inputs: usize, outputs: usize) -> Linear {
    Linear::load(&mut Weights::new("a layer", tensors.clone(), &[]), key, inputs, outputs)
}

pub(super) fn of_linear(key: &str, inputs: usize, outputs: usize) -> Tensors {
    parameters(&[(&format!("{key}.weight"), &[outputs, inputs]), (&format!("{key}.bias"), &[outputs])])
}

/// `x W^T + bias` for rows `x`.
pub(super) fn linear_slowly(parameters: &BTreeMap<String, Vec<f64>>, key: &str, x: &[f64]) -> Vec<f64> {
    let (weight, bias) = (&parameters[&format!("{key}.weight")], &parameters[&format!("{key}.bias")]);
    let inputs = weight.len() / bias.len();
    let row = |x: &[f64]| {
        let sum = |o: usize| x.iter().zip(&weight[o * inputs..]).map(|(x, w)| x * w).sum::<f64>() + bias[o];
        (0..bias.len()).map(sum).collect::<Vec<f64>>()
    };
    x.chunks_exact(inputs).flat_map(row).collect()
}

pub(super) fn sum(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

/// The error function as the integral of its density.
fn erf(x: f64) -> f64 {
    const PARTS: usize = 120;
    let x = x.clamp(-6.0, 6.0);
    let at = |i: usize| (-(x * i as f64 / PARTS as f64).powi(2)).exp();
    let simpson: f64 = (0..=PARTS).map(|i| at(i) * if i % PARTS == 0 { 1.0 } else { 2.0 + 2.0 * (i % 2) as f64 }).sum();
    2.0 / PI.sqrt() * simpson * x / (3.0 * PARTS as f64)
}

fn activation(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::Gelu => x * (1.0 + erf(x / 2f64.sqrt())) / 2.0,
        Activation::TanhGelu => x * (1.0 + (FRAC_2_PI.sqrt() * (x + 0.044715 * x.powi(3))).tanh()) / 2.0,
        Activation::Silu => x / (1.0 + (-x).exp()),
    }
}

#[test]
fn linear_layers() {
    for (size, [inputs, outputs]) in BATCHES.into_iter().zip([[3, 40], [20, 5], [33, 17], [5, 5]]) {
        let tensors = of_linear("layer", inputs, outputs);
        let x = Input::random(size, inputs, 1);
        let load = |tensors: Tensors| linear(&tensors, "layer", inputs, outputs);
        let name = format!("{inputs} to {outputs}, {size:?}");
        compare(
            &name,
            &tensors,
            std::slice::from_ref(&x),
            &load,
            &|layer, tape, x| tape.linear(layer.parameters(), &x[0]),
            &|(parameters, x)| linear_slowly(parameters, "layer", &x[0]),
        );
        compare(
            &format!("{name}, added"),
            &tensors,
            &[x, Input::random(size, outputs, 2)],
            &load,
            &|layer, tape, x| tape.linear_onto(&x[1], layer.parameters(), &x[0]),
            &|(parameters, x)| sum(&x[1], &linear_slowly(parameters, "layer", &x[0])),
        );
    }
}

#[test]
fn two_layers_with_a_function_between_them() {
    let shapes = [[3, 33, 5], [5, 20, 9], [17, 6, 2], [2, 4, 35]];
    for (size, [inputs, hidden, outputs]) in BATCHES.into_iter().zip(shapes) {
        for function in [Activation::Gelu, Activation::TanhGelu, Activation::Silu] {
            let mut tensors = of_linear("first", inputs, hidden);
            tensors.extend(of_linear("second", hidden, outputs));
            // Far from 0 too, where the slope is 0 or 1.
            let mut x = Input::random(size, inputs, 1);
            x.values.iter_mut().step_by(5).for_each(|v| *v *= 6.0);
            let load = |tensors: Tensors| {
                [linear(&tensors, "first", inputs, hidden), linear(&tensors, "second", hidden, outputs)]
            };
            let slowly = |(parameters, x): &Numbers| {
                let inner = linear_slowly(parameters, "first", &x[0]);
                let inner: Vec<f64> = inner.into_iter().map(|v| activation(function, v)).collect();
                linear_slowly(parameters, "second", &inner)
            };
            let name = format!("{function:?}, {inputs} to {hidden} to {outputs}, {size:?}");
            compare(
                &name,
                &tensors,
                std::slice::from_ref(&x),
                &load,
                &|layers, tape, x| tape.two_layers(layers.each_ref(), function, &x[0]),
                &slowly,
            );
            compare(
                &format!("{name}, added"),
                &tensors,
                &[x, Input::random(size, outputs, 2)],
                &load,
                &|layers, tape, x| tape.two_layers_onto(&x[1], layers.each_ref(), function, &x[0]),
                &|numbers| sum(&numbers.1[1], &slowly(numbers)),
            );
        }
    }
}

/// The numbers of a token with mean 0 and variance 1.
fn normalise_slowly(x: &[f64], epsilon: f64) -> Vec<f64> {
    let mean = x.iter().sum::<f64>() / x.len() as f64;
    let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / x.len() as f64;
    x.iter().map(|x| (x - mean) / (variance + epsilon).sqrt()).collect()
}

const WIDTHS: [usize; 4] = [33, 5, 48, 20];

#[test]
fn layer_normalisation() {
    for (size, width) in BATCHES.into_iter().zip(WIDTHS) {
        let tensors = parameters(&[("norm.weight", &[width]), ("norm.bias", &[width])]);
        let load = |tensors| LayerNorm::load(&mut Weights::new("a norm", tensors, &[]), "norm", width);
        compare(
            &format!("{width}, {size:?}"),
            &tensors,
            &[Input::random(size, width, 1)],
            &load,
            &|norm, tape, x| tape.layer_norm(norm, &x[0]),
            &|(parameters, x)| {
                let (weight, bias) = (&parameters["norm.weight"], &parameters["norm.bias"]);
                let token = |x: &[f64]| {
                    let normal = normalise_slowly(x, 1e-5);
                    (0..width).map(|i| normal[i] * weight[i] + bias[i]).collect::<Vec<f64>>()
                };
                x[0].chunks_exact(width).flat_map(token).collect()
            },
        );
    }
}

#[test]
fn normalisation_and_gates_with_a_modulation() {
    const PARTS: usize = 4;
    for ([samples, tokens], width) in BATCHES.into_iter().zip(WIDTHS) {
        let modulation = Input::random([1, samples], PARTS * width, 2);
        let x = Input::random([samples, tokens], width, 1);
        let part = |modulation: &[f64], token: usize, part: usize, i: usize| {
            modulation[token / tokens * PARTS * width + part * width + i]
        };
        compare(
            &format!("norm, {width}, {samples} x {tokens}"),
            &Tensors::new(),
            &[x.clone(), modulation.clone()],
            &|_| (),
            &|(), tape, x| tape.modulated_norm(1e-6, &x[1], 1, &x[0]),
            &|(_, x)| {
                let token = |(token, of_token): (usize, &[f64])| {
                    let normal = normalise_slowly(of_token, 1e-6);
                    let shift = |i| part(&x[1], token, 1, i);
                    let scale = |i| part(&x[1], token, 2, i);
                    (0..width).map(|i| normal[i] * (1.0 + scale(i)) + shift(i)).collect::<Vec<f64>>()
                };
                x[0].chunks_exact(width).enumerate().flat_map(token).collect()
            },
        );
        compare(
            &format!("gate, {width}, {samples} x {tokens}"),
            &Tensors::new(),
            &[x, modulation, Input::random([samples, tokens], width, 3)],
            &|_| (),
            &|(), tape, x| tape.add_gated(&x[1], 3, &x[0], &x[2]),
            &|(_, x)| {
                let number = |i: usize| x[0][i] + x[2][i] * part(&x[1], i / width, 3, i % width);
                (0..x[0].len()).map(number).collect()
            },
        );
    }
}

/// Attention of samples of `tokens` tokens `[3, heads, size]`.
fn attend_slowly(joint: &[f64], tokens: usize, [heads, size]: [usize; 2]) -> Vec<f64> {
    let width = heads * size;
    let mut out = Vec::new();
    for sample in joint.chunks_exact(tokens * 3 * width) {
        let at = |token: usize, part: usize, i: usize| sample[(token * 3 + part) * width + i];
        for (query, head) in (0..tokens * heads).map(|i| (i / heads, i % heads)) {
            let dot = |key| (head * size..(head + 1) * size).map(|i| at(query, 0, i) * at(key, 1, i)).sum::<f64>();
            let weights: Vec<f64> = (0..tokens).map(|key| (dot(key) / (size as f64).sqrt()).exp()).collect();
            let total: f64 = weights.iter().sum();
            for i in head * size..(head + 1) * size {
                out.push(weights.iter().enumerate().map(|(key, w)| w / total * at(key, 2, i)).sum());
            }
        }
    }
    out
}

#[test]
fn attention_with_several_heads() {
    let shapes = [
        ([1, 3], [2, 1]),
        ([1, 35], [1, 5]),
        ([3, 7], [2, 33]),
        ([2, 33], [3, 4]),
        ([1, 101], [2, 2]),
        ([2, 2], [1, 8]),
    ];
    for ([samples, tokens], [heads, size]) in shapes {
        let mut joint = Input::random([samples, tokens], 3 * heads * size, 1);
        joint.values.iter_mut().for_each(|v| *v *= 3.0);
        compare(
            &format!("{samples} x {tokens}, {heads} heads of {size}"),
            &Tensors::new(),
            &[joint],
            &|_| (),
            &|(), tape, x| tape.attend_heads(heads, &x[0]),
            &|(_, x)| attend_slowly(&x[0], tokens, [heads, size]),
        );
    }
}

#[test]
fn a_single_token_attends_to_itself_only() {
    let found = differentiate(
        Level::best(),
        &Tensors::new(),
        &[Input::random([2, 1], 18, 1)],
        &|_| (),
        &|(), tape: &mut Tape<'_>, x| tape.attend_heads(2, &x[0]),
    );
    let direction = random(12, 7);
    for (sample, gradient) in found.inputs[0].chunks_exact(18).enumerate() {
        assert!(gradient[..12].iter().all(|v| v.abs() < 1e-6), "{gradient:?}");
        assert_eq!(gradient[12..], direction[sample * 6..][..6]);
    }
}

#[test]
fn rows_of_a_table_and_silu() {
    for (size, width) in BATCHES.into_iter().zip(WIDTHS) {
        let tensors = parameters(&[("table", &[4, width])]);
        let load = |tensors| -> Parameter { Weights::new("a table", tensors, &[]).take("table", [4, width]) };
        let row_of = |index: usize| index * 3 % 4;
        let x = [Input::random(size, width, 1)];
        compare(
            &format!("rows, {width}, {size:?}"),
            &tensors,
            &x,
            &load,
            &|table, tape, x| tape.add_rows(table, row_of, &x[0]),
            &|(parameters, x)| {
                let number = |i: usize| x[0][i] + parameters["table"][row_of(i / width) * width + i % width];
                (0..x[0].len()).map(number).collect()
            },
        );
        compare(
            &format!("SiLU, {width}, {size:?}"),
            &Tensors::new(),
            &x,
            &|_| (),
            &|(), tape, x| tape.silu(&x[0]),
            &|(_, x)| x[0].iter().map(|x| activation(Activation::Silu, *x)).collect(),
        );
    }
}

#[test]
fn a_frozen_tape_gives_gradients_to_leaves_only() {
    let workspace = Workspace::default();
    let host = Host { level: Level::best(), workspace: &workspace };
    let tensors = of_linear("layer", 6, 6);
    let layer = linear(&tensors, "layer", 6, 6);
    let x = Input::random([1, 5], 6, 1);
    let mut frozen = Tape::frozen(host);
    let constant = frozen.constant(x.map(host));
    assert!(!frozen.linear(layer.parameters(), &constant).has_gradient());
    let leaf = frozen.leaf(x.map(host));
    let out = frozen.two_layers([&layer, &layer], Activation::Gelu, &leaf);
    let mut gradients = Gradients::new(host);
    let direction = Input::random([1, 5], 6, 2).map(host);
    frozen.backward(vec![(out, direction)], &mut gradients);
    assert!(gradients.take(&leaf).is_some());
    assert!(gradients.into_parameters().is_empty());
}
