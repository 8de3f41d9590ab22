//! Products of a few rows with a matrix, for values that are computed once for a picture or a class and not for each token. The kernel
//! reads the matrix once for all rows. The order of each sum does not depend on the number of rows.

use super::{
    cpu::{Level, for_each_level},
    lanes::{LANES, Lanes, add, load, multiply_add, silu},
};
use rayon::prelude::*;

/// The number of outputs that a thread works on at a time.
const OUTPUTS: usize = 64;

/// `x W^T + bias` for rows `x` `[rows, inputs]`, with `weight` `[outputs, inputs]`: `[rows, outputs]`.
pub fn linear_rows(level: Level, [weight, bias]: [&[f32]; 2], x: &[f32]) -> Vec<f32> {
    let outputs = bias.len();
    let inputs = weight.len() / outputs.max(1);
    if inputs == 0 {
        return Vec::new();
    }
    let rows = x.len() / inputs;
    let mut by_output = vec![0.0; outputs * rows]; // [outputs, rows]
    by_output.par_chunks_mut(OUTPUTS * rows).enumerate().for_each(|(part, out)| {
        let first = part * OUTPUTS;
        dot_rows(level, &weight[first * inputs..], &bias[first..], inputs, x, out);
    });
    (0..rows).flat_map(|row| by_output[row..].iter().step_by(rows)).copied().collect()
}

for_each_level! {
    /// `x / (1 + e^-x)` in place.
    pub fn silu_rows(values: &mut [f32]) => silu_rows_at
}

#[inline(always)]
fn silu_rows_at<const L: u8>(values: &mut [f32]) {
    for value in values {
        *value = silu::<L>(*value);
    }
}

for_each_level! {
    fn dot_rows(weight: &[f32], bias: &[f32], inputs: usize, x: &[f32], out: &mut [f32]) => dot_rows_at
}

#[inline(always)]
fn dot_rows_at<const L: u8>(weight: &[f32], bias: &[f32], inputs: usize, x: &[f32], out: &mut [f32]) {
    let rows = x.len() / inputs;
    for ((weight, bias), out) in weight.chunks_exact(inputs).zip(bias).zip(out.chunks_exact_mut(rows)) {
        for (x, out) in x.chunks_exact(inputs).zip(out) {
            *out = dot::<L>(weight, x) + bias;
        }
    }
}

#[inline(always)]
fn dot<const L: u8>(a: &[f32], b: &[f32]) -> f32 {
    const SUMS: usize = 4;
    let mut sums = [[0.0; LANES]; SUMS];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<{ SUMS * LANES }>(), b.as_chunks::<{ SUMS * LANES }>());
    for (a, b) in a.iter().zip(b) {
        for s in 0..SUMS {
            let (a, b) = (load(&a[s * LANES..]), load(&b[s * LANES..]));
            sums[s] = multiply_add::<L>(a, b, sums[s]);
        }
    }
    let mut sum = 0.0;
    for (a, b) in a_rest.iter().zip(b_rest) {
        sum += a * b;
    }
    let all: Lanes = add::<L>(add::<L>(sums[0], sums[1]), add::<L>(sums[2], sums[3]));
    for value in all {
        sum += value;
    }
    sum
}
