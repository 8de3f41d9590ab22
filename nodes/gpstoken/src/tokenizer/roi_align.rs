//! RoIAlign: samples a feature map in the regions of a layout. Each bin has as many samples as pixels, and the boxes are shifted by half
//! a pixel ("aligned").
//!
//! The bilinear weights, the mean over a bin's samples, and the rule for samples outside the map are products of a factor for x and a
//! factor for y. So the code reduces a box along its rows first and then along its columns.

use rayon::prelude::*;

/// A tile of a feature map. The map may have more tiles.
#[derive(Clone, Copy)]
pub struct FeatureTile<'a> {
    /// `[C, rows, columns]` of the whole map.
    pub values: &'a [f32],
    /// Columns and rows of the whole map.
    pub size: [usize; 2],
    /// Column and row of the tile's first pixel.
    pub start: [usize; 2],
    /// Columns and rows of the tile.
    pub tile: [usize; 2],
}

/// The weights of a bin for the pixels along an axis.
pub(crate) struct Bin {
    pub(crate) first: usize,
    pub(crate) weights: Vec<f32>,
}

/// Samples `channels` of the map in boxes `(x0, y0, x1, y1)`, in pixels of the tile. Returns `[N, C, bins * bins]`, with the bins row by
/// row. Boxes without an area and places more than a pixel outside the tile give zeros.
pub fn roi_align(map: FeatureTile<'_>, channels: usize, boxes: &[[f32; 4]], bins: usize) -> Vec<f32> {
    let mut sampled = vec![0.0; boxes.len() * channels * bins * bins];
    if sampled.is_empty() {
        return sampled;
    }
    sampled.par_chunks_mut(channels * bins * bins).zip(boxes).for_each(|(sampled, &[x0, y0, x1, y1])| {
        let across = axis(x0, x1, map.tile[0], bins);
        let down = axis(y0, y1, map.tile[1], bins);
        let rows = down.iter().filter(|bin| !bin.weights.is_empty());
        let Some(first) = rows.clone().map(|bin| bin.first).min() else { return };
        let end = rows.map(|bin| bin.first + bin.weights.len()).max().unwrap_or(first);
        let mut reduced = vec![0.0; (end - first) * bins];
        for (channel, sampled) in sampled.chunks_exact_mut(bins * bins).enumerate() {
            for (y, reduced) in (first..end).zip(reduced.chunks_exact_mut(bins)) {
                let at = (channel * map.size[1] + map.start[1] + y) * map.size[0] + map.start[0];
                let row = &map.values[at..at + map.tile[0]];
                for (value, bin) in reduced.iter_mut().zip(&across) {
                    *value = bin.weights.iter().zip(&row[bin.first..]).map(|(w, v)| w * v).sum();
                }
            }
            for (sampled, bin) in sampled.chunks_exact_mut(bins).zip(&down) {
                for (weight, row) in
                    bin.weights.iter().zip(reduced[(bin.first.max(first) - first) * bins..].chunks_exact(bins))
                {
                    for (sampled, value) in sampled.iter_mut().zip(row) {
                        *sampled += weight * value;
                    }
                }
            }
        }
    });
    sampled
}

/// The weights of each bin along an axis of `side` pixels, for a box from `start` to `end`. Computes coordinates in f32, in the order of
/// operations of torchvision's code.
pub(crate) fn axis(start: f32, end: f32, side: usize, bins: usize) -> Vec<Bin> {
    let (start, end) = (start - 0.5, end - 0.5);
    let size = end - start;
    let step = size / bins as f32;
    let samples = step.ceil().clamp(0.0, 65_536.0);
    let bin = |bin: usize| {
        let mut taps: Vec<(usize, f32)> = Vec::new();
        for sample in 0..samples as usize {
            let at = start + bin as f32 * step + (sample as f32 + 0.5) * step / samples;
            if !(-1.0..=side as f32).contains(&at) {
                continue;
            }
            let at = at.max(0.0);
            let low = (at as usize).min(side - 1);
            let fraction = if low == side - 1 { 0.0 } else { at - low as f32 };
            taps.extend([(low, 1.0 - fraction), ((low + 1).min(side - 1), fraction)]);
        }
        let first = taps.iter().map(|tap| tap.0).min().unwrap_or(0);
        let length = taps.iter().map(|tap| tap.0 + 1 - first).max().unwrap_or(0);
        let mut weights = vec![0.0; length];
        for (pixel, weight) in taps {
            weights[pixel - first] += weight / samples;
        }
        Bin { first, weights }
    };
    (0..bins).map(bin).collect()
}
