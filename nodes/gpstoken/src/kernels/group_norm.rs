//! Group normalisation with SiLU, on maps `[height, width, channels]`. One pass over the map computes the statistics. The next
//! convolution applies the normalisation while it reads the pixels.

use super::{
    cpu::{Level, for_each_level, fused},
    lanes::{LANES, silu},
};
use rayon::prelude::*;
use std::ops::Range;

pub(super) const EPSILON: f64 = 1e-6;

/// The area of the statistics: where mean and deviation come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistics {
    /// A group's statistics over the whole picture: `(x - mean) / sqrt(variance + epsilon)`.
    Picture,
    /// A group's statistics over each tile of a `[columns, rows]` grid: `(x - mean) / (deviation + epsilon)`. They are interpolated
    /// between the centres of the tiles, so that a picture of several tiles is normalised without seams (paper, section 3.4).
    Tiles([usize; 2]),
}

/// Mean and deviation of each channel of a map, by the tile of the statistics.
#[derive(Debug)]
pub struct Moments {
    pub(super) statistics: Statistics,
    pub(super) grid: [usize; 2],
    /// Mean and deviation of each channel in each tile, `[rows, columns, channels]`. The deviations of a single tile include the epsilon.
    pub(super) means: Vec<f32>,
    pub(super) deviations: Vec<f32>,
}

impl Moments {
    /// Computes the moments of a map `[height, width, channels]`.
    pub fn of(level: Level, map: &[f32], size: [usize; 2], channels: usize, statistics: Statistics) -> Self {
        let grid = if let Statistics::Tiles(grid) = statistics { grid } else { [1, 1] };
        let sums = sums(level, &map[..size[0] * size[1] * channels], size, channels, grid);
        let groups = greatest_common_divisor(32, channels);
        let members = channels / groups.max(1);
        let pixels = (size[0] / grid[1] * (size[1] / grid[0]) * members) as f64;
        let (mut means, mut deviations) = (Vec::with_capacity(sums.len()), Vec::with_capacity(sums.len()));
        for group in sums.chunks_exact(members.max(1)) {
            let mean = group.iter().map(|[sum, _]| sum).sum::<f64>() / pixels;
            let variance = (group.iter().map(|[_, squares]| squares).sum::<f64>() / pixels - mean * mean).max(0.0);
            let deviation = match statistics {
                Statistics::Picture => (variance + EPSILON).sqrt(),
                Statistics::Tiles(_) => variance.sqrt(),
            };
            means.extend(vec![mean as f32; members]);
            deviations.extend(vec![deviation as f32; members]);
        }
        if statistics == Statistics::Tiles([1, 1]) {
            deviations.iter_mut().for_each(|deviation| *deviation += EPSILON as f32);
        }
        Self { statistics, grid, means, deviations }
    }
}

/// The normalisation of a map's pixels: `(x - mean) / deviation * scale + shift`.
pub struct Normalisation<'a> {
    pub(super) level: Level,
    pub(super) map: &'a [f32],
    pub(super) size: [usize; 2],
    pub(super) channels: usize,
    pub(super) scale: &'a [f32],
    pub(super) shift: &'a [f32],
    pub(super) moments: &'a Moments,
    /// Scale over deviation, for a single tile.
    pub(super) factors: Vec<f32>,
}

impl<'a> Normalisation<'a> {
    /// The normalisation of a map `[height, width, channels]` with its moments. `parameters` are the scale and the shift of each channel.
    pub fn new(
        level: Level,
        map: &'a [f32],
        size: [usize; 2],
        [scale, shift]: [&'a [f32]; 2],
        moments: &'a Moments,
    ) -> Self {
        let channels = scale.len();
        let map = &map[..size[0] * size[1] * channels];
        let factors = factors(scale, &moments.deviations, 0.0);
        Self { level, map, size, channels, scale, shift, moments, factors }
    }

    /// Writes normalised pixels of a row, `[columns, channels]`. Applies SiLU too if `with_silu`.
    pub fn read(&self, y: usize, columns: Range<usize>, with_silu: bool, out: &mut [f32]) {
        let (channels, width) = (self.channels, self.size[1]);
        let pixels = &self.map[(y * width + columns.start) * channels..(y * width + columns.end) * channels];
        if self.moments.grid == [1, 1] {
            return apply(self.level, pixels, [&self.moments.means, &self.factors, self.shift], with_silu, out);
        }
        let mut each = pixels.chunks_exact(channels).zip(out.chunks_exact_mut(channels));
        self.each_pixel(y, columns, |_, means, deviations| {
            let Some((pixel, out)) = each.next() else { return };
            let factors = factors(self.scale, deviations, EPSILON as f32);
            apply(self.level, pixel, [means, &factors, self.shift], with_silu, out);
        });
    }

    /// Calls `f` with the column, the means and the deviations of each pixel of a row, interpolated between the tiles.
    pub(super) fn each_pixel(&self, y: usize, columns: Range<usize>, mut f: impl FnMut(usize, &[f32], &[f32])) {
        let (channels, [height, width], [across, down]) = (self.channels, self.size, self.moments.grid);
        let line = across * channels;
        let mut of_row = [vec![0.0; line], vec![0.0; line]];
        for (tile, weight) in taps(y, height, down) {
            for (to, from) in of_row.iter_mut().zip([&self.moments.means, &self.moments.deviations]) {
                to.iter_mut().zip(&from[tile * line..][..line]).for_each(|(to, from)| *to += weight * from);
            }
        }
        let mut of_pixel = [vec![0.0; channels], vec![0.0; channels]];
        for x in columns {
            for (to, from) in of_pixel.iter_mut().zip(&of_row) {
                to.fill(0.0);
                for (tile, weight) in taps(x, width, across) {
                    let from = &from[tile * channels..][..channels];
                    to.iter_mut().zip(from).for_each(|(to, from)| *to += weight * from);
                }
            }
            let [means, deviations] = &of_pixel;
            f(x, means, deviations);
        }
    }
}

fn factors(scale: &[f32], deviations: &[f32], epsilon: f32) -> Vec<f32> {
    scale.iter().zip(deviations).map(|(scale, deviation)| scale / (deviation + epsilon)).collect()
}

pub(crate) fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// The values and weights that make up value `i` in the bicubic enlargement of a row from `from` to `to` values, with a = -0.75 and
/// repeated outer values.
pub(crate) fn taps(i: usize, to: usize, from: usize) -> [(usize, f32); 4] {
    const A: f64 = -0.75;
    let near = |t: f64| ((A + 2.0) * t - (A + 3.0)) * t * t + 1.0;
    let far = |t: f64| ((A * t - 5.0 * A) * t + 8.0 * A) * t - 4.0 * A;
    let at = (i as f64 + 0.5) * from as f64 / to as f64 - 0.5;
    let t = at - at.floor();
    [(-1.0, far(t + 1.0)), (0.0, near(t)), (1.0, near(1.0 - t)), (2.0, far(2.0 - t))].map(|(offset, weight)| {
        let index = (at.floor() + offset).clamp(0.0, (from - 1) as f64) as usize;
        (index, weight as f32)
    })
}

/// Sum and sum of squares of each channel in each tile of the grid, `[rows, columns, channels]`.
fn sums(level: Level, map: &[f32], [height, width]: [usize; 2], channels: usize, grid: [usize; 2]) -> Vec<[f64; 2]> {
    let [across, down] = grid;
    let line = across * channels;
    let mut of_rows = vec![[0.0; 2]; height * line];
    let pixels = width / across * channels;
    let rows = map.par_chunks(width * channels).zip(of_rows.par_chunks_mut(line));
    rows.for_each(|(row, sums)| {
        for (pixels, sums) in row.chunks_exact(pixels).zip(sums.chunks_exact_mut(channels)) {
            add_up(level, pixels, sums);
        }
    });
    let mut sums = vec![[0.0; 2]; down * line];
    for (y, row) in of_rows.chunks_exact(line).enumerate() {
        let sums = &mut sums[y / (height / down) * line..][..line];
        for (to, from) in sums.iter_mut().zip(row) {
            to[0] += from[0];
            to[1] += from[1];
        }
    }
    sums
}

for_each_level! {
    /// Sum and sum of squares of each channel of `pixels` `[count, channels]`, in f64. In f64 the squares of f32 numbers are exact, so
    /// the variance can be computed from the sums.
    fn add_up(pixels: &[f32], sums: &mut [[f64; 2]]) => add_up_at
}

#[inline(always)]
fn add_up_at<const L: u8>(pixels: &[f32], sums: &mut [[f64; 2]]) {
    /// Number of channels whose sums fit into the registers.
    const WIDTH: usize = 2 * LANES;
    let channels = sums.len();
    for (first, sums) in (0..channels).step_by(WIDTH).zip(sums.chunks_mut(WIDTH)) {
        let (mut total, mut squares) = ([0.0f64; WIDTH], [0.0f64; WIDTH]);
        if sums.len() == WIDTH {
            for pixel in pixels.chunks_exact(channels) {
                let pixel = &pixel[first..first + WIDTH];
                for i in 0..WIDTH {
                    let value = f64::from(pixel[i]);
                    total[i] += value;
                    squares[i] = if fused(L) { value.mul_add(value, squares[i]) } else { value * value + squares[i] };
                }
            }
        } else {
            for pixel in pixels.chunks_exact(channels) {
                for (i, value) in pixel[first..].iter().enumerate() {
                    total[i] += f64::from(*value);
                    squares[i] += f64::from(*value) * f64::from(*value);
                }
            }
        }
        for ((sum, total), squares) in sums.iter_mut().zip(total).zip(squares) {
            *sum = [total, squares];
        }
    }
}

for_each_level! {
    /// Computes `(x - mean) * factor + shift` for each channel of `pixels` `[count, channels]`, then SiLU if `with_silu`.
    fn apply(pixels: &[f32], parameters: [&[f32]; 3], with_silu: bool, out: &mut [f32]) => apply_at
}

#[expect(clippy::needless_range_loop, reason = "the compiler turns plain indices into vector instructions")]
#[inline(always)]
fn apply_at<const L: u8>(pixels: &[f32], [means, factors, shifts]: [&[f32]; 3], with_silu: bool, out: &mut [f32]) {
    let channels = means.len();
    let (factors, shifts) = (&factors[..channels], &shifts[..channels]);
    for (pixel, out) in pixels.chunks_exact(channels).zip(out.chunks_exact_mut(channels)) {
        let normalised = |c: usize| (pixel[c] - means[c]) * factors[c] + shifts[c];
        if with_silu {
            for c in 0..channels {
                out[c] = silu::<L>(normalised(c));
            }
        } else {
            for c in 0..channels {
                out[c] = normalised(c);
            }
        }
    }
}
