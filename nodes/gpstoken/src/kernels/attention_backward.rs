//! The gradients of attention between many places. Like the forward pass, it works on blocks of queries and computes their weights
//! again, so that it never stores the matrix of all weights.

use super::{
    attention::soften,
    cpu::{Level, for_each_level},
    outer_product::{Columns, product_of_columns},
    product::{PANEL, Rows, Target, pack, pack_transposed, panels_length, product},
    workspace::Workspace,
};
use rayon::prelude::*;

/// Number of queries in a block. Products sum over them, so a block has more than in the forward pass.
const QUERIES: usize = 96;
/// The most parts of the queries. Each has sums of its own.
const PARTS: usize = 8;
/// The most numbers of all these sums, but at least two parts.
const SUMS: usize = 1 << 23;

/// Adds the gradients of query, key and value to `gradients`, from their values, the result of [`attend`](super::attention::attend) and
/// its gradient. All are `[places, channels]`.
///
/// With the weights `P = softmax(scale Q K^T)`, the result `O = P V` and its gradient `G`: the gradient of `V` is `P^T G`, and with `S =
/// scale P . (G V^T - rowsum(G . O))`, those of `Q` and `K` are `S K` and `S^T Q` (Dao et al. 2022, arXiv:2205.14135, appendix B).
pub fn attend_backward(
    level: Level,
    [query, key, value]: [&[f32]; 3],
    [result, gradient]: [&[f32]; 2],
    channels: usize,
    [of_query, of_key, of_value]: [&mut [f32]; 3],
    workspace: &Workspace,
) {
    if channels == 0 || gradient.is_empty() {
        return;
    }
    let places = gradient.len() / channels;
    let size = places * channels;
    let mut panels =
        [(); 3].map(|()| workspace.take(panels_length(places, channels).max(panels_length(channels, places))));
    let [keys, values, keys_by_channel] = &mut panels;
    pack(key, places, channels, keys);
    pack(value, places, channels, values);
    pack_transposed(key, channels, places, keys_by_channel);
    let stride = places.next_multiple_of(PANEL) + 16;
    let scale = 1.0 / (channels as f32).sqrt();
    let parts = (SUMS / (2 * size)).clamp(2, PARTS).min(places.div_ceil(QUERIES));
    let length = places.div_ceil(parts).next_multiple_of(QUERIES) * channels;
    let mut sums = workspace.take(parts * 2 * size);
    let of_parts = of_query.par_chunks_mut(length).zip(sums[..parts * 2 * size].par_chunks_mut(2 * size)).enumerate();
    let used = of_parts.len();
    of_parts.for_each(|(part, (of_query, sums))| {
        sums.fill(0.0);
        let (of_key, of_value) = sums.split_at_mut(size);
        let mut scratch = workspace.take(2 * QUERIES * stride + panels_length(channels, QUERIES));
        let (weights, rest) = scratch.split_at_mut(QUERIES * stride);
        let (slopes, block) = rest.split_at_mut(QUERIES * stride);
        for (i, of_query) in of_query.chunks_mut(QUERIES * channels).enumerate() {
            let first = part * length + i * QUERIES * channels;
            let [query, result, gradient] = [query, result, gradient].map(|all| &all[first..first + of_query.len()]);
            let count = of_query.len() / channels;
            let left = |values| Rows { values, stride: channels, count, inputs: channels };
            product(level, left(query), keys, Target { values: &mut *weights, stride, outputs: places, add: false });
            product(
                level,
                left(gradient),
                values,
                Target { values: &mut *slopes, stride, outputs: places, add: false },
            );
            let rows = weights.chunks_exact_mut(stride).zip(slopes.chunks_exact_mut(stride));
            let lines = result.chunks_exact(channels).zip(gradient.chunks_exact(channels));
            for ((weights, slopes), (result, gradient)) in rows.zip(lines) {
                let (weights, mut sum) = (&mut weights[..places], 0.0);
                soften(level, weights, scale, &mut sum);
                let common = result.iter().zip(gradient).map(|(a, b)| a * b).sum::<f32>();
                slope(level, weights, &mut slopes[..places], [1.0 / sum, common, scale]);
            }
            let columns = |values| Columns { values, stride, count: places, inputs: count };
            let sum = |values| Target { values, stride: channels, outputs: channels, add: true };
            pack_transposed(gradient, channels, count, block);
            product_of_columns(level, columns(weights), block, sum(&mut *of_value));
            pack_transposed(query, channels, count, block);
            product_of_columns(level, columns(slopes), block, sum(&mut *of_key));
            let rows = Rows { values: slopes, stride, count, inputs: places };
            product(level, rows, keys_by_channel, sum(of_query));
        }
        workspace.put(scratch);
    });
    let add_up = |to: &mut [f32], offset: usize| {
        const PART: usize = 1 << 12;
        to.par_chunks_mut(PART).enumerate().for_each(|(i, to)| {
            for part in sums.chunks_exact(2 * size).take(used) {
                to.iter_mut().zip(&part[offset + i * PART..]).for_each(|(to, v)| *to += v);
            }
        });
    };
    add_up(of_key, 0);
    add_up(of_value, size);
    workspace.put(sums);
    panels.into_iter().for_each(|panels| workspace.put(panels));
}

for_each_level! {
    /// Divides a row of weights by their sum, and turns their gradients into those of the products: `scale weight (gradient - common)`.
    /// `numbers` are the inverse of the sum, `common` and `scale`.
    fn slope(weights: &mut [f32], slopes: &mut [f32], numbers: [f32; 3]) => slope_at
}

#[inline(always)]
fn slope_at<const L: u8>(weights: &mut [f32], slopes: &mut [f32], [inverse, common, scale]: [f32; 3]) {
    for (weight, slope) in weights.iter_mut().zip(slopes) {
        *weight *= inverse;
        *slope = scale * *weight * (*slope - common);
    }
}
