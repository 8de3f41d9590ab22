//! Operations on maps: convolutions, normalisations, attention, RoIAlign and tiles.

use super::{Input, check, differentiate, parameters, random};
use splatgraph_pack_gpstoken::{
    checkpoint::Weights,
    kernels::{cpu::Level, group_norm_backward::Activation},
    layers::{Convolution, GroupNorm, Statistics},
};

/// Channels and size of maps: plain, and such that no loop comes out even.
const SHAPES: [(usize, usize, [usize; 2]); 5] =
    [(16, 32, [8, 8]), (3, 20, [5, 9]), (33, 5, [1, 6]), (40, 35, [13, 2]), (64, 3, [30, 70])];

fn convolution(tensors: super::Tensors, inputs: usize, outputs: usize) -> Convolution {
    Convolution::load(&mut Weights::new("a convolution", tensors, &[]), "conv", inputs, outputs, 3)
}

fn of_convolution(inputs: usize, outputs: usize) -> super::Tensors {
    parameters(&[("conv.weight", &[outputs, inputs, 3, 3]), ("conv.bias", &[outputs])])
}

#[test]
fn convolutions() {
    for (inputs, outputs, size) in SHAPES {
        let map = [Input::random(size, inputs, 1)];
        let tensors = of_convolution(inputs, outputs);
        let load = |tensors| convolution(tensors, inputs, outputs);
        let name = format!("{inputs} to {outputs} at {size:?}");
        check(&name, &tensors, &map, &load, &|conv, tape, maps| tape.convolve(conv, &maps[0]));
        check(&format!("{name}, doubled"), &tensors, &map, &load, &|conv, tape, maps| {
            tape.convolve_doubled(conv, &maps[0])
        });
    }
}

/// The direct sums in f64, which finite differences in f32 are too coarse to check.
#[test]
fn the_gradients_of_a_convolution_are_the_direct_sums() {
    for (inputs, outputs, [height, width]) in SHAPES {
        let map = Input::random([height, width], inputs, 1);
        let tensors = of_convolution(inputs, outputs);
        let weight = tensors["conv.weight"].as_slice::<f32>().unwrap();
        let direction = random(height * width * outputs, 7);
        let mut of_map = vec![0.0f64; map.values.len()];
        let mut of_weight = vec![0.0f64; weight.len()];
        for (y, x, tap) in (0..height * width * 9).map(|i| (i / 9 / width, i / 9 % width, i % 9)) {
            let (Some(from_y), Some(from_x)) = ((y + tap / 3).checked_sub(1), (x + tap % 3).checked_sub(1)) else {
                continue;
            };
            if from_y >= height || from_x >= width {
                continue;
            }
            for (output, input) in (0..outputs * inputs).map(|i| (i / inputs, i % inputs)) {
                let (of, from) = ((y * width + x) * outputs + output, (from_y * width + from_x) * inputs + input);
                let at = (output * inputs + input) * 9 + tap;
                of_weight[at] += f64::from(direction[of]) * f64::from(map.values[from]);
                of_map[from] += f64::from(direction[of]) * f64::from(weight[at]);
            }
        }
        for level in Level::all() {
            let load = |tensors| convolution(tensors, inputs, outputs);
            let found = differentiate(level, &tensors, std::slice::from_ref(&map), &load, &|conv, tape, maps| {
                tape.convolve(conv, &maps[0])
            });
            near("map", &found.inputs[0], &of_map);
            near("weight", &found.parameters["conv.weight"], &of_weight);
            let sums = (0..outputs).map(|o| direction[o..].iter().step_by(outputs).map(|v| f64::from(*v)).sum());
            near("bias", &found.parameters["conv.bias"], &sums.collect::<Vec<f64>>());
        }
    }
}

/// Within 1e-5 of the norm.
fn near(name: &str, actual: &[f32], expected: &[f64]) {
    assert_eq!(actual.len(), expected.len());
    let norm = |of: &mut dyn Iterator<Item = f64>| of.map(|v| v * v).sum::<f64>().sqrt();
    let error = norm(&mut actual.iter().zip(expected).map(|(a, e)| f64::from(*a) - e));
    let length = norm(&mut expected.iter().copied());
    assert!(error <= 1e-5 * length, "{name}: an error of {:.1e} of the norm", error / length);
}

struct Normalised {
    norm: GroupNorm,
    convolution: Convolution,
}

#[test]
fn convolutions_of_normalised_maps() {
    let kinds = [
        (Statistics::Picture, 1, 1),
        (Statistics::Tiles([1, 1]), 1, 1),
        (Statistics::Tiles([2, 1]), 2, 1),
        (Statistics::Tiles([2, 3]), 2, 3),
    ];
    for (statistics, across, down) in kinds {
        for (inputs, outputs, [height, width]) in [(32, 16, [6, 5]), (48, 9, [3, 7]), (64, 3, [4, 4])] {
            let size = [height * down, width * across];
            let maps = [Input::random(size, inputs, 1), Input::random(size, outputs, 2)];
            let tensors = parameters(&[
                ("conv.weight", &[outputs, inputs, 3, 3]),
                ("conv.bias", &[outputs]),
                ("norm.weight", &[inputs]),
                ("norm.bias", &[inputs]),
            ]);
            let load = |tensors| {
                let mut weights = Weights::new("a layer", tensors, &[]);
                let norm = GroupNorm::load(&mut weights, "norm", inputs);
                Normalised { norm, convolution: Convolution::load(&mut weights, "conv", inputs, outputs, 3) }
            };
            check(&format!("{inputs} {statistics:?}"), &tensors, &maps, &load, &|layer, tape, maps| {
                tape.normalise_convolve(&layer.norm, &layer.convolution, &maps[0], statistics, Some(&maps[1]))
            });
        }
    }
}

#[test]
fn normalised_maps_and_linear_layers() {
    for (channels, outputs, size) in [(32, 7, [4, 5]), (48, 64, [1, 9]), (8, 40, [70, 80])] {
        let map = [Input::random(size, channels, 1)];
        let tensors = parameters(&[("norm.weight", &[channels]), ("norm.bias", &[channels])]);
        let load = |tensors| GroupNorm::load(&mut Weights::new("a norm", tensors, &[]), "norm", channels);
        // Leaky ReLU has a kink; its test has smaller steps (`discriminator.rs`).
        for activation in [Activation::Identity, Activation::Silu] {
            check(&format!("norm of {channels}, {activation:?}"), &tensors, &map, &load, &|norm, tape, maps| {
                tape.normalise_map(norm, &maps[0], Statistics::Picture, activation)
            });
        }
        let tensors = parameters(&[("conv.weight", &[outputs, channels, 1, 1]), ("conv.bias", &[outputs])]);
        let load =
            |tensors| Convolution::load(&mut Weights::new("a convolution", tensors, &[]), "conv", channels, outputs, 1);
        check(&format!("linear {channels} to {outputs}"), &tensors, &map, &load, &|conv, tape, maps| {
            tape.linear([&conv.weight, &conv.bias], &maps[0])
        });
    }
}

#[test]
fn attention_between_places() {
    for (channels, size) in [(32, [4, 8]), (17, [1, 5]), (8, [23, 17])] {
        let maps = [1, 2, 3].map(|seed| Input::random(size, channels, seed));
        check(&format!("{channels} at {size:?}"), &super::Tensors::new(), &maps, &|_| (), &|(), tape, maps| {
            tape.attend_map([&maps[0], &maps[1], &maps[2]])
        });
    }
}

#[test]
fn regions() {
    let boxes = [
        [0.0, 0.0, 12.0, 9.0],
        [3.3, 1.2, 7.9, 8.8],
        [9.0, 4.0, 9.5, 4.2],
        [-3.0, 5.0, 30.0, 22.0],
        [5.0, 5.0, 5.0, 5.0],
    ];
    for (channels, size, bins) in [(5, [20, 13], 3), (32, [9, 33], 8), (1, [1, 1], 2)] {
        let map = [Input::random(size, channels, 1)];
        check(&format!("{channels} at {size:?}"), &super::Tensors::new(), &map, &|_| (), &|(), tape, maps| {
            tape.roi_align(&maps[0], &boxes, bins)
        });
    }
}

#[test]
fn tiles_are_cut_and_added() {
    let maps = [Input::random([6, 8], 5, 1), Input::random([6, 8], 5, 2)];
    check("tiles", &super::Tensors::new(), &maps, &|_| (), &|(), tape, maps| {
        let tiles = tape.split(&maps[0], [4, 2]);
        tape.add_tiles(&maps[1], tiles, [4, 2])
    });
}
