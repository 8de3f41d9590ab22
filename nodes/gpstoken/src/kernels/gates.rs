//! Sums with a factor for each channel: `x + y factor`, where the tokens of a sample share the factors (adaLN's gates).

use super::{
    cpu::{Level, for_each_level},
    workspace::Workspace,
};
use rayon::prelude::*;

/// The number of tokens that a thread works on at a time.
const ROWS: usize = 32;

/// Computes `out = x + y factor` for tokens `[rows, width]`, with the factors of each sample of `tokens` tokens, `[samples, width]`.
pub fn add_gated(level: Level, [tokens, width]: [usize; 2], factors: &[f32], [x, y]: [&[f32]; 2], out: &mut [f32]) {
    if out.is_empty() {
        return;
    }
    let samples = x.par_chunks(tokens * width).zip(y.par_chunks(tokens * width));
    let samples = samples.zip(out.par_chunks_mut(tokens * width)).zip(factors.par_chunks(width));
    samples.for_each(|(((x, y), out), factors)| {
        let parts = x.par_chunks(ROWS * width).zip(y.par_chunks(ROWS * width)).zip(out.par_chunks_mut(ROWS * width));
        parts.for_each(|((x, y), out)| add_gated_part(level, factors, x, y, out));
    });
}

for_each_level! {
    fn add_gated_part(factors: &[f32], x: &[f32], y: &[f32], out: &mut [f32]) => add_gated_part_at
}

#[inline(always)]
fn add_gated_part_at<const L: u8>(factors: &[f32], x: &[f32], y: &[f32], out: &mut [f32]) {
    let width = factors.len();
    let rows = x.chunks_exact(width).zip(y.chunks_exact(width)).zip(out.chunks_exact_mut(width));
    for ((x, y), out) in rows {
        for ((out, factor), (x, y)) in out.iter_mut().zip(factors).zip(x.iter().zip(y)) {
            *out = y * factor + x;
        }
    }
}

/// The way back through [`add_gated`] to `y` and to the factors, for the gradient of the result. Writes the gradient of `y` to
/// `back`, and the gradients of the factors to `sums` `[samples, width]`.
pub fn add_gated_backward(
    level: Level,
    [tokens, width]: [usize; 2],
    factors: &[f32],
    [gradient, y]: [&[f32]; 2],
    back: &mut [f32],
    sums: &mut [f32],
    workspace: &Workspace,
) {
    if gradient.is_empty() {
        return;
    }
    let samples = gradient.par_chunks(tokens * width).zip(y.par_chunks(tokens * width));
    let samples = samples.zip(back.par_chunks_mut(tokens * width));
    let samples = samples.zip(factors.par_chunks(width).zip(sums.par_chunks_mut(width)));
    samples.for_each(|(((gradient, y), back), (factors, sums))| {
        let length = tokens.div_ceil(ROWS) * width;
        let mut partial = workspace.take(length);
        let parts = gradient.par_chunks(ROWS * width).zip(y.par_chunks(ROWS * width));
        let parts = parts.zip(back.par_chunks_mut(ROWS * width)).zip(partial[..length].par_chunks_mut(width));
        parts.for_each(|(((gradient, y), back), sums)| {
            sums.fill(0.0);
            add_gated_part_backward(level, factors, gradient, y, back, sums);
        });
        sums.fill(0.0);
        for partial in partial[..length].chunks_exact(width) {
            sums.iter_mut().zip(partial).for_each(|(sum, partial)| *sum += partial);
        }
        workspace.put(partial);
    });
}

for_each_level! {
    fn add_gated_part_backward(factors: &[f32], gradient: &[f32], y: &[f32], back: &mut [f32], sums: &mut [f32]) => add_gated_part_backward_at
}

#[inline(always)]
fn add_gated_part_backward_at<const L: u8>(
    factors: &[f32],
    gradient: &[f32],
    y: &[f32],
    back: &mut [f32],
    sums: &mut [f32],
) {
    let width = factors.len();
    let rows = gradient.chunks_exact(width).zip(y.chunks_exact(width)).zip(back.chunks_exact_mut(width));
    for ((gradient, y), back) in rows {
        for ((back, sum), (gradient, (y, factor))) in
            back.iter_mut().zip(&mut *sums).zip(gradient.iter().zip(y.iter().zip(factors)))
        {
            *sum += y * gradient;
            *back = gradient * factor;
        }
    }
}
