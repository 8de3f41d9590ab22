//! Tests of convolutions with any kernel, of leaky ReLU and of max pooling.

use super::{
    super::support::random,
    slow::{
        assert_same, assert_slopes, convolve_slowly, dot, exact_gradient, exact_slopes, map_of, on_threads, parameter,
        pool_slowly, used_workspace, wide,
    },
};
use splatgraph_pack_gpstoken::{
    gradients::{Gradients, Tape},
    kernels::{cpu::Level, patches::Kernel},
    layers::{Convolution, Host},
};

struct Case {
    inputs: usize,
    outputs: usize,
    kernel: Kernel,
    size: [usize; 2],
    slope: f32,
}

impl Case {
    /// Weight, bias, map, and the gradient of the result.
    fn numbers(&self) -> [Vec<f32>; 4] {
        let Self { inputs, outputs, kernel, size, .. } = self;
        let area = kernel.size[0] * kernel.size[1];
        let [rows, columns] = kernel.outputs(*size);
        let lengths = [outputs * inputs * area, *outputs, size[0] * size[1] * inputs, rows * columns * outputs];
        let mut seed = 10;
        lengths.map(|length| {
            seed += 1;
            random(length, seed)
        })
    }

    /// The gradients of weight, bias and map.
    fn gradients(&self, level: Level) -> [Vec<f32>; 3] {
        let Self { inputs, outputs, kernel, size, slope } = *self;
        let [weight, bias, map, direction] = self.numbers();
        let workspace = used_workspace();
        let host = Host { level, workspace: &workspace };
        let convolution = Convolution {
            weight: parameter("a.weight", [outputs, inputs, kernel.size[0], kernel.size[1]], &weight),
            bias: parameter("a.bias", [outputs], &bias),
        };
        let mut gradients = Gradients::new(host);
        let mut of_map = Vec::new();
        // Parameters add up over two tapes, and a frozen tape adds nothing.
        for frozen in [false, true, false] {
            let mut tape = if frozen { Tape::frozen(host) } else { Tape::new(host) };
            let leaf = tape.leaf(map_of(host, &map, size, inputs));
            let out = tape.convolve_patches(&convolution, kernel, slope, &leaf);
            let gradient = map_of(host, &direction, out.size(), outputs);
            tape.backward(vec![(out, gradient)], &mut gradients);
            of_map = gradients.take(&leaf).unwrap().values().to_vec();
        }
        let mut parameters = gradients.into_parameters();
        let mut half = |key: &str| parameters.remove(key).unwrap().into_iter().map(|v| v / 2.0).collect::<Vec<f32>>();
        [half("a.weight"), half("a.bias"), of_map]
    }
}

#[test]
fn gradients_of_any_convolution_agree_with_finite_differences() {
    let small = [
        Case { inputs: 3, outputs: 5, kernel: Kernel::square(4, 2, 1), size: [7, 10], slope: 0.2 },
        Case { inputs: 2, outputs: 33, kernel: Kernel::square(3, 2, 0), size: [5, 9], slope: 1.0 },
        Case { inputs: 1, outputs: 1, kernel: Kernel::square(1, 1, 0), size: [1, 1], slope: 0.5 },
        Case { inputs: 4, outputs: 3, kernel: Kernel::square(7, 3, 6), size: [5, 4], slope: 0.2 },
        Case {
            inputs: 9,
            outputs: 4,
            kernel: Kernel { size: [1, 7], stride: 1, padding: [0, 3] },
            size: [3, 6],
            slope: 0.0,
        },
        Case {
            inputs: 2,
            outputs: 3,
            kernel: Kernel { size: [3, 1], stride: 2, padding: [1, 0] },
            size: [9, 5],
            slope: 0.0,
        },
        // Some pixels of the map have no part in the result.
        Case { inputs: 2, outputs: 3, kernel: Kernel::square(2, 3, 0), size: [9, 8], slope: 1.0 },
        Case { inputs: 5, outputs: 2, kernel: Kernel::square(4, 1, 1), size: [2, 131], slope: 0.2 },
    ];
    // Several bands, groups of a patch's numbers, and parts of the pixels.
    let large = [
        Case { inputs: 40, outputs: 70, kernel: Kernel::square(4, 1, 1), size: [35, 33], slope: 0.2 },
        Case { inputs: 3, outputs: 34, kernel: Kernel::square(4, 2, 1), size: [130, 66], slope: 0.0 },
        Case { inputs: 3, outputs: 20, kernel: Kernel::square(11, 4, 2), size: [67, 70], slope: 0.0 },
    ];
    for case in &small {
        check(case, exact_gradient, assert_same);
    }
    for case in &large {
        check(case, |values, loss| exact_slopes(values, loss).to_vec(), assert_slopes);
    }
}

fn check(
    case: &Case,
    exact: impl Fn(&[f32], &dyn Fn(&[f64]) -> f64) -> Vec<f64>,
    compare: impl Fn(&str, &[f32], &[f64]),
) {
    let [weight, bias, map, direction] = case.numbers();
    let all = [&weight, &bias, &map];
    let expected = [0, 1, 2].map(|i| {
        exact(all[i], &|moved: &[f64]| {
            let mut numbers = all.map(|values| wide(values));
            numbers[i] = moved.to_vec();
            let numbers = numbers.each_ref().map(Vec::as_slice);
            let slope = f64::from(case.slope);
            dot(&convolve_slowly(numbers, case.kernel, case.size, case.inputs, slope), &direction)
        })
    });
    for level in Level::all() {
        let found = case.gradients(level);
        for ((name, found), expected) in ["weight", "bias", "map"].into_iter().zip(&found).zip(&expected) {
            compare(&format!("{level:?} {:?} {name}", case.kernel), found, expected);
        }
    }
}

#[test]
fn gradients_of_any_convolution_have_the_same_bits_for_any_number_of_threads() {
    let case = Case { inputs: 10, outputs: 30, kernel: Kernel::square(4, 2, 1), size: [130, 70], slope: 0.2 };
    for level in Level::all() {
        let of = |threads: usize| on_threads(threads, || case.gradients(level));
        assert!(of(1) == of(3), "{level:?}");
    }
}

#[test]
fn a_map_below_a_kernel_that_does_not_fit_has_no_gradient() {
    let case = Case { inputs: 3, outputs: 2, kernel: Kernel::square(4, 2, 0), size: [3, 9], slope: 0.2 };
    for level in Level::all() {
        let [weight, bias, map] = case.gradients(level);
        assert!(weight.iter().chain(&bias).chain(&map).all(|v| *v == 0.0), "{level:?}");
    }
}

/// The gradient of a map from the gradients of its largest values, and from a second use of the map.
fn pool_gradient(
    level: Level,
    side: usize,
    size: [usize; 2],
    channels: usize,
    map: &[f32],
    of: [&[f32]; 2],
) -> Vec<f32> {
    let workspace = used_workspace();
    let host = Host { level, workspace: &workspace };
    let mut tape = Tape::new(host);
    let leaf = tape.leaf(map_of(host, map, size, channels));
    let out = tape.halve_to_largest(side, &leaf);
    let ends = vec![
        (out.clone(), map_of(host, of[0], out.size(), channels)),
        (leaf.clone(), map_of(host, of[1], size, channels)),
    ];
    let mut gradients = Gradients::new(host);
    tape.backward(ends, &mut gradients);
    gradients.take(&leaf).unwrap().values().to_vec()
}

#[test]
fn gradients_of_max_pooling_agree_with_finite_differences() {
    for (side, size, channels) in [(2, [2, 2], 1), (2, [9, 6], 17), (3, [3, 3], 5), (3, [22, 9], 19), (3, [19, 12], 2)]
    {
        let map = random(size[0] * size[1] * channels, 1);
        let [rows, columns] = size.map(|length| (length - side) / 2 + 1);
        let (direction, more) = (random(rows * columns * channels, 2), random(map.len(), 3));
        let loss = |map: &[f64]| dot(&pool_slowly(map, size, channels, side).0, &direction) + dot(map, &more);
        let exact = exact_gradient(&map, &loss);
        for level in Level::all() {
            let of = |threads: usize| {
                on_threads(threads, || pool_gradient(level, side, size, channels, &map, [&direction, &more]))
            };
            let gradient = of(1);
            assert_same(&format!("{level:?} {side} {size:?}"), &gradient, &exact);
            assert!(gradient == of(3));
        }
    }
}

#[test]
fn the_first_of_equal_largest_values_gets_the_gradient() {
    let map = [
        0.0, 0.0, 5.0, 5.0, //
        0.0, 0.0, 1.0, 5.0, //
        0.0, 7.0, 2.0, 3.0, //
        7.0, 7.0, 3.0, 3.0,
    ];
    let expected = [
        1.0, 0.0, 2.0, 0.0, //
        0.0, 0.0, 0.0, 0.0, //
        0.0, 3.0, 0.0, 4.0, //
        0.0, 0.0, 0.0, 0.0,
    ];
    for level in Level::all() {
        assert_eq!(pool_gradient(level, 2, [4, 4], 1, &map, [&[1.0, 2.0, 3.0, 4.0], &[0.0; 16]]), expected);
    }
}
