//! The gradients of attention between many places. Like the forward pass, it works on blocks of queries and computes their weights
//! again, so that it never stores the matrix of all weights.

use super::{
    attention::Softened,
    cpu::{Level, for_each_level},
    lanes::exp,
    outer_product::{Columns, product_of_columns},
    product::{Rows, Target, pack, pack_transposed, panels_length, product},
    workspace::Workspace,
};
use rayon::prelude::*;

/// Number of queries and of keys in a block, whose weights stay in the cache of a core.
const QUERIES: usize = 96;
const KEYS: usize = 256;
/// The distance between the weights of two queries. Rows whose distance is a power of two would share a few lines of the cache.
const STRIDE: usize = KEYS + 16;
/// The most parts of the queries. Each has sums of its own.
const PARTS: usize = 8;
/// The most numbers of all these sums, but at least two parts.
const SUMS: usize = 1 << 23;

/// Adds the gradients of query, key and value to `gradients`, from their values, the result of [`attend`](super::attention::attend), its
/// gradient and the numbers that it returned. All but the last are `[places, channels]`.
///
/// With the weights `P = softmax(scale Q K^T)`, the result `O = P V` and its gradient `G`: the gradient of `V` is `P^T G`, and with `S =
/// scale P . (G V^T - rowsum(G . O))`, those of `Q` and `K` are `S K` and `S^T Q` (Dao et al. 2022, arXiv:2205.14135, appendix B).
pub fn attend_backward(
    level: Level,
    [query, key, value]: [&[f32]; 3],
    ([result, gradient], softened): ([&[f32]; 2], &[Softened]),
    channels: usize,
    [of_query, of_key, of_value]: [&mut [f32]; 3],
    workspace: &Workspace,
) {
    if channels == 0 || gradient.is_empty() {
        return;
    }
    let places = gradient.len() / channels;
    let size = places * channels;
    let blocks = places.div_ceil(KEYS);
    // The panels of each block of keys.
    let by_key = panels_length(KEYS, channels);
    let by_channel = panels_length(channels, KEYS);
    let length = 2 * by_key + by_channel;
    let mut panels = workspace.take(blocks * length);
    panels[..blocks * length].par_chunks_mut(length).enumerate().for_each(|(block, panels)| {
        let first = block * KEYS * channels;
        let [key, value] = [key, value].map(|all| &all[first..(first + KEYS * channels).min(size)]);
        let count = key.len() / channels;
        let (keys, rest) = panels.split_at_mut(by_key);
        let (values, keys_by_channel) = rest.split_at_mut(by_key);
        pack(key, count, channels, keys);
        pack(value, count, channels, values);
        pack_transposed(key, channels, count, keys_by_channel);
    });
    let scale = 1.0 / (channels as f32).sqrt();
    let parts = (SUMS / (2 * size)).clamp(2, PARTS).min(places.div_ceil(QUERIES));
    let rows = places.div_ceil(parts).next_multiple_of(QUERIES);
    let mut sums = workspace.take(parts * 2 * size);
    let of_parts = of_query.par_chunks_mut(rows * channels).zip(sums[..parts * 2 * size].par_chunks_mut(2 * size));
    let used = of_parts.len();
    of_parts.enumerate().for_each(|(part, (of_query, sums))| {
        sums.fill(0.0);
        let (of_key, of_value) = sums.split_at_mut(size);
        let queries = panels_length(channels, QUERIES);
        let mut scratch = workspace.take(2 * QUERIES * STRIDE + 2 * queries);
        let (weights, rest) = scratch.split_at_mut(QUERIES * STRIDE);
        let (slopes, rest) = rest.split_at_mut(QUERIES * STRIDE);
        let (query_panels, gradient_panels) = rest.split_at_mut(queries);
        for (i, of_query) in of_query.chunks_mut(QUERIES * channels).enumerate() {
            let first = part * rows + i * QUERIES;
            let count = of_query.len() / channels;
            let [query, result, gradient] =
                [query, result, gradient].map(|all| &all[first * channels..(first + count) * channels]);
            let mut factors = [[0.0; 3]; QUERIES];
            let lines = result.chunks_exact(channels).zip(gradient.chunks_exact(channels));
            for ((factors, softened), (result, gradient)) in factors.iter_mut().zip(&softened[first..]).zip(lines) {
                let common = result.iter().zip(gradient).map(|(a, b)| a * b).sum::<f32>();
                *factors = [softened[0], 1.0 / softened[1], common];
            }
            pack_transposed(query, channels, count, query_panels);
            pack_transposed(gradient, channels, count, gradient_panels);
            for (block, panels) in panels[..blocks * length].chunks_exact(length).enumerate() {
                let keys = block * KEYS..((block + 1) * KEYS).min(places);
                let rows = |values| Rows { values, stride: channels, count, inputs: channels };
                let all = |values| Target { values, stride: STRIDE, outputs: keys.len(), add: false };
                product(level, rows(query), panels, all(&mut *weights));
                product(level, rows(gradient), &panels[by_key..], all(&mut *slopes));
                let lines = weights.chunks_exact_mut(STRIDE).zip(slopes.chunks_exact_mut(STRIDE));
                for ((weights, slopes), factors) in lines.zip(&factors[..count]) {
                    slope(level, &mut weights[..keys.len()], &mut slopes[..keys.len()], *factors, scale);
                }
                let columns = |values| Columns { values, stride: STRIDE, count: keys.len(), inputs: count };
                let of_keys = keys.start * channels..keys.end * channels;
                let sum = |values| Target { values, stride: channels, outputs: channels, add: true };
                product_of_columns(level, columns(weights), gradient_panels, sum(&mut of_value[of_keys.clone()]));
                product_of_columns(level, columns(slopes), query_panels, sum(&mut of_key[of_keys]));
                let rows = Rows { values: slopes, stride: STRIDE, count, inputs: keys.len() };
                product(level, rows, &panels[2 * by_key..], sum(&mut *of_query));
            }
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
    workspace.put(panels);
}

for_each_level! {
    /// Turns products of a query into weights, and the gradients of the weights into those of the products: `scale weight (gradient -
    /// common)`. `factors` are the number that the weights are relative to, the inverse of their sum, and `common`.
    fn slope(weights: &mut [f32], slopes: &mut [f32], factors: [f32; 3], scale: f32) => slope_at
}

#[inline(always)]
fn slope_at<const L: u8>(weights: &mut [f32], slopes: &mut [f32], [largest, inverse, common]: [f32; 3], scale: f32) {
    for (weight, slope) in weights.iter_mut().zip(slopes) {
        *weight = exp::<L>((*weight - largest) * scale) * inverse;
        *slope = scale * *weight * (*slope - common);
    }
}
