//! Leaky ReLU: numbers above 0 stay, all others are multiplied by a slope. With slope 0 it is ReLU, with slope 1 it changes nothing.

use super::cpu::{Level, for_each_level};
use rayon::prelude::*;

/// The number of numbers that a thread works on at a time.
const PART: usize = 1 << 14;

/// Applies leaky ReLU in place.
pub fn leak(level: Level, slope: f32, values: &mut [f32]) {
    values.par_chunks_mut(PART).for_each(|part| leak_part(level, slope, part));
}

/// Turns the gradient of the results into the gradient of the arguments, in place. `out` are the results, whose signs are those of the
/// arguments.
pub fn leak_backward(level: Level, slope: f32, out: &[f32], gradient: &mut [f32]) {
    let parts = gradient.par_chunks_mut(PART).zip(out.par_chunks(PART));
    parts.for_each(|(gradient, out)| leak_backward_part(level, slope, out, gradient));
}

for_each_level! {
    /// Writes the gradient of the arguments to `to`, on the calling thread. See [`leak_backward`].
    pub fn read_leak_backward(slope: f32, out: &[f32], gradient: &[f32], to: &mut [f32]) => read_leak_backward_at
}

#[inline(always)]
fn read_leak_backward_at<const L: u8>(slope: f32, out: &[f32], gradient: &[f32], to: &mut [f32]) {
    for (to, (gradient, out)) in to.iter_mut().zip(gradient.iter().zip(out)) {
        *to = if *out > 0.0 { *gradient } else { slope * *gradient };
    }
}

for_each_level! {
    /// [`leak`] on the calling thread.
    pub(super) fn leak_part(slope: f32, values: &mut [f32]) => leak_at
}
for_each_level! {
    fn leak_backward_part(slope: f32, out: &[f32], gradient: &mut [f32]) => leak_backward_at
}

#[inline(always)]
fn leak_at<const L: u8>(slope: f32, values: &mut [f32]) {
    for value in values {
        *value = if *value > 0.0 { *value } else { slope * *value };
    }
}

#[inline(always)]
fn leak_backward_at<const L: u8>(slope: f32, out: &[f32], gradient: &mut [f32]) {
    for (gradient, out) in gradient.iter_mut().zip(out) {
        *gradient = if *out > 0.0 { *gradient } else { slope * *gradient };
    }
}
