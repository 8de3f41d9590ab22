//! The weighted squared differences of pixels' unit vectors, as LPIPS has them, and their gradient.

use super::{
    cpu::{Level, for_each_level, fused},
    lanes::{LANES, Lanes, load},
};
use rayon::prelude::*;

/// The number of pixels that a thread works on at a time.
const PIXELS: usize = 64;

/// The sum over all pixels of `sum_c weight_c (a_c / |a| - b_c / |b|)^2`, for maps `[pixels, channels]`. `epsilon` is added to each
/// length. Writes the gradient with respect to `a`, times `factor`, to `gradient`.
///
/// With `u = a / (|a| + epsilon)` and the gradient `g` of `u`, the gradient of `a` is `(g - u (g . a) / |a|) / (|a| + epsilon)`. It does
/// not exist where all channels of `a` are 0. Such a pixel gets the gradient 0: its features come from ReLU, which passes nothing there.
pub fn unit_difference(
    level: Level,
    [a, b]: [&[f32]; 2],
    weights: &[f32],
    epsilon: f32,
    factor: f32,
    gradient: &mut [f32],
) -> f64 {
    let length = (PIXELS * weights.len()).max(1);
    let parts = gradient.par_chunks_mut(length).zip(a.par_chunks(length).zip(b.par_chunks(length)));
    let sums = parts.map(|(gradient, (a, b))| {
        let mut sum = 0.0;
        differentiate(level, [a, b], weights, [epsilon, factor], gradient, &mut sum);
        sum
    });
    sums.collect::<Vec<f64>>().into_iter().sum()
}

for_each_level! {
    fn differentiate(pixels: [&[f32]; 2], weights: &[f32], numbers: [f32; 2], gradient: &mut [f32], sum: &mut f64) => differentiate_at
}

#[inline(always)]
fn differentiate_at<const L: u8>(
    [a, b]: [&[f32]; 2],
    weights: &[f32],
    [epsilon, factor]: [f32; 2],
    gradient: &mut [f32],
    sum: &mut f64,
) {
    let channels = weights.len();
    let pixels = a.chunks_exact(channels).zip(b.chunks_exact(channels));
    for ((a, b), gradient) in pixels.zip(gradient.chunks_exact_mut(channels)) {
        let length = dot::<L>(a, a).sqrt();
        let (to_a, to_b) = (1.0 / (length + epsilon), 1.0 / (dot::<L>(b, b).sqrt() + epsilon));
        let (mut total, mut with_a) = ([0.0; LANES], [0.0; LANES]);
        let mut first = 0;
        while first < channels {
            // The last lanes may be fewer.
            let count = LANES.min(channels - first);
            let (a, b) = (part(&a[first..], count), part(&b[first..], count));
            let weights = part(&weights[first..], count);
            let mut of_unit = [0.0; LANES];
            for i in 0..LANES {
                let apart = a[i] * to_a - b[i] * to_b;
                // The gradient of half of the sum with respect to the unit vector.
                of_unit[i] = weights[i] * apart;
                total[i] += of_unit[i] * apart;
                with_a[i] += of_unit[i] * a[i];
            }
            gradient[first..first + count].copy_from_slice(&of_unit[..count]);
            first += count;
        }
        *sum += f64::from(total.iter().sum::<f32>());
        let with_a: f32 = with_a.iter().sum();
        let (scale, along) =
            if length > 0.0 { (2.0 * factor * to_a, 2.0 * factor * to_a * to_a * with_a / length) } else { (0.0, 0.0) };
        for (to, a) in gradient.iter_mut().zip(a) {
            *to = scale * *to - along * a;
        }
    }
}

/// The first `count` of the numbers, then zeros.
#[inline(always)]
fn part(from: &[f32], count: usize) -> Lanes {
    if count == LANES {
        return load(from);
    }
    let mut lanes = [0.0; LANES];
    lanes[..count].copy_from_slice(&from[..count]);
    lanes
}

#[inline(always)]
fn dot<const L: u8>(a: &[f32], b: &[f32]) -> f32 {
    let mut sums: Lanes = [0.0; LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for i in 0..LANES {
            sums[i] = if fused(L) { a[i].mul_add(b[i], sums[i]) } else { a[i] * b[i] + sums[i] };
        }
    }
    let mut sum = 0.0;
    for (a, b) in a_rest.iter().zip(b_rest) {
        sum += a * b;
    }
    for value in sums {
        sum += value;
    }
    sum
}
