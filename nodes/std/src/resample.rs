//! Scaling pictures: separable, antialiased when shrinking, in f32.

use crate::{
    memory::zeros,
    parallel::{PIECE, pieces},
};
use rayon::prelude::*;
use splatgraph_sdk::prelude::*;
use std::{f64::consts::PI, ops::Range};

/// How pixels in between are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choice)]
pub enum Filter {
    /// Lanczos with 3 lobes: sharpest.
    Lanczos,
    /// A triangle: soft, without overshoot.
    Bilinear,
    /// The pixel that is there: keeps exact values.
    Nearest,
}

impl Filter {
    /// Half the width of the kernel, in pixels of the smaller scale.
    fn radius(self) -> f64 {
        match self {
            Self::Lanczos => 3.0,
            Self::Bilinear => 1.0,
            Self::Nearest => 0.0,
        }
    }

    fn weight(self, x: f64) -> f64 {
        let x = x.abs();
        match self {
            _ if x >= self.radius() => 0.0,
            Self::Lanczos if x < 1e-9 => 1.0,
            // sinc(x) sinc(x/3)
            Self::Lanczos => 3.0 * (PI * x).sin() * (PI * x / 3.0).sin() / (PI * PI * x * x),
            Self::Bilinear | Self::Nearest => 1.0 - x,
        }
    }
}

/// One axis: `length` pixels are scaled to `scaled`, of which `size` from `offset` on are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    /// Pixels of the source.
    pub(crate) length: usize,
    /// Pixels that the whole source would get.
    pub(crate) scaled: usize,
    /// The first of these that is kept.
    pub(crate) offset: usize,
    /// Pixels of the result.
    pub(crate) size: usize,
}

impl Axis {
    /// Whether the result is the source.
    pub(crate) fn is_identity(&self) -> bool {
        self.length == self.scaled && self.scaled == self.size
    }
}

/// For each pixel of the result: the first source pixel and the weights, which sum to 1.
struct Taps {
    first: Vec<usize>,
    weights: Vec<Vec<f32>>,
}

impl Taps {
    fn new(axis: Axis, filter: Filter) -> Self {
        let scale = axis.length as f64 / axis.scaled as f64;
        // Shrinking widens the kernel, which is what prevents aliasing.
        let stretch = scale.max(1.0);
        let support = filter.radius() * stretch;
        let (first, weights) = (0..axis.size)
            .map(|i| {
                let centre = (axis.offset + i) as f64 * scale + 0.5 * scale;
                if filter == Filter::Nearest {
                    return ((centre as usize).min(axis.length - 1), vec![1.0]);
                }
                let from = (centre - support).floor().max(0.0) as usize;
                let to = ((centre + support).ceil() as usize).clamp(from + 1, axis.length);
                let raw: Vec<f64> = (from..to).map(|p| filter.weight((p as f64 + 0.5 - centre) / stretch)).collect();
                let sum: f64 = raw.iter().sum();
                // Without the ends that add nothing, an axis that stays as it is copies its pixels exactly.
                let adds = |w: &f64| w.abs() > 1e-9 * sum;
                let start = raw.iter().position(adds).unwrap_or(0);
                let end = raw.iter().rposition(adds).unwrap_or(0) + 1;
                (from + start, raw[start..end].iter().map(|w| (w / sum) as f32).collect())
            })
            .unzip();
        Self { first, weights }
    }

    /// The source pixels that are read at all.
    fn span(&self) -> Range<usize> {
        let ends = self.first.iter().zip(&self.weights).map(|(first, weights)| first + weights.len());
        self.first.iter().copied().min().unwrap_or(0)..ends.max().unwrap_or(0)
    }
}

/// Scales pictures `[B, H, W, 3]`, `size` = (H, W) by the axes, to `[B, y.size, x.size, 3]`.
///
/// # Errors
/// Not enough memory.
pub(crate) fn resample(source: &[f32], y: Axis, x: Axis, filter: Filter) -> Result<Vec<f32>> {
    let (rows, columns) = (Taps::new(y, filter), Taps::new(x, filter));
    let span = rows.span();
    let mut out = zeros::<f32>(source.len() / (y.length * x.length) * y.size * x.size)?;
    // The pass with the smaller result in between comes first.
    let horizontal_first = span.len() * x.size <= y.size * x.length;
    let mut between = zeros::<f32>(3 * if horizontal_first { span.len() * x.size } else { y.size * x.length })?;
    let pictures = source.chunks_exact(y.length * x.length * 3);
    for (picture, result) in pictures.zip(out.chunks_exact_mut(y.size * x.size * 3)) {
        if horizontal_first {
            let needed = &picture[span.start * x.length * 3..span.end * x.length * 3];
            horizontal(needed, x.length, &columns, &mut between);
            vertical(&between, span.start, x.size * 3, &rows, result);
        } else {
            vertical(picture, 0, x.length * 3, &rows, &mut between);
            horizontal(&between, x.length, &columns, result);
        }
    }
    if filter == Filter::Lanczos {
        limit_overshoot(source, &mut out);
    }
    Ok(out)
}

/// Scales each row of `width` pixels.
fn horizontal(source: &[f32], width: usize, taps: &Taps, out: &mut [f32]) {
    // A weight for each of a pixel's channels, so that the sum runs over plain slices.
    let weights: Vec<Vec<f32>> = taps.weights.iter().map(|w| w.iter().flat_map(|w| [*w; 3]).collect()).collect();
    pieces(out, taps.first.len() * 3, &|y, out| {
        let source = &source[y * width * 3..][..width * 3];
        let (pixels, _) = out.as_chunks_mut::<3>();
        for ((pixel, first), weights) in pixels.iter_mut().zip(&taps.first).zip(&weights) {
            *pixel = dot(&source[first * 3..first * 3 + weights.len()], weights);
        }
    });
}

/// Sums `source * weights` by channel; both hold a whole number of pixels.
fn dot(source: &[f32], weights: &[f32]) -> [f32; 3] {
    let (blocks, rest) = source.as_chunks::<12>();
    let (weight_blocks, weight_rest) = weights.as_chunks::<12>();
    let mut sums = [0.0f32; 12];
    for (block, weights) in blocks.iter().zip(weight_blocks) {
        for i in 0..12 {
            sums[i] += block[i] * weights[i];
        }
    }
    for (sum, (value, weight)) in sums.iter_mut().zip(rest.iter().zip(weight_rest)) {
        *sum += value * weight;
    }
    std::array::from_fn(|c| sums[c] + sums[c + 3] + sums[c + 6] + sums[c + 9])
}

/// Mixes rows of `row` floats; `source` begins with row `start`.
fn vertical(source: &[f32], start: usize, row: usize, taps: &Taps, out: &mut [f32]) {
    pieces(out, row, &|y, out| {
        let rows = source[(taps.first[y] - start) * row..].chunks_exact(row);
        out.fill(0.0);
        for (source, weight) in rows.zip(&taps.weights[y]) {
            for (out, value) in out.iter_mut().zip(source) {
                *out += value * weight;
            }
        }
    });
}

/// Lanczos swings past edges. What it makes stays within 0..1, or within the source's range where that is wider.
fn limit_overshoot(source: &[f32], out: &mut [f32]) {
    let (low, high) = source
        .par_chunks(PIECE)
        .map(|values| values.iter().fold((0.0f32, 1.0f32), |(low, high), v| (low.min(*v), high.max(*v))))
        .reduce(|| (0.0, 1.0), |a, b| (a.0.min(b.0), a.1.max(b.1)));
    pieces(out, PIECE, &|_, piece| piece.iter_mut().for_each(|v| *v = v.clamp(low, high)));
}
