//! Attention between many places. The kernel works on one block of queries at a time, so that it never stores the matrix of all
//! weights.

use super::{
    cpu::{Level, for_each_level},
    lanes::{LANES, exp},
    product::{Rows, Target, pack, pack_transposed, panels_length, product},
    workspace::Workspace,
};
use rayon::prelude::*;

/// Number of queries in a block.
const QUERIES: usize = 48;

/// The number that the weights of a query are relative to, and their sum. The way back computes the weights again with them.
pub type Softened = [f32; 2];

/// Scaled dot-product attention with one head. All arguments are `[places, channels]`; the result overwrites `out`. Returns the numbers of
/// each query's softmax.
pub fn attend(
    level: Level,
    [query, key, value]: [&[f32]; 3],
    channels: usize,
    out: &mut [f32],
    workspace: &Workspace,
) -> Vec<Softened> {
    if channels == 0 || out.is_empty() {
        return Vec::new();
    }
    let places = out.len() / channels;
    let mut softened = vec![[0.0; 2]; places];
    let mut keys = workspace.take(panels_length(places, channels));
    pack(key, places, channels, &mut keys);
    let mut values = workspace.take(panels_length(channels, places));
    pack_transposed(value, channels, places, &mut values);
    // Rows whose distance is a power of two would share a few lines of the cache.
    let stride = places + 16;
    let scale = 1.0 / (channels as f32).sqrt();
    let blocks = out.par_chunks_mut(QUERIES * channels).zip(query.par_chunks(QUERIES * channels));
    blocks.zip(softened.par_chunks_mut(QUERIES)).for_each(|((out, query), softened)| {
        let count = query.len() / channels;
        let mut weights = workspace.take(QUERIES * stride);
        let rows = Rows { values: query, stride: channels, count, inputs: channels };
        product(level, rows, &keys, Target { values: &mut weights, stride, outputs: places, add: false });
        for (weights, softened) in weights.chunks_exact_mut(stride).zip(&mut *softened) {
            soften(level, &mut weights[..places], scale, softened);
        }
        let rows = Rows { values: &weights, stride, count, inputs: places };
        product(level, rows, &values, Target { values: out, stride: channels, outputs: channels, add: false });
        for (out, [_, sum]) in out.chunks_exact_mut(channels).zip(&*softened) {
            out.iter_mut().for_each(|v| *v /= sum);
        }
        workspace.put(weights);
    });
    workspace.put(keys);
    workspace.put(values);
    softened
}

for_each_level! {
    /// Computes `e^(scale (x - largest))` in place, and the largest number and the sum of the results.
    fn soften(row: &mut [f32], scale: f32, softened: &mut Softened) => soften_at
}

#[inline(always)]
fn soften_at<const L: u8>(row: &mut [f32], scale: f32, softened: &mut Softened) {
    let (chunks, rest) = row.as_chunks_mut::<LANES>();
    let mut largest = [f32::NEG_INFINITY; LANES];
    for chunk in &*chunks {
        largest = std::array::from_fn(|i| if chunk[i] > largest[i] { chunk[i] } else { largest[i] });
    }
    let largest = largest.into_iter().chain(rest.iter().copied()).fold(f32::NEG_INFINITY, f32::max);
    let mut sums = [0.0; LANES];
    for chunk in chunks {
        for i in 0..LANES {
            chunk[i] = exp::<L>((chunk[i] - largest) * scale);
            sums[i] += chunk[i];
        }
    }
    for value in &mut *rest {
        *value = exp::<L>((*value - largest) * scale);
    }
    *softened = [largest, sums.into_iter().chain(rest.iter().copied()).sum()];
}
