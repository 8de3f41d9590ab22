//! The token transformer on a tape, and the operations that only it has.

use super::{
    Input, Tensors, check, differentiate, random,
    tokens::{compare, linear, of_linear},
};
use crate::support::{assert_near, largest};
use splatgraph_pack_gpstoken::{
    checkpoint::Weights,
    kernels::cpu::Level,
    tokenizer::{TokenTransformer, Widths},
    training::sizes::Sizes,
};
use splatgraph_sdk::Tensor;

const WIDTHS: Widths = Widths { stem: 5, width: 24, textures: 3, depth: 2, samples: 4 };

fn load(tensors: Tensors) -> TokenTransformer {
    TokenTransformer::load(&mut Weights::new("a tokenizer", tensors, &[]), WIDTHS)
}

/// The transformer's parameters with random numbers, biases and scales too.
fn tensors() -> Tensors {
    let Widths { stem, width, textures, depth, .. } = WIDTHS;
    let sizes = Sizes { stem, width, textures, blocks: depth, bins: 2, ..Sizes::default() };
    let mut tensors = sizes.weights(1).unwrap();
    tensors.retain(|key, _| !key.starts_with("decoder.") && !key.starts_with("preprocess_img."));
    for (seed, (key, tensor)) in (0..).zip(&mut tensors) {
        let (shape, factor) = (tensor.shape().to_vec(), if key.starts_with("to_gps.0") { 0.1 } else { 1.0 });
        let scale = factor / (shape.iter().skip(1).product::<usize>() as f32).sqrt();
        let values = random(shape.iter().product(), seed).iter().map(|v| v * scale).collect();
        *tensor = Tensor::from_vec(shape, values).unwrap();
    }
    tensors
}

/// Gaussians `[1, count]` inside of their ranges, and regions.
fn inputs(count: usize) -> [Input; 2] {
    let mut gaussians = Input::random([1, count], 5, 1);
    for gaussian in gaussians.values.as_chunks_mut::<5>().0 {
        gaussian[..2].iter_mut().for_each(|v| *v = 0.5 + 0.4 * *v);
        gaussian[2..].iter_mut().for_each(|v| *v *= 0.8);
    }
    [gaussians, Input::random([count, WIDTHS.stem], WIDTHS.samples, 2)]
}

#[test]
fn it_agrees_with_the_transformer_without_a_tape() {
    for level in Level::all() {
        for count in [1, 7, 40] {
            let inputs = inputs(count);
            let run = |part: usize| {
                let forward = differentiate(level, &tensors(), &inputs, &load, &|network, tape, x| {
                    let [gaussians, textures] = network.learn(tape, &x[0], &x[1]);
                    if part == 0 { gaussians } else { textures }
                });
                forward.result
            };
            let [gaussians, regions] = &inputs;
            let (placed, textures) =
                load(tensors()).forward(level, &gaussians.values, &regions.values, &mut || Ok(())).unwrap();
            for (part, (name, expected)) in [("gaussians", placed), ("textures", textures)].into_iter().enumerate() {
                assert_near(&format!("{name} {level:?} {count}"), &run(part), &expected, largest(&expected) * 1e-5);
            }
        }
    }
}

#[test]
fn its_gradients_agree_with_finite_differences() {
    for count in [1, 7, 40] {
        for (part, own, other) in [(0, "to_gps.0", "to_gps.1"), (1, "to_gps.1", "to_gps.0")] {
            // The last layer of the other result gets no gradient.
            let (constant, learned): (Tensors, Tensors) =
                tensors().into_iter().partition(|(key, _)| key.starts_with(other));
            let load = |mut tensors: Tensors| {
                tensors.extend(constant.clone());
                load(tensors)
            };
            check(&format!("{count} tokens, {own}"), &learned, &inputs(count), &load, &|network, tape, x| {
                network.learn(tape, &x[0], &x[1])[part].clone()
            });
        }
    }
}

#[test]
fn shifted_gaussians() {
    let [gaussians, _] = inputs(9);
    let delta = Input::random([1, 9], 5, 3);
    compare(
        "a shift",
        &Tensors::new(),
        &[gaussians, delta],
        &|_| (),
        &|(), tape, x| tape.shift_gaussians(&x[0], &x[1]),
        &|(_, x)| {
            let number = |i: usize| {
                let (before, delta) = (x[0][i], x[1][i]);
                let sigmoid = |v: f64| 1.0 / (1.0 + (-v).exp());
                if i % 5 < 2 {
                    sigmoid((before / (1.0 - before)).ln() + delta)
                } else {
                    2.0 * sigmoid(((1.0 + before) / (1.0 - before)).ln() + delta) - 1.0
                }
            };
            (0..x[0].len()).map(number).collect()
        },
    );
}

#[test]
fn gaussians_at_the_ends_of_their_ranges_stay_there_and_get_no_gradient() {
    let gaussians = Input { size: [1, 1], channels: 5, values: vec![0.0, 1.0, -1.0, 1.0, 0.5] };
    let inputs = [gaussians, Input::random([1, 1], 5, 3)];
    let found = differentiate(Level::best(), &Tensors::new(), &inputs, &|_| (), &|(), tape, x| {
        tape.shift_gaussians(&x[0], &x[1])
    });
    assert_eq!(found.result[..4], [0.0, 1.0, -1.0, 1.0]);
    for gradient in &found.inputs {
        assert_eq!(gradient[..4], [0.0; 4]);
        assert!(gradient[4] != 0.0 && gradient[4].is_finite());
    }
}

#[test]
fn regions() {
    for (count, stem, samples, width) in [(1, 3, 4, 5), (7, 5, 9, 3), (2, 33, 2, 34)] {
        let mut tensors = of_linear("projection", stem, width);
        for block in ["a", "b", "c"] {
            tensors.extend(of_linear(block, samples, 1));
        }
        let load = |tensors: Tensors| {
            let blocks = ["a", "b", "c"].map(|block| linear(&tensors, block, samples, 1));
            (linear(&tensors, "projection", stem, width), blocks)
        };
        compare(
            &format!("{count} tokens, {stem} channels, {samples} samples, {width}"),
            &tensors,
            &[Input::random([count, stem], samples, 1), Input::random([1, count], width, 2)],
            &load,
            &|(projection, blocks), tape, x| {
                let layers = blocks.iter().map(|layer| &layer.weight).collect();
                let reduced = tape.reduce_regions(layers, &x[0]);
                let mut x = x[1].clone();
                for (index, layer) in blocks.iter().enumerate() {
                    x = tape.add_region(index, [projection.parameters(), layer.parameters()], &reduced, &x);
                }
                x
            },
            &|(parameters, x)| {
                // In the order of the authors: a projection of every sample, then a sum over the samples.
                let (weight, bias) = (&parameters["projection.weight"], &parameters["projection.bias"]);
                let number = |i: usize| {
                    let (token, output) = (i / width, i % width);
                    let projected = |sample: usize| {
                        let of_stem =
                            |s: usize| x[0][(token * stem + s) * samples + sample] * weight[output * stem + s];
                        (0..stem).map(of_stem).sum::<f64>() + bias[output]
                    };
                    let of_block = |block: &str| {
                        let weights = &parameters[&format!("{block}.weight")];
                        let sum: f64 = (0..samples).map(|sample| weights[sample] * projected(sample)).sum();
                        sum + parameters[&format!("{block}.bias")][0]
                    };
                    x[1][i] + of_block("a") + of_block("b") + of_block("c")
                };
                (0..count * width).map(number).collect()
            },
        );
    }
}
