//! Scales pictures: separable, antialiased when shrinking, in f32.

use crate::{
    memory::zeros,
    parallel::{PIECE, pieces},
};
use rayon::prelude::*;
use splatgraph_sdk::prelude::*;
use std::{f64::consts::PI, ops::Range};

/// How to compute the new pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choice)]
pub enum Filter {
    /// Lanczos with 3 lobes: sharpest.
    Lanczos,
    /// A triangle: soft, without overshoot.
    Bilinear,
    /// The nearest pixel: keeps exact values.
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

/// The scaling of one axis from `length` to `scaled` pixels, and the `size` pixels from `offset` that remain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    /// The number of pixels of the source.
    pub(crate) length: usize,
    /// The number of pixels of the whole source after scaling.
    pub(crate) scaled: usize,
    /// The first pixel that remains.
    pub(crate) offset: usize,
    /// The number of pixels of the result.
    pub(crate) size: usize,
}

impl Axis {
    /// Whether the result equals the source.
    pub(crate) fn is_identity(&self) -> bool {
        self.length == self.scaled && self.scaled == self.size
    }
}

/// The first source pixel and the weights of each pixel of the result. The weights sum to 1.
struct Taps {
    first: Vec<usize>,
    weights: Vec<Vec<f32>>,
}

impl Taps {
    fn new(axis: Axis, filter: Filter) -> Self {
        let scale = axis.length as f64 / axis.scaled as f64;
        // Shrinking widens the kernel, which prevents aliasing.
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
                // Without the ends that add nothing, an axis that does not change copies its pixels exactly.
                let adds = |w: &f64| w.abs() > 1e-9 * sum;
                let start = raw.iter().position(adds).unwrap_or(0);
                let end = raw.iter().rposition(adds).unwrap_or(0) + 1;
                (from + start, raw[start..end].iter().map(|w| (w / sum) as f32).collect())
            })
            .unzip();
        Self { first, weights }
    }

    /// The range of source pixels that have a weight.
    fn span(&self) -> Range<usize> {
        let ends = self.first.iter().zip(&self.weights).map(|(first, weights)| first + weights.len());
        self.first.iter().copied().min().unwrap_or(0)..ends.max().unwrap_or(0)
    }
}

/// Scales pictures `[B, H, W, 3]`, `size` = (H, W) by the axes, to `[B, y.size, x.size, 3]`.
///
/// # Errors
/// There is not enough memory.
pub(crate) fn resample(source: &[f32], y: Axis, x: Axis, filter: Filter) -> Result<Vec<f32>> {
    let (rows, columns) = (Taps::new(y, filter), Taps::new(x, filter));
    let span = rows.span();
    let mut out = zeros::<f32>(source.len() / (y.length * x.length) * y.size * x.size)?;
    // The pass with the smaller intermediate result comes first.
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
    // A weight for each channel of a pixel, so that the sum runs over plain slices.
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

/// Limits the values to 0..1 or to the range of the source, whichever is wider, as Lanczos overshoots at edges.
fn limit_overshoot(source: &[f32], out: &mut [f32]) {
    let (low, high) = source
        .par_chunks(PIECE)
        .map(|values| values.iter().fold((0.0f32, 1.0f32), |(low, high), v| (low.min(*v), high.max(*v))))
        .reduce(|| (0.0, 1.0), |a, b| (a.0.min(b.0), a.1.max(b.1)));
    pieces(out, PIECE, &|_, piece| piece.iter_mut().for_each(|v| *v = v.clamp(low, high)));
}
