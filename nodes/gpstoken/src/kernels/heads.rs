//! Attention with several heads between the tokens of a sample, forwards and backwards, on rows `[tokens, 3 width]` of queries, keys and
//! values. The samples and their heads are independent. The way back computes the weights again, from the logarithms that the way forward
//! leaves: to keep the weights would take `heads tokens` numbers for each token.

use super::{
    cpu::{Level, for_each_level, fused},
    lanes::{LANES, exp},
    outer_product::{Columns, product_of_columns},
    product::{Rows, Target, pack_columns, pack_rows, panels_length, product},
    workspace::Workspace,
};
use rayon::prelude::*;

/// Number of queries in a block, a multiple of the heights of all products.
const QUERIES: usize = 96;
/// The number of tokens that a thread copies at a time.
const ROWS: usize = 64;

/// The shape of an attention.
#[derive(Clone, Copy, Debug)]
pub struct Heads {
    /// Number of heads.
    pub count: usize,
    /// Tokens of a sample.
    pub tokens: usize,
    /// The width of a token, a multiple of the number of heads.
    pub width: usize,
}

impl Heads {
    /// Numbers of a token in a head.
    fn size(self) -> usize {
        self.width / self.count.max(1)
    }

    /// Rows whose distance is a power of two would share a few lines of the cache.
    fn stride(self) -> usize {
        self.tokens + LANES
    }

    fn scale(self) -> f32 {
        1.0 / (self.size() as f32).sqrt()
    }
}

/// Scaled dot-product attention of samples `joint` `[samples, tokens, 3 width]`. `out` receives `[samples, tokens, width]`. `logarithms`
/// `[samples, heads, tokens]` receives the logarithm of the sum of exponentials of each query.
pub fn attend_heads(
    level: Level,
    heads: Heads,
    joint: &[f32],
    out: &mut [f32],
    logarithms: &mut [f32],
    workspace: &Workspace,
) {
    let Heads { count, tokens, width } = heads;
    let size = heads.size();
    if out.is_empty() || size == 0 {
        return;
    }
    let samples = joint.par_chunks(tokens * 3 * width).zip(out.par_chunks_mut(tokens * width));
    samples.zip(logarithms.par_chunks_mut(count * tokens)).for_each(|((joint, out), logarithms)| {
        let mut by_head = workspace.take(tokens * width); // [heads, tokens, size]
        let of_heads = by_head[..tokens * width].par_chunks_mut(tokens * size);
        of_heads.zip(logarithms.par_chunks_mut(tokens)).enumerate().for_each(|(head, (out, logarithms))| {
            attend_head(level, heads, &joint[head * size..], out, logarithms, workspace);
        });
        interleave(&by_head, tokens, size, out, width);
        workspace.put(by_head);
    });
}

/// Writes `[parts, tokens, size]` as `[tokens, parts size]`.
fn interleave(by_part: &[f32], tokens: usize, size: usize, out: &mut [f32], width: usize) {
    out.par_chunks_mut(ROWS * width).enumerate().for_each(|(block, out)| {
        for (row, out) in out.chunks_exact_mut(width).enumerate() {
            let token = block * ROWS + row;
            for (part, out) in out.chunks_exact_mut(size).enumerate() {
                out.copy_from_slice(&by_part[(part * tokens + token) * size..][..size]);
            }
        }
    });
}

/// One head. `joint` begins with the head's queries of the first token.
fn attend_head(
    level: Level,
    heads: Heads,
    joint: &[f32],
    out: &mut [f32],
    logarithms: &mut [f32],
    workspace: &Workspace,
) {
    let Heads { tokens, width, .. } = heads;
    let (size, stride, line) = (heads.size(), heads.stride(), 3 * width);
    let lengths = [panels_length(tokens, size), panels_length(size, tokens), QUERIES * stride];
    let mut buffer = workspace.take(lengths.iter().sum());
    let (keys, rest) = buffer.split_at_mut(lengths[0]);
    let (values, weights) = rest.split_at_mut(lengths[1]);
    let rows = |part: usize| Rows { values: &joint[part * width..], stride: line, count: tokens, inputs: size };
    pack_rows(rows(1), keys);
    pack_columns(rows(2), values);
    let blocks = out.chunks_mut(QUERIES * size).zip(logarithms.chunks_mut(QUERIES));
    for (block, (out, logarithms)) in blocks.enumerate() {
        let count = logarithms.len();
        let rows = Rows { values: &joint[block * QUERIES * line..], stride: line, count, inputs: size };
        product(level, rows, keys, Target { values: &mut *weights, stride, outputs: tokens, add: false });
        let mut sums = [0.0; QUERIES];
        soften(level, weights, [stride, tokens], heads.scale(), &mut sums[..count], logarithms);
        let rows = Rows { values: weights, stride, count, inputs: tokens };
        product(level, rows, values, Target { values: &mut *out, stride: size, outputs: size, add: false });
        for (out, sum) in out.chunks_exact_mut(size).zip(sums) {
            let factor = 1.0 / sum;
            out.iter_mut().for_each(|v| *v *= factor);
        }
    }
    workspace.put(buffer);
}

/// The way back through [`attend_heads`]: from the gradient of the result, `[samples, tokens, width]`, to the gradient of `joint`, which
/// overwrites `back` `[samples, tokens, 3 width]`.
pub fn attend_heads_backward(
    level: Level,
    heads: Heads,
    joint: &[f32],
    logarithms: &[f32],
    gradient: &[f32],
    back: &mut [f32],
    workspace: &Workspace,
) {
    let Heads { count, tokens, width } = heads;
    let size = heads.size();
    if back.is_empty() || size == 0 {
        return;
    }
    let samples = joint.par_chunks(tokens * 3 * width).zip(gradient.par_chunks(tokens * width));
    let samples = samples.zip(logarithms.par_chunks(count * tokens)).zip(back.par_chunks_mut(tokens * 3 * width));
    samples.for_each(|(((joint, gradient), logarithms), back)| {
        let mut by_head = workspace.take(tokens * 3 * width); // [heads, 3, tokens, size]
        let of_heads = by_head[..tokens * 3 * width].par_chunks_mut(3 * tokens * size);
        of_heads.zip(logarithms.par_chunks(tokens)).enumerate().for_each(|(head, (back, logarithms))| {
            let (joint, gradient) = (&joint[head * size..], &gradient[head * size..]);
            attend_head_backward(level, heads, joint, logarithms, gradient, back, workspace);
        });
        back.par_chunks_mut(ROWS * 3 * width).enumerate().for_each(|(block, back)| {
            for (row, back) in back.chunks_exact_mut(3 * width).enumerate() {
                let token = block * ROWS + row;
                for (i, back) in back.chunks_exact_mut(size).enumerate() {
                    let (part, head) = (i / count, i % count);
                    back.copy_from_slice(&by_head[((head * 3 + part) * tokens + token) * size..][..size]);
                }
            }
        });
        workspace.put(by_head);
    });
}

/// One head. `joint` and `gradient` begin with the head's numbers of the first token; `back` is `[3, tokens, size]`. With the weights
/// `P = softmax(s Q K^T)` and the gradient `G` of `P V`, the gradient of `s Q K^T` is `P (G V^T - sum(P G V^T))`, with a sum for each
/// query (Dao et al. 2022, appendix B).
fn attend_head_backward(
    level: Level,
    heads: Heads,
    joint: &[f32],
    logarithms: &[f32],
    gradient: &[f32],
    back: &mut [f32],
    workspace: &Workspace,
) {
    let Heads { tokens, width, .. } = heads;
    let (size, stride, line) = (heads.size(), heads.stride(), 3 * width);
    let (by_rows, by_columns) = (panels_length(tokens, size), panels_length(size, tokens));
    let of_block = panels_length(size, QUERIES);
    let mut buffer = workspace.take(2 * by_rows + by_columns + 2 * of_block + 2 * QUERIES * stride);
    let (key_rows, rest) = buffer.split_at_mut(by_rows);
    let (value_rows, rest) = rest.split_at_mut(by_rows);
    let (key_columns, rest) = rest.split_at_mut(by_columns);
    let (query_columns, rest) = rest.split_at_mut(of_block);
    let (gradient_columns, rest) = rest.split_at_mut(of_block);
    let (weights, slopes) = rest.split_at_mut(QUERIES * stride);
    let rows = |part: usize| Rows { values: &joint[part * width..], stride: line, count: tokens, inputs: size };
    pack_rows(rows(1), key_rows);
    pack_rows(rows(2), value_rows);
    pack_columns(rows(1), key_columns);
    let (of_queries, rest) = back.split_at_mut(tokens * size);
    let (of_keys, of_values) = rest.split_at_mut(tokens * size);
    let blocks = of_queries.chunks_mut(QUERIES * size).zip(logarithms.chunks(QUERIES));
    for (block, (of_queries, logarithms)) in blocks.enumerate() {
        let (count, first) = (logarithms.len(), block * QUERIES);
        let queries = Rows { values: &joint[first * line..], stride: line, count, inputs: size };
        let gradients = Rows { values: &gradient[first * width..], stride: width, count, inputs: size };
        let whole = |values| Target { values, stride, outputs: tokens, add: false };
        product(level, queries, key_rows, whole(weights));
        product(level, gradients, value_rows, whole(slopes));
        soften_backward(level, weights, slopes, [stride, tokens], heads.scale(), logarithms);
        pack_columns(gradients, gradient_columns);
        pack_columns(queries, query_columns);
        let add = |values| Target { values, stride: size, outputs: size, add: block > 0 };
        let columns = |values| Columns { values, stride, count: tokens, inputs: count };
        product_of_columns(level, columns(&*weights), gradient_columns, add(of_values));
        product_of_columns(level, columns(&*slopes), query_columns, add(of_keys));
        let rows = Rows { values: slopes, stride, count, inputs: tokens };
        product(level, rows, key_columns, Target { values: of_queries, stride: size, outputs: size, add: false });
    }
    workspace.put(buffer);
}

for_each_level! {
    /// Replaces each row `x` of `weights` by `e^(scale (x - largest))`. `sums` receives the sum of each row, and `logarithms` the logarithm
    /// of the sum of `e^(scale x)`.
    fn soften(weights: &mut [f32], shape: [usize; 2], scale: f32, sums: &mut [f32], logarithms: &mut [f32]) => soften_at
}

#[inline(always)]
fn soften_at<const L: u8>(
    weights: &mut [f32],
    [stride, length]: [usize; 2],
    scale: f32,
    sums: &mut [f32],
    logarithms: &mut [f32],
) {
    for (row, (total, logarithm)) in weights.chunks_exact_mut(stride).zip(sums.iter_mut().zip(logarithms)) {
        let (chunks, rest) = row[..length].as_chunks_mut::<LANES>();
        let mut largest = [f32::NEG_INFINITY; LANES];
        for chunk in &*chunks {
            for i in 0..LANES {
                largest[i] = if chunk[i] > largest[i] { chunk[i] } else { largest[i] };
            }
        }
        let largest = largest_of(&largest, rest);
        let mut sums = [0.0; LANES];
        for chunk in &mut *chunks {
            for i in 0..LANES {
                chunk[i] = exp::<L>((chunk[i] - largest) * scale);
                sums[i] += chunk[i];
            }
        }
        for value in &mut *rest {
            *value = exp::<L>((*value - largest) * scale);
        }
        *total = 0.0;
        for value in rest {
            *total += *value;
        }
        for value in sums {
            *total += value;
        }
        *logarithm = largest * scale + total.ln();
    }
}

#[inline(always)]
fn largest_of(lanes: &[f32; LANES], rest: &[f32]) -> f32 {
    let mut largest = f32::NEG_INFINITY;
    for value in lanes {
        largest = if *value > largest { *value } else { largest };
    }
    for value in rest {
        largest = if *value > largest { *value } else { largest };
    }
    largest
}

for_each_level! {
    /// Replaces each row `x` of `weights` by its softmax, and the gradient of the softmax in `slopes` by the gradient of `x`.
    fn soften_backward(weights: &mut [f32], slopes: &mut [f32], shape: [usize; 2], scale: f32, logarithms: &[f32]) => soften_backward_at
}

#[inline(always)]
fn soften_backward_at<const L: u8>(
    weights: &mut [f32],
    slopes: &mut [f32],
    [stride, length]: [usize; 2],
    scale: f32,
    logarithms: &[f32],
) {
    let rows = weights.chunks_exact_mut(stride).zip(slopes.chunks_exact_mut(stride));
    for ((weights, slopes), logarithm) in rows.zip(logarithms) {
        let (weights, slopes) = (&mut weights[..length], &mut slopes[..length]);
        let mut sums = [0.0; LANES];
        let ((chunks, rest), (of_chunks, of_rest)) = (weights.as_chunks_mut::<LANES>(), slopes.as_chunks::<LANES>());
        for (chunk, slopes) in chunks.iter_mut().zip(of_chunks) {
            for i in 0..LANES {
                let x = chunk[i];
                let power = if fused(L) { x.mul_add(scale, -logarithm) } else { x * scale - logarithm };
                chunk[i] = exp::<L>(power);
                sums[i] = if fused(L) { chunk[i].mul_add(slopes[i], sums[i]) } else { chunk[i] * slopes[i] + sums[i] };
            }
        }
        let mut sum = 0.0;
        for (weight, slope) in rest.iter_mut().zip(of_rest) {
            *weight = exp::<L>(*weight * scale - logarithm);
            sum += *weight * slope;
        }
        for value in sums {
            sum += value;
        }
        for (slope, weight) in slopes.iter_mut().zip(&*weights) {
            *slope = weight * (*slope - sum) * scale;
        }
    }
}
