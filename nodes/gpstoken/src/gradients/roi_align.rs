//! RoIAlign on a tape; see [`roi_align`](crate::tokenizer::roi_align).

use super::{Gradients, Tape, Value};
use crate::tokenizer::roi_align::{Bin, axis};
use rayon::prelude::*;
use std::ops::Range;

/// The bins of a region along both axes.
struct Region {
    across: Vec<Bin>,
    down: Vec<Bin>,
}

/// The number of rows of a map that a thread works on at a time.
const ROWS: usize = 16;

impl Region {
    fn new([x0, y0, x1, y1]: [f32; 4], [height, width]: [usize; 2], bins: usize) -> Self {
        Self { across: axis(x0, x1, width, bins), down: axis(y0, y1, height, bins) }
    }

    /// The rows that have a part in a bin.
    fn rows(&self) -> Range<usize> {
        let bins = self.down.iter().filter(|bin| !bin.weights.is_empty());
        let first = bins.clone().map(|bin| bin.first).min().unwrap_or(0);
        first..bins.map(|bin| bin.first + bin.weights.len()).max().unwrap_or(first)
    }

    /// Each bin along y with its weight for the row.
    fn weights_of_row(&self, row: usize) -> impl Iterator<Item = (usize, f32)> {
        let weight = move |(index, bin): (usize, &Bin)| {
            let weight = bin.weights.get(row.checked_sub(bin.first)?)?;
            Some((index, *weight))
        };
        self.down.iter().enumerate().filter_map(weight)
    }
}

impl<'a> Tape<'a> {
    /// Samples a map `[H, W, C]` in boxes `(x0, y0, x1, y1)`, in pixels. The result is a map of the size `[N, C]` with `bins * bins`
    /// channels, row by row.
    pub fn roi_align(&mut self, x: &Value<'a>, boxes: &[[f32; 4]], bins: usize) -> Value<'a> {
        let host = self.host();
        let (channels, size) = (x.channels(), x.size());
        let mut out = host.map([boxes.len(), channels], bins * bins);
        let regions: Vec<Region> = boxes.iter().map(|corners| Region::new(*corners, size, bins)).collect();
        let (line, map) = (size[1] * channels, x.values());
        out.values_mut().par_chunks_mut((channels * bins * bins).max(1)).zip(&regions).for_each(|(out, region)| {
            let mut sums = vec![0.0; bins * bins * channels]; // [bins, bins, C]
            let mut reduced = vec![0.0; bins * channels]; // a row's bins, [bins, C]
            for row in region.rows() {
                let pixels = &map[row * line..][..line];
                reduced.fill(0.0);
                for (bin, reduced) in region.across.iter().zip(reduced.chunks_exact_mut(channels)) {
                    for (weight, pixel) in bin.weights.iter().zip(pixels[bin.first * channels..].chunks_exact(channels))
                    {
                        add_times(reduced, *weight, pixel);
                    }
                }
                for (index, weight) in region.weights_of_row(row) {
                    add_times(&mut sums[index * bins * channels..][..bins * channels], weight, &reduced);
                }
            }
            for (bin, sums) in sums.chunks_exact(channels).enumerate() {
                sums.iter().zip(out[bin..].iter_mut().step_by(bins * bins)).for_each(|(sum, out)| *out = *sum);
            }
        });
        let from = x.clone();
        self.push(out, &[x], false, move |gradients: &mut Gradients<'a>, gradient| {
            let [height, _] = size;
            // [N, bins, bins, C], so that the channels are adjacent as in the map
            let length = channels * bins * bins;
            let mut by_bin = host.workspace.take(regions.len() * length);
            let turned = by_bin[..regions.len() * length].par_chunks_mut(length.max(1));
            turned.zip(gradient.values().par_chunks(length.max(1))).for_each(|(to, from)| {
                for (bin, to) in to.chunks_exact_mut(channels).enumerate() {
                    to.iter_mut().zip(from[bin..].iter().step_by(bins * bins)).for_each(|(to, v)| *to = *v);
                }
            });
            let mut back = host.map([height, size[1]], channels);
            back.values_mut().par_chunks_mut((ROWS * line).max(1)).enumerate().for_each(|(band, back)| {
                back.fill(0.0);
                let rows = band * ROWS..band * ROWS + back.len() / line;
                let mut of_row = vec![0.0; bins * channels];
                for (region, gradient) in regions.iter().zip(by_bin.chunks_exact(length)) {
                    let reached = region.rows();
                    for row in reached.start.max(rows.start)..reached.end.min(rows.end) {
                        of_row.fill(0.0);
                        for (index, weight) in region.weights_of_row(row) {
                            add_times(&mut of_row, weight, &gradient[index * bins * channels..][..bins * channels]);
                        }
                        let pixels = &mut back[(row - rows.start) * line..][..line];
                        for (bin, of_bin) in region.across.iter().zip(of_row.chunks_exact(channels)) {
                            let pixels = pixels[bin.first * channels..].chunks_exact_mut(channels);
                            bin.weights
                                .iter()
                                .zip(pixels)
                                .for_each(|(weight, pixel)| add_times(pixel, *weight, of_bin));
                        }
                    }
                }
            });
            host.workspace.put(by_bin);
            host.put(gradient);
            gradients.add(&from, back);
        })
    }
}

fn add_times(to: &mut [f32], weight: f32, from: &[f32]) {
    to.iter_mut().zip(from).for_each(|(to, v)| *to += weight * v);
}
