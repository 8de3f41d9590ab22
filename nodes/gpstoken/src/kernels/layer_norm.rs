//! Layer normalisation of tokens `[rows, width]`, forwards and backwards. The tokens of a sample share the scale and the shift.

use super::{
    cpu::{Level, for_each_level, fused},
    lanes::LANES,
    workspace::Workspace,
};
use rayon::prelude::*;

/// The number of tokens that a thread works on at a time.
const ROWS: usize = 32;

/// Normalises the numbers of each token to mean 0 and variance 1, then scales and shifts them. `tokens` is the number of tokens of a
/// sample, and `parameters` has the scales and the shifts of each sample, `[samples, 2, width]`. `epsilon` is added to the variance.
/// `statistics` `[rows, 2]` receives the mean and the inverse deviation of each token.
pub fn normalise_rows(
    level: Level,
    epsilon: f32,
    [tokens, width]: [usize; 2],
    parameters: &[f32],
    x: &[f32],
    out: &mut [f32],
    statistics: &mut [f32],
) {
    if out.is_empty() {
        return;
    }
    let samples = x.par_chunks(tokens * width).zip(out.par_chunks_mut(tokens * width));
    let samples = samples.zip(statistics.par_chunks_mut(2 * tokens)).zip(parameters.par_chunks(2 * width));
    samples.for_each(|(((x, out), statistics), parameters)| {
        let parts = x.par_chunks(ROWS * width).zip(out.par_chunks_mut(ROWS * width));
        let parts = parts.zip(statistics.par_chunks_mut(2 * ROWS));
        parts.for_each(|((x, out), statistics)| normalise_part(level, epsilon, parameters, x, out, statistics));
    });
}

for_each_level! {
    fn normalise_part(epsilon: f32, parameters: &[f32], x: &[f32], out: &mut [f32], statistics: &mut [f32]) => normalise_part_at
}

#[inline(always)]
fn normalise_part_at<const L: u8>(
    epsilon: f32,
    parameters: &[f32],
    x: &[f32],
    out: &mut [f32],
    statistics: &mut [f32],
) {
    let width = parameters.len() / 2;
    let (scale, shift) = parameters.split_at(width);
    let rows = x.chunks_exact(width).zip(out.chunks_exact_mut(width));
    for ((x, out), statistics) in rows.zip(statistics.as_chunks_mut::<2>().0) {
        let mean = sum(x) / width as f32;
        let factor = 1.0 / (sum_of_squares::<L>(x, mean) / width as f32 + epsilon).sqrt();
        *statistics = [mean, factor];
        for ((out, x), (scale, shift)) in out.iter_mut().zip(x).zip(scale.iter().zip(shift)) {
            *out = (x - mean) * factor * scale + shift;
        }
    }
}

#[inline(always)]
fn sum(x: &[f32]) -> f32 {
    let (chunks, rest) = x.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for chunk in chunks {
        for i in 0..LANES {
            sums[i] += chunk[i];
        }
    }
    let mut total = 0.0;
    for value in rest {
        total += value;
    }
    for value in sums {
        total += value;
    }
    total
}

#[inline(always)]
fn sum_of_squares<const L: u8>(x: &[f32], mean: f32) -> f32 {
    let (chunks, rest) = x.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for chunk in chunks {
        for i in 0..LANES {
            let centred = chunk[i] - mean;
            sums[i] = if fused(L) { centred.mul_add(centred, sums[i]) } else { centred * centred + sums[i] };
        }
    }
    let mut total = 0.0;
    for value in rest {
        total += (value - mean) * (value - mean);
    }
    for value in sums {
        total += value;
    }
    total
}

/// The way back through [`normalise_rows`]: replaces the gradient of the result by the gradient of `x`, and adds the gradients of scales
/// and shifts to `sums` `[samples, 2, width]`.
#[expect(clippy::too_many_arguments, reason = "plain numbers and slices for a loop")]
pub fn normalise_rows_backward(
    level: Level,
    [tokens, width]: [usize; 2],
    parameters: &[f32],
    x: &[f32],
    statistics: &[f32],
    gradient: &mut [f32],
    sums: &mut [f32],
    workspace: &Workspace,
) {
    if gradient.is_empty() {
        return;
    }
    let samples = x.par_chunks(tokens * width).zip(gradient.par_chunks_mut(tokens * width));
    let samples = samples.zip(statistics.par_chunks(2 * tokens));
    let samples = samples.zip(parameters.par_chunks(2 * width).zip(sums.par_chunks_mut(2 * width)));
    samples.for_each(|(((x, gradient), statistics), (parameters, sums))| {
        let length = tokens.div_ceil(ROWS) * 2 * width;
        let mut partial = workspace.take(length);
        let parts = x.par_chunks(ROWS * width).zip(gradient.par_chunks_mut(ROWS * width));
        let parts = parts.zip(statistics.par_chunks(2 * ROWS)).zip(partial[..length].par_chunks_mut(2 * width));
        parts.for_each(|(((x, gradient), statistics), sums)| {
            sums.fill(0.0);
            normalise_part_backward(level, &parameters[..width], x, statistics, gradient, sums);
        });
        for partial in partial[..length].chunks_exact(2 * width) {
            sums.iter_mut().zip(partial).for_each(|(sum, partial)| *sum += partial);
        }
        workspace.put(partial);
    });
}

for_each_level! {
    fn normalise_part_backward(scale: &[f32], x: &[f32], statistics: &[f32], gradient: &mut [f32], sums: &mut [f32]) => normalise_part_backward_at
}

/// With `n = (x - mean) factor` and `h = gradient scale`, the gradient of `x` is `factor (h - mean(h) - n mean(h n))` (Ba et al. 2016).
#[inline(always)]
fn normalise_part_backward_at<const L: u8>(
    scale: &[f32],
    x: &[f32],
    statistics: &[f32],
    gradient: &mut [f32],
    sums: &mut [f32],
) {
    let width = scale.len();
    let (of_scale, of_shift) = sums.split_at_mut(width);
    let of_shift = &mut of_shift[..width];
    let whole = width - width % LANES;
    let rows = x.chunks_exact(width).zip(gradient.chunks_exact_mut(width));
    for ((x, gradient), [mean, factor]) in rows.zip(statistics.as_chunks::<2>().0) {
        let (mut direct, mut along) = ([0.0; LANES], [0.0; LANES]);
        for first in (0..whole).step_by(LANES) {
            let (x, gradient, scale) =
                (&x[first..first + LANES], &gradient[first..first + LANES], &scale[first..first + LANES]);
            let (of_scale, of_shift) = (&mut of_scale[first..first + LANES], &mut of_shift[first..first + LANES]);
            for i in 0..LANES {
                let normal = (x[i] - mean) * factor;
                let product = gradient[i] * normal;
                of_scale[i] += product;
                of_shift[i] += gradient[i];
                direct[i] = if fused(L) {
                    gradient[i].mul_add(scale[i], direct[i])
                } else {
                    gradient[i] * scale[i] + direct[i]
                };
                along[i] = if fused(L) { product.mul_add(scale[i], along[i]) } else { product * scale[i] + along[i] };
            }
        }
        let (mut direct, mut along) = (sum(&direct), sum(&along));
        for i in whole..width {
            let product = gradient[i] * (x[i] - mean) * factor;
            of_scale[i] += product;
            of_shift[i] += gradient[i];
            direct += gradient[i] * scale[i];
            along += product * scale[i];
        }
        let (direct, along) = (direct / width as f32, along / width as f32);
        for ((gradient, x), scale) in gradient.iter_mut().zip(x).zip(scale) {
            let normal = (x - mean) * factor;
            *gradient = (*gradient * scale - direct - normal * along) * factor;
        }
    }
}
