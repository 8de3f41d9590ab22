//! A generator's network on a tape, and a step of its training.

use super::{Input, Tensors, check, random};
use crate::support::{assert_near, largest};
use splatgraph_pack_gpstoken::{
    generator::{Network, Prepared, Row, Velocities},
    gradients::{Gradients, Tape},
    kernels::{cpu::Level, workspace::Workspace},
    layers::Host,
    training::{generator_sizes::GeneratorSizes, gradients::velocity, samples::Batch},
};
use splatgraph_sdk::Tensor;

/// A network with a condition and one with a position embedding.
fn sizes(condition: bool) -> GeneratorSizes {
    GeneratorSizes { depth: 2, width: 24, heads: 3, channels: 7, tokens: 5, classes: 3, condition }
}

/// Random numbers for all parameters that the network uses. Fresh ones have modulations of 0, which hide most gradients.
fn tensors(sizes: GeneratorSizes, sigmas: bool) -> Tensors {
    let mut shapes = sizes.shapes();
    if sizes.condition {
        shapes.remove("pos_embed");
    }
    if sigmas {
        shapes.insert("final_layer.linear.weight".to_owned(), vec![2 * sizes.channels, sizes.width]);
        shapes.insert("final_layer.linear.bias".to_owned(), vec![2 * sizes.channels]);
    }
    let fill = |(seed, (key, shape)): (u64, (String, Vec<usize>))| {
        let scale = 1.0 / (shape.iter().skip(1).product::<usize>() as f32).sqrt();
        let values = random(shape.iter().product(), seed).iter().map(|v| v * scale).collect();
        (key, Tensor::from_vec(shape, values).unwrap())
    };
    (0..).zip(shapes).map(fill).collect()
}

fn load(tensors: Tensors) -> Network {
    Network::load(tensors, Some(3)).unwrap()
}

const TIMES: [f32; 3] = [0.1, 0.55, 0.9];
const CLASSES: [usize; 3] = [2, 0, 2];

fn inputs(sizes: GeneratorSizes) -> Vec<Input> {
    let size = [TIMES.len(), sizes.tokens];
    let mut inputs = vec![Input::random(size, sizes.channels, 1)];
    if sizes.condition {
        inputs.push(Input::random(size, 5, 2));
    }
    inputs
}

/// Tokens `[B, N, C]` as `[B, C, N]`.
fn channels_first(values: &[f32], [channels, tokens]: [usize; 2]) -> Vec<f32> {
    let sample = |values: &[f32]| {
        (0..channels * tokens).map(|i| values[i % tokens * channels + i / tokens]).collect::<Vec<f32>>()
    };
    values.chunks_exact(channels * tokens).flat_map(sample).collect()
}

#[test]
fn it_agrees_with_the_network_without_a_tape() {
    for (level, condition) in Level::all().into_iter().flat_map(|level| [(level, true), (level, false)]) {
        let sizes = sizes(condition);
        let network = load(tensors(sizes, false));
        let inputs = inputs(sizes);
        let workspace = Workspace::default();
        let host = Host { level, workspace: &workspace };
        let mut tape = Tape::new(host);
        let values: Vec<_> = inputs.iter().map(|input| tape.constant(input.map(host))).collect();
        let out = network.learn(&mut tape, &values[0], &TIMES, CLASSES.to_vec(), values.get(1));
        let shape = [sizes.channels, sizes.tokens];
        let actual = channels_first(out.values(), shape);
        let points = channels_first(&inputs[0].values, shape);
        let layouts = inputs.get(1).map_or(&[][..], |input| &input.values);
        let prepared = Prepared::new(&network, level, sizes.tokens, layouts);
        let expected = (0..TIMES.len()).flat_map(|i| {
            let row = Row { point: i, picture: i, class: CLASSES[i] };
            prepared.velocities(&points, TIMES[i], &[row], &mut || Ok(())).unwrap()
        });
        let expected: Vec<f32> = expected.collect();
        assert_near(&format!("{level:?}, condition {condition}"), &actual, &expected, largest(&expected) * 1e-5);
    }
}

#[test]
fn its_gradients_agree_with_finite_differences() {
    for condition in [true, false] {
        let sizes = sizes(condition);
        let name = format!("condition {condition}");
        check(&name, &tensors(sizes, false), &inputs(sizes), &load, &|network, tape, x| {
            network.learn(tape, &x[0], &TIMES, CLASSES.to_vec(), x.get(1))
        });
    }
}

fn batch(sizes: GeneratorSizes) -> Batch {
    let GeneratorSizes { channels, tokens, condition, .. } = sizes;
    let count = TIMES.len();
    Batch {
        shape: [channels, tokens],
        points: random(count * channels * tokens, 1),
        velocities: random(count * channels * tokens, 2),
        times: TIMES.to_vec(),
        classes: CLASSES.to_vec(),
        layouts: if condition { random(count * tokens * 5, 3) } else { Vec::new() },
    }
}

#[test]
fn a_step_has_the_mean_squared_difference_and_its_gradients() {
    for (condition, sigmas) in [(true, false), (false, true)] {
        let (sizes, weights) = (sizes(condition), tensors(sizes(condition), sigmas));
        let batch = batch(sizes);
        for level in Level::all() {
            let workspace = Workspace::default();
            let host = Host { level, workspace: &workspace };
            let step = velocity::step(host, &load(weights.clone()), &batch);

            // The loss, picture by picture without a tape.
            let network = load(weights.clone());
            let prepared = Prepared::new(&network, level, sizes.tokens, &batch.layouts);
            let size = sizes.channels * sizes.tokens;
            let squares = (0..TIMES.len()).map(|i| {
                let row = Row { point: i, picture: i, class: CLASSES[i] };
                let velocities = prepared.velocities(&batch.points, TIMES[i], &[row], &mut || Ok(())).unwrap();
                let expected = &batch.velocities[i * size..];
                velocities.iter().zip(expected).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>()
            });
            let loss = squares.sum::<f64>() / (TIMES.len() * size) as f64;
            assert!((f64::from(step.loss) - loss).abs() < 1e-5 * loss, "{} instead of {loss}", step.loss);

            // A step along the gradients lowers the loss by the square of their norm.
            assert!(step.gradients.keys().eq(weights.keys()), "{:?}", step.gradients.keys());
            let norm = step.gradients.values().flatten().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
            let loss_at = |distance: f64| {
                let moved = weights.iter().map(|(key, tensor)| {
                    let along = step.gradients[key].iter().map(|g| (f64::from(*g) * distance / norm) as f32);
                    let values = tensor.as_slice::<f32>().unwrap().iter().zip(along).map(|(v, d)| v + d).collect();
                    (key.clone(), Tensor::from_vec(tensor.shape(), values).unwrap())
                });
                f64::from(velocity::step(host, &load(moved.collect()), &batch).loss)
            };
            let slope = (loss_at(1e-2) - loss_at(-1e-2)) / 2e-2;
            assert!((slope - norm).abs() < 1e-2 * norm, "{slope} instead of {norm}");
            if sigmas {
                let half = sizes.channels * sizes.width;
                let gradient = &step.gradients["final_layer.linear.weight"];
                assert!(gradient[..half].iter().all(|g| *g != 0.0) && gradient[half..].iter().all(|g| *g == 0.0));
            }
        }
    }
}

#[test]
fn a_class_without_samples_has_a_gradient_of_zero() {
    let sizes = sizes(false);
    let workspace = Workspace::default();
    let host = Host { level: Level::best(), workspace: &workspace };
    let step = velocity::step(host, &load(tensors(sizes, false)), &batch(sizes));
    let rows: Vec<bool> = step.gradients["y_embedder.embedding_table.weight"]
        .chunks_exact(sizes.width)
        .map(|row| row.iter().any(|g| *g != 0.0))
        .collect();
    assert_eq!(rows, [true, false, true, false]);
}

#[test]
fn gradients_add_up_over_tapes() {
    let sizes = sizes(true);
    let network = load(tensors(sizes, false));
    let inputs = inputs(sizes);
    let workspace = Workspace::default();
    let host = Host { level: Level::best(), workspace: &workspace };
    let run = |times: usize| {
        let mut gradients = Gradients::new(host);
        for _ in 0..times {
            let mut tape = Tape::new(host);
            let values: Vec<_> = inputs.iter().map(|input| tape.constant(input.map(host))).collect();
            let out = network.learn(&mut tape, &values[0], &TIMES, CLASSES.to_vec(), values.get(1));
            let direction = inputs[0].map(host);
            tape.backward(vec![(out, direction)], &mut gradients);
        }
        gradients.into_parameters()
    };
    for ((key, once), twice) in run(1).into_iter().zip(run(2).values()) {
        let doubled: Vec<f32> = once.iter().map(|v| 2.0 * v).collect();
        assert_near(&key, twice, &doubled, largest(&doubled) * 1e-5);
    }
}
