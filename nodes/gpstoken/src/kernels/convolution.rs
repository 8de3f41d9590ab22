//! Convolutions of maps `[height, width, channels]`. They keep the map's size and pad its border with zeros.

use super::{
    cpu::Level,
    lanes::LANES,
    leaky::{leak, leak_part},
    memory::Buffer,
    product::{PANEL, Rows, Target, linear, pack, panels_length, product},
    winograd::{
        Layout, Lines, OUTPUTS, PLACES, analyse_tiles, synthesise_halved_tiles, synthesise_tiles, transform_weights,
        vanishes_when_doubled, weights_length, weights_place,
    },
    workspace::Workspace,
};
use rayon::prelude::*;
use std::ops::Range;

/// The weights of a convolution in the checkpoint's layout.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a> {
    /// `[outputs, inputs, k, k]`
    pub weight: &'a [f32],
    /// `[outputs]`
    pub bias: &'a [f32],
    /// Channels of the input.
    pub inputs: usize,
}

/// Writes pixels of a row of a map: row, columns, `[columns, channels]`.
pub type Read<'a> = dyn Fn(usize, Range<usize>, &mut [f32]) + Sync + 'a;

/// The input of a convolution.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// Height and width, equal to those of the output.
    pub size: [usize; 2],
    /// Whether every pixel appears twice along both axes.
    pub doubled: bool,
    /// Writes pixels of the input into a buffer.
    pub read: &'a Read<'a>,
}

/// Reads a map's pixels without change.
pub fn read_plain(map: &[f32], width: usize, channels: usize) -> impl Fn(usize, Range<usize>, &mut [f32]) + Sync {
    move |y, columns, out| {
        out.copy_from_slice(&map[(y * width + columns.start) * channels..(y * width + columns.end) * channels]);
    }
}

/// Reads a map's pixels, each twice along both axes. `width` is the width of the small map.
pub fn read_doubled(map: &[f32], width: usize, channels: usize) -> impl Fn(usize, Range<usize>, &mut [f32]) + Sync {
    move |y, columns, out| {
        let row = &map[y / 2 * width * channels..][..width * channels];
        for (x, pixel) in columns.zip(out.chunks_exact_mut(channels)) {
            pixel.copy_from_slice(&row[x / 2 * channels..][..channels]);
        }
    }
}

/// Number of tiles that a thread works on at a time. With few tiles, their 36 places stay in the thread's cache; with many tiles, the
/// thread loads the weights less often. 32 and 64 tiles take 70 and 79 ms for 256 to 256 channels at 128x128, and 78 and 68 ms for
/// 512 channels at 64x64.
fn tiles(inputs: usize, outputs: usize) -> usize {
    if inputs.max(outputs) > 256 { 64 } else { 32 }
}

/// The most outputs for which nine products are faster than Winograd's method.
const FEW_OUTPUTS: usize = 8;

/// A 3x3 convolution: writes `[height, width, outputs]`, or adds to it.
///
/// For up to eight outputs the kernel computes nine products, one for each weight. For more outputs it uses Winograd's method, whose
/// transforms and panels are wasteful for few outputs. On one core of an EPYC 9004 a product reaches 94 to 114 GFLOP/s, which nine
/// products cannot exceed. Winograd's method reaches, in GFLOP/s of the direct form, 275 for 128 channels at 256x256, 285 for 512 at
/// 64x64, and 410 for 512 at 128x128 of a doubled map.
pub fn convolve(
    level: Level,
    weights: Weights<'_>,
    source: &Source<'_>,
    out: &mut [f32],
    add: bool,
    workspace: &Workspace,
) {
    if weights.bias.len() <= FEW_OUTPUTS {
        few_outputs(level, weights, source, out, add, workspace);
    } else {
        let then = if add { Then::Add } else { Then::Write };
        winograd(level, weights, &mut [(*source, out)], then, workspace);
    }
}

/// A 3x3 convolution, and the sums of 2x2 of its results: writes `[height / 2, width / 2, outputs]`. The bias is left out.
pub(super) fn convolve_halved(
    level: Level,
    weights: Weights<'_>,
    source: &Source<'_>,
    out: &mut [f32],
    workspace: &Workspace,
) {
    winograd(level, weights, &mut [(*source, out)], Then::Halve, workspace);
}

/// 3x3 convolutions of several maps with the same weights, which are transformed once, followed by ReLU. Each map has its target
/// `[height, width, outputs]`.
pub fn convolve_rectified(
    level: Level,
    weights: Weights<'_>,
    maps: &mut [(Source<'_>, &mut [f32])],
    workspace: &Workspace,
) {
    if weights.bias.len() > FEW_OUTPUTS {
        return winograd(level, weights, maps, Then::Rectify, workspace);
    }
    for (source, out) in maps {
        few_outputs(level, weights, source, out, false, workspace);
        leak(level, 0.0, out);
    }
}

/// The most tiles in a row of those that a thread works on at a time. A long row of tiles reads half of its pixels twice, as each row of
/// tiles needs two more rows of pixels.
const ACROSS: usize = 16;

/// The number of bands that keeps all threads of usual processors busy.
const FEW: usize = 8;

/// What Winograd's method does with its results.
#[derive(Clone, Copy, PartialEq)]
enum Then {
    /// Writes them.
    Write,
    /// Adds them to the target's numbers.
    Add,
    /// Writes sums of 2x2 of them.
    Halve,
    /// Writes ReLU of them.
    Rectify,
}

/// Transforms the weights, and convolves all maps into their targets.
fn winograd(
    level: Level,
    weights: Weights<'_>,
    maps: &mut [(Source<'_>, &mut [f32])],
    then: Then,
    workspace: &Workspace,
) {
    let Weights { weight, bias, inputs } = weights;
    let mut transformed = workspace.take(weights_length(bias.len(), inputs));
    transform_weights(level, weight, bias.len(), inputs, &mut transformed);
    let weights = Weights { weight: &transformed, bias, inputs };
    for (source, out) in maps {
        winograd_transformed(level, weights, source, out, then, workspace);
    }
    workspace.put(transformed);
}

/// Transforms weights `[outputs, inputs, 3, 3]` for [`convolve_transformed`]. They take four times the memory.
pub fn transformed(level: Level, weight: &[f32], outputs: usize, inputs: usize) -> Buffer {
    let mut transformed = Buffer::zeroed(weights_length(outputs, inputs));
    transform_weights(level, weight, outputs, inputs, &mut transformed);
    transformed
}

/// A 3x3 convolution as [`convolve`], with weights of [`transformed`] for many pictures.
pub fn convolve_transformed(
    level: Level,
    weights: Weights<'_>,
    source: &Source<'_>,
    out: &mut [f32],
    workspace: &Workspace,
) {
    winograd_transformed(level, weights, source, out, Then::Write, workspace);
}

fn winograd_transformed(
    level: Level,
    Weights { weight: transformed, bias, inputs }: Weights<'_>,
    source: &Source<'_>,
    out: &mut [f32],
    then: Then,
    workspace: &Workspace,
) {
    let (outputs, [height, width]) = (bias.len(), source.size);
    if height * width * outputs == 0 {
        return;
    }
    let across = width.div_ceil(OUTPUTS);
    let tiles = tiles(inputs, outputs);
    let segment = across.min(ACROSS);
    let rows = (tiles / segment).max(1);
    // The height of a tile's part of the target, and the width of the target.
    let (tall, wide) = if then == Then::Halve { (OUTPUTS / 2, width / 2) } else { (OUTPUTS, width) };
    let lines = rows * tall * wide * outputs;
    // A small map has too few bands for all threads. Then they share the places of a band.
    let least = if height.div_ceil(rows * OUTPUTS) < FEW { 1 } else { PLACES * PLACES };
    let (before, after) = (inputs.next_multiple_of(LANES), outputs.next_multiple_of(LANES));
    let row = (segment * OUTPUTS + 2) * before;
    let pixels_length = (rows * OUTPUTS + 2) * row;
    let layout = |tiles, channels| Layout { tiles, channels };
    let (most_in, most_out) = (layout(rows * segment, before).length(), layout(rows * segment, after).length());

    out[..height * tall / OUTPUTS * wide * outputs].par_chunks_mut(lines).enumerate().for_each(|(band, out)| {
        let mut scratch = workspace.take(pixels_length + most_in + most_out);
        let (pixels, rest) = scratch.split_at_mut(pixels_length);
        let (places, products) = rest.split_at_mut(most_in);
        let first_row = band * rows * OUTPUTS;
        let rows = (out.len() / (wide * outputs)).div_ceil(tall);
        for start in (0..across).step_by(segment) {
            let count = segment.min(across - start);
            let (read, written) = (layout(rows * count, before), layout(rows * count, after));
            let columns = OUTPUTS * count + 2;
            read_padded(
                source,
                inputs,
                [first_row, start * OUTPUTS],
                [rows * OUTPUTS + 2, columns],
                before,
                row,
                pixels,
            );
            for i in 0..rows {
                analyse_tiles(level, &pixels[i * OUTPUTS * row..], row, count, read, i * count, places);
            }
            let skips = source.doubled || then == Then::Halve;
            let of_places =
                products[..written.length()].par_chunks_mut(written.place()).with_min_len(least).enumerate();
            of_places.filter(|(place, _)| !(skips && vanishes_when_doubled(*place))).for_each(|(place, products)| {
                let values = &places[place * read.place()..][..read.tiles * before];
                for panel in 0..outputs.div_ceil(PANEL) {
                    let weights =
                        &transformed[(panel * PLACES * PLACES + place) * weights_place(inputs)..][..inputs * PANEL];
                    let rows = Rows { values, stride: before, count: read.tiles, inputs };
                    let first = panel * PANEL;
                    let target = Target {
                        values: &mut products[first..],
                        stride: after,
                        outputs: PANEL.min(outputs - first),
                        add: false,
                    };
                    product(level, rows, weights, target);
                }
            });
            if source.doubled {
                for place in (0..PLACES * PLACES).filter(|place| vanishes_when_doubled(*place)) {
                    products[place * written.place()..][..written.tiles * after].fill(0.0);
                }
            }
            for (i, values) in out.chunks_mut(tall * wide * outputs).enumerate() {
                if then == Then::Halve {
                    let tiles = [i * count, start, count];
                    synthesise_halved_tiles(level, products, written, tiles, [wide, outputs], values);
                } else {
                    let lines = Lines { values, width, start, bias, add: then == Then::Add };
                    synthesise_tiles(level, products, written, i * count, count, lines);
                }
            }
        }
        if then == Then::Rectify {
            leak_part(level, 0.0, out);
        }
        workspace.put(scratch);
    });
}

/// Reads `size` pixels, with zeros beyond the border. `start` is the second row and column. Writes rows at a distance of `row` numbers
/// and pixels at a distance of `stride` numbers.
pub(super) fn read_padded(
    source: &Source<'_>,
    channels: usize,
    [first_row, first_column]: [usize; 2],
    [rows, columns]: [usize; 2],
    stride: usize,
    row: usize,
    pixels: &mut [f32],
) {
    let [height, width] = source.size;
    let end = (first_column + columns - 1).min(width);
    let begin = first_column.saturating_sub(1);
    let skipped = usize::from(first_column == 0);
    for (i, line) in pixels.chunks_mut(row).take(rows).enumerate() {
        let line = &mut line[..columns * stride];
        if first_row + i == 0 || first_row + i > height {
            line.fill(0.0);
            continue;
        }
        let count = end - begin;
        let (left, rest) = line.split_at_mut(skipped * stride);
        let (middle, right) = rest.split_at_mut(count * stride);
        left.fill(0.0);
        right.fill(0.0);
        if stride == channels {
            (source.read)(first_row + i - 1, begin..end, middle);
            continue;
        }
        // Reads the pixels side by side, then moves them to their distance, from the last to the first.
        (source.read)(first_row + i - 1, begin..end, &mut middle[..count * channels]);
        for x in (0..count).rev() {
            middle.copy_within(x * channels..(x + 1) * channels, x * stride);
            middle[x * stride + channels..(x + 1) * stride].fill(0.0);
        }
    }
}

/// Computes nine products, one for each weight of the 3x3 kernel, and adds each to its outputs.
fn few_outputs(
    level: Level,
    weights: Weights<'_>,
    source: &Source<'_>,
    out: &mut [f32],
    add: bool,
    workspace: &Workspace,
) {
    /// Number of lines that a thread works on at a time.
    const LINES: usize = 8;
    let Weights { weight, bias, inputs } = weights;
    let (outputs, [height, width]) = (bias.len(), source.size);
    if height * width * outputs == 0 {
        return;
    }
    let all = 9 * outputs;
    // A product writes whole panels several times faster than a part of one.
    let stride = all.next_multiple_of(PANEL);
    // The outputs of one product are [tap, output].
    let by_tap: Vec<f32> = (0..all)
        .flat_map(|i| (0..inputs).map(move |input| (i % outputs * inputs + input) * 9 + i / outputs))
        .map(|at| weight[at])
        .collect();
    let mut panels = workspace.take(panels_length(all, inputs));
    pack(&by_tap, all, inputs, &mut panels);
    out[..height * width * outputs].par_chunks_mut(LINES * width * outputs).enumerate().for_each(|(band, out)| {
        let lines = out.len() / (width * outputs);
        let count = (lines + 2) * (width + 2);
        let mut scratch = workspace.take(count * (inputs + stride));
        let (pixels, products) = scratch.split_at_mut(count * inputs);
        let row = (width + 2) * inputs;
        read_padded(source, inputs, [band * LINES, 0], [lines + 2, width + 2], inputs, row, pixels);
        let rows = Rows { values: pixels, stride: inputs, count, inputs };
        product(level, rows, &panels, Target { values: &mut *products, stride, outputs: stride, add: false });
        for (y, line) in out.chunks_exact_mut(width * outputs).enumerate() {
            for (x, pixel) in line.chunks_exact_mut(outputs).enumerate() {
                let mut sums = [0.0; FEW_OUTPUTS];
                for tap in 0..9 {
                    let from = ((y + tap / 3) * (width + 2) + x + tap % 3) * stride + tap * outputs;
                    sums.iter_mut().zip(&products[from..from + outputs]).for_each(|(sum, part)| *sum += part);
                }
                for ((to, sum), bias) in pixel.iter_mut().zip(sums).zip(bias) {
                    *to = if add { *to + (sum + bias) } else { sum + bias };
                }
            }
        }
        workspace.put(scratch);
    });
    workspace.put(panels);
}

/// A 1x1 convolution of `map` `[pixels, inputs]`: writes `[pixels, outputs]`, or adds to it.
pub fn convolve_pixels(
    level: Level,
    weights: Weights<'_>,
    map: &[f32],
    out: &mut [f32],
    add: bool,
    workspace: &Workspace,
) {
    let Weights { weight, bias, inputs } = weights;
    if inputs == 0 {
        return;
    }
    let mut panels = workspace.take(panels_length(bias.len(), inputs));
    pack(weight, bias.len(), inputs, &mut panels);
    let rows = Rows { values: map, stride: inputs, count: map.len() / inputs, inputs };
    linear(level, rows, &panels, bias, out, add);
    workspace.put(panels);
}
