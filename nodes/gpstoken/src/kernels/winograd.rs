//! Winograd's F(4x4, 3x3): sixteen outputs of a 3x3 convolution from 36 multiplications for each channel instead of 144.
//!
//! The method transforms pieces of 6x6 pixels and the 3x3 weights to another basis, multiplies them there place by place, and transforms
//! the results back. The multiplication is a matrix product over the channels for each of the 36 places (Lavin and Gray,
//! arXiv:1509.09308).

use super::{
    cpu::{Level, for_each_level},
    lanes::{Aligned, LANES, Lanes, add, add_times, load, store, subtract, times},
    product::PANEL,
};
use rayon::prelude::*;

/// Number of a tile's outputs along an axis.
pub(super) const OUTPUTS: usize = 4;
/// Number of pixels that a tile's outputs depend on, and number of places in the other basis, along an axis.
pub(super) const PLACES: usize = 6;

/// Whether a place is zero for a map in which every pixel appears twice along both axes, starting with the even pixels. The third row
/// of the input's transform is `4 d1 - 4 d2 - d3 + d4`.
pub(super) fn vanishes_when_doubled(place: usize) -> bool {
    place / PLACES == 2 || place % PLACES == 2
}

/// The distance between two places of transformed weights; see [`Layout::place`].
pub(super) fn weights_place(inputs: usize) -> usize {
    inputs * PANEL + LANES
}

/// Length of the transformed weights.
pub(super) fn weights_length(outputs: usize, inputs: usize) -> usize {
    outputs.div_ceil(PANEL) * PLACES * PLACES * weights_place(inputs)
}

/// Transforms weights `[outputs, inputs, 3, 3]` to panels `[outputs / PANEL, 36, inputs, PANEL]`.
pub(super) fn transform_weights(level: Level, weights: &[f32], outputs: usize, inputs: usize, transformed: &mut [f32]) {
    let length = PLACES * PLACES * weights_place(inputs);
    let transformed = &mut transformed[..weights_length(outputs, inputs)];
    transformed.par_chunks_mut(length).enumerate().for_each(|(panel, transformed)| {
        let first = panel * PANEL;
        let count = PANEL.min(outputs - first);
        let weights = &weights[first * inputs * 9..(first + count) * inputs * 9];
        transform_panel(level, weights, inputs, transformed);
    });
}

for_each_level! {
    fn transform_panel(weights: &[f32], inputs: usize, transformed: &mut [f32]) => transform_panel_at
}

#[inline(always)]
fn transform_panel_at<const L: u8>(weights: &[f32], inputs: usize, transformed: &mut [f32]) {
    /// The number of inputs whose weights are gathered at a time, output by output. The weights of all outputs for a single input are so
    /// far apart that they share a few lines of the cache. Measured on one busy core for 512 to 512 channels: 12 ms input by input, 7 ms
    /// by sixteen.
    const TOGETHER: usize = 16;
    let mut gathered = [[[0.0; PANEL]; 9]; TOGETHER];
    for first in (0..inputs).step_by(TOGETHER) {
        let count = TOGETHER.min(inputs - first);
        for (output, all) in weights.chunks_exact(inputs * 9).enumerate() {
            let all = all[first * 9..(first + count) * 9].as_chunks::<9>().0;
            for (taps, all) in gathered.iter_mut().zip(all) {
                for tap in 0..9 {
                    taps[tap][output] = all[tap];
                }
            }
        }
        for (input, taps) in (first..).zip(&gathered[..count]) {
            transform_input::<L>(taps, inputs, input, transformed);
        }
    }
}

/// Transforms the weights of an input, `[9, PANEL]`.
#[expect(clippy::needless_range_loop, reason = "the compiler turns plain indices into vector instructions")]
#[inline(always)]
fn transform_input<const L: u8>(taps: &[[f32; PANEL]; 9], inputs: usize, input: usize, transformed: &mut [f32]) {
    let mut columns = Aligned([[[0.0; LANES]; 3]; PLACES]);
    for half in (0..PANEL).step_by(LANES) {
        for x in 0..3 {
            let column = spread::<L>([load(&taps[x][half..]), load(&taps[3 + x][half..]), load(&taps[6 + x][half..])]);
            for y in 0..PLACES {
                columns.0[y][x] = column[y];
            }
        }
        for y in 0..PLACES {
            let line = spread::<L>(columns.0[y]);
            for x in 0..PLACES {
                store(line[x], &mut transformed[(y * PLACES + x) * weights_place(inputs) + input * PANEL + half..]);
            }
        }
    }
}

/// Transforms three weights along an axis to six places.
#[inline(always)]
fn spread<const L: u8>([a, b, c]: [Lanes; 3]) -> [Lanes; PLACES] {
    const SIXTH: f32 = 1.0 / 6.0;
    const TWELFTH: f32 = 1.0 / 12.0;
    const TWENTY_FOURTH: f32 = 1.0 / 24.0;
    let ends = times::<L>(-SIXTH, add::<L>(a, c));
    let near = add_times::<L>(times::<L>(SIXTH, c), TWENTY_FOURTH, a);
    [
        times::<L>(0.25, a),
        add_times::<L>(ends, -SIXTH, b),
        add_times::<L>(ends, SIXTH, b),
        add_times::<L>(near, TWELFTH, b),
        add_times::<L>(near, -TWELFTH, b),
        c,
    ]
}

/// Transforms six pixels along an axis to six places.
#[inline(always)]
fn analyse<const L: u8>([d0, d1, d2, d3, d4, d5]: [Lanes; PLACES]) -> [Lanes; PLACES] {
    let even = add_times::<L>(d4, -4.0, d2);
    let odd = add_times::<L>(d3, -4.0, d1);
    let even_far = subtract::<L>(d4, d2);
    let odd_far = subtract::<L>(d3, d1);
    [
        add_times::<L>(add_times::<L>(d4, -5.0, d2), 4.0, d0),
        add::<L>(even, odd),
        subtract::<L>(even, odd),
        add_times::<L>(even_far, 2.0, odd_far),
        add_times::<L>(even_far, -2.0, odd_far),
        add_times::<L>(add_times::<L>(d5, -5.0, d3), 4.0, d1),
    ]
}

/// Transforms six places along an axis to four outputs.
#[inline(always)]
fn synthesise<const L: u8>([m0, m1, m2, m3, m4, m5]: [Lanes; PLACES]) -> [Lanes; OUTPUTS] {
    let (near, near_odd) = (add::<L>(m1, m2), subtract::<L>(m1, m2));
    let (far, far_odd) = (add::<L>(m3, m4), subtract::<L>(m3, m4));
    [
        add::<L>(add::<L>(m0, near), far),
        add_times::<L>(near_odd, 2.0, far_odd),
        add_times::<L>(near, 4.0, far),
        add::<L>(add_times::<L>(near_odd, 8.0, far_odd), m5),
    ]
}

/// Transforms six places along an axis to the sums of the first and of the last two outputs. The third place has no part in them, as in
/// [`vanishes_when_doubled`].
#[inline(always)]
fn synthesise_sums<const L: u8>([m0, m1, _, m3, m4, m5]: [Lanes; PLACES]) -> [Lanes; 2] {
    let near = times::<L>(2.0, m1);
    [
        add_times::<L>(subtract::<L>(add::<L>(m0, near), m4), 3.0, m3),
        add_times::<L>(add_times::<L>(add::<L>(near, m5), 12.0, m3), -4.0, m4),
    ]
}

/// Transformed pixels or products: `[36, tiles, channels]`, where `channels` is a multiple of [`LANES`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) tiles: usize,
    pub(super) channels: usize,
}

impl Layout {
    /// The distance between two places: one cache line more than needed, because places whose distance is a power of two would share a
    /// few lines of the cache.
    pub(super) fn place(self) -> usize {
        self.tiles * self.channels + LANES
    }

    pub(super) fn length(self) -> usize {
        PLACES * PLACES * self.place()
    }
}

for_each_level! {
    /// Transforms a row of tiles into `places`, beginning at the tile `first`. `pixels` are `[6, row / channels, channels]`, with rows at
    /// a distance of `row` numbers.
    pub(super) fn analyse_tiles(pixels: &[f32], row: usize, count: usize, layout: Layout, first: usize, places: &mut [f32]) => analyse_tiles_at
}

#[expect(clippy::needless_range_loop, reason = "the compiler turns plain indices into vector instructions")]
#[inline(always)]
fn analyse_tiles_at<const L: u8>(
    pixels: &[f32],
    row: usize,
    count: usize,
    layout: Layout,
    first: usize,
    places: &mut [f32],
) {
    let channels = layout.channels;
    // Outside the loops, because to fill it with zeros is a call.
    let mut columns = Aligned([[[0.0; LANES]; PLACES]; PLACES]);
    for tile in 0..count {
        for channel in (0..channels).step_by(LANES) {
            for x in 0..PLACES {
                let pixels = &pixels[(tile * OUTPUTS + x) * channels + channel..];
                let mut column = [[0.0; LANES]; PLACES];
                for y in 0..PLACES {
                    column[y] = load(&pixels[y * row..]);
                }
                let column = analyse::<L>(column);
                for y in 0..PLACES {
                    columns.0[y][x] = column[y];
                }
            }
            let start = (first + tile) * channels + channel;
            for y in 0..PLACES {
                let line = analyse::<L>(columns.0[y]);
                for x in 0..PLACES {
                    store(line[x], &mut places[(y * PLACES + x) * layout.place() + start..]);
                }
            }
        }
    }
}

/// The target of a row of tiles: lines of pixels, `[4 or fewer, width, channels]`.
pub(super) struct Lines<'a> {
    pub(super) values: &'a mut [f32],
    /// Number of pixels in a line.
    pub(super) width: usize,
    /// The first tile's column.
    pub(super) start: usize,
    pub(super) bias: &'a [f32],
    /// Whether to add the outputs to the target's numbers instead of replacing them.
    pub(super) add: bool,
}

for_each_level! {
    /// Transforms a row of tiles, beginning at the tile `first`, back to pixels and adds the bias.
    pub(super) fn synthesise_tiles(places: &[f32], layout: Layout, first: usize, count: usize, lines: Lines<'_>) => synthesise_tiles_at
}

#[expect(clippy::needless_range_loop, reason = "the compiler turns plain indices into vector instructions")]
#[inline(always)]
fn synthesise_tiles_at<const L: u8>(places: &[f32], layout: Layout, first: usize, count: usize, lines: Lines<'_>) {
    let Lines { values, width, start, bias, add: adds } = lines;
    let channels = bias.len();
    let mut columns = Aligned([[[0.0; LANES]; PLACES]; OUTPUTS]); // as above
    for tile in 0..count {
        let column = (start + tile) * OUTPUTS;
        let inside = OUTPUTS.min(width - column);
        for channel in (0..channels).step_by(LANES) {
            let from = (first + tile) * layout.channels + channel;
            for x in 0..PLACES {
                let mut column = [[0.0; LANES]; PLACES];
                for y in 0..PLACES {
                    column[y] = load(&places[(y * PLACES + x) * layout.place() + from..]);
                }
                let column = synthesise::<L>(column);
                for y in 0..OUTPUTS {
                    columns.0[y][x] = column[y];
                }
            }
            let used = LANES.min(channels - channel);
            let mut shift = [0.0; LANES];
            shift[..used].copy_from_slice(&bias[channel..channel + used]);
            for (y, line) in values.chunks_exact_mut(width * channels).enumerate() {
                let outputs = synthesise::<L>(columns.0[y]);
                for x in 0..inside {
                    let value = add::<L>(outputs[x], shift);
                    let to = &mut line[(column + x) * channels + channel..][..used];
                    if used < LANES {
                        for (to, v) in to.iter_mut().zip(value) {
                            *to = if adds { *to + v } else { v };
                        }
                    } else if adds {
                        store(add::<L>(load(to), value), to);
                    } else {
                        store(value, to);
                    }
                }
            }
        }
    }
}

for_each_level! {
    /// Transforms a row of tiles, beginning at the tile `first`, back to the sums of 2x2 outputs. Writes them to `lines` `[2 or fewer, width,
    /// channels]`, from the tile of the column `2 start` on.
    pub(super) fn synthesise_halved_tiles(places: &[f32], layout: Layout, tiles: [usize; 3], shape: [usize; 2], lines: &mut [f32]) => synthesise_halved_tiles_at
}

#[expect(clippy::needless_range_loop, reason = "the compiler turns plain indices into vector instructions")]
#[inline(always)]
fn synthesise_halved_tiles_at<const L: u8>(
    places: &[f32],
    layout: Layout,
    [first, start, count]: [usize; 3],
    [width, channels]: [usize; 2],
    lines: &mut [f32],
) {
    const SUMS: usize = OUTPUTS / 2;
    let mut columns = Aligned([[[0.0; LANES]; PLACES]; SUMS]); // as above
    for tile in 0..count {
        let column = (start + tile) * SUMS;
        let inside = SUMS.min(width - column);
        for channel in (0..channels).step_by(LANES) {
            let from = (first + tile) * layout.channels + channel;
            for x in (0..PLACES).filter(|x| *x != 2) {
                let mut column = [[0.0; LANES]; PLACES];
                for y in (0..PLACES).filter(|y| *y != 2) {
                    column[y] = load(&places[(y * PLACES + x) * layout.place() + from..]);
                }
                let column = synthesise_sums::<L>(column);
                for y in 0..SUMS {
                    columns.0[y][x] = column[y];
                }
            }
            let used = LANES.min(channels - channel);
            for (y, line) in lines.chunks_exact_mut(width * channels).enumerate() {
                let sums = synthesise_sums::<L>(columns.0[y]);
                for x in 0..inside {
                    line[(column + x) * channels + channel..][..used].copy_from_slice(&sums[x][..used]);
                }
            }
        }
    }
}
