//! The gradients of 3x3 convolutions of maps `[height, width, channels]`.
//!
//! The gradient of the map is a convolution of the result's gradient with turned weights. The gradient of the weights uses Winograd's
//! transforms backwards: the forward pass is `A^T ((G g G^T) . (B^T d B)) A`, so the gradient of `g` is `G^T U G`, where `U` is the sum
//! of `(B^T d B) . (A y A^T)` over all tiles, with `y` the gradient of a tile's results (see [`winograd`](super::winograd)). It takes
//! 36 products for a tile where the direct form takes 144.

use super::{
    convolution::{Source, Weights, convolve, convolve_halved, read_padded},
    cpu::{Level, for_each_level},
    lanes::{Aligned, LANES, Lanes, add, add_times, load, store, subtract, times},
    outer_product::{Columns, product_of_columns},
    product::{PANEL, Target},
    winograd::{Layout, OUTPUTS, PLACES, analyse_tiles, vanishes_when_doubled},
    workspace::Workspace,
};
use rayon::prelude::*;

/// The number of tiles that a thread transforms at a time.
const TILES: usize = 64;
/// The most parts of a map. Each has sums of its own.
const PARTS: usize = 16;
/// The most numbers of all these sums, but at least two parts. More sums than the cache holds cost more than they gain.
const SUMS: usize = 1 << 21;
/// The least number of sums for a place whose products pay for another thread.
const MANY: usize = 1 << 13;

/// Writes the gradient of a convolution's map, `[height, width, inputs]`. `gradient` reads the gradient of its result, `[height, width,
/// outputs]`. If the convolution doubled its map, the size of `gradient` is twice that of the map.
pub fn convolve_backward(
    level: Level,
    weight: &[f32],
    [outputs, inputs]: [usize; 2],
    gradient: &Source<'_>,
    doubled: bool,
    out: &mut [f32],
    workspace: &Workspace,
) {
    let mut turned = workspace.take(outputs * inputs * 9); // [inputs, outputs, 3, 3]
    turned[..outputs * inputs * 9].par_chunks_mut((outputs * 9).max(1)).enumerate().for_each(|(input, turned)| {
        for (output, turned) in turned.as_chunks_mut::<9>().0.iter_mut().enumerate() {
            let taps = &weight[(output * inputs + input) * 9..][..9];
            *turned = std::array::from_fn(|tap| taps[8 - tap]);
        }
    });
    let weights = Weights { weight: &turned, bias: &vec![0.0; inputs], inputs: outputs };
    if doubled {
        // Each pixel had a part in four.
        convolve_halved(level, weights, gradient, out, workspace);
    } else {
        convolve(level, weights, gradient, out, false, workspace);
    }
    workspace.put(turned);
}

/// Adds the gradients of a convolution's weights `[outputs, inputs, 3, 3]` and of its bias, from the map that it read and the gradient
/// of its result, `[height, width, outputs]`.
pub fn add_weight_gradient(
    level: Level,
    source: &Source<'_>,
    inputs: usize,
    gradient: &[f32],
    [weight, bias]: [&mut [f32]; 2],
    workspace: &Workspace,
) {
    let (outputs, [height, width]) = (bias.len(), source.size);
    if outputs * inputs * height * width == 0 {
        return;
    }
    let (across, down) = (width.div_ceil(OUTPUTS), height.div_ceil(OUTPUTS));
    let rows = (TILES / across).clamp(1, down); // rows of tiles in a band
    let bands = down.div_ceil(rows);
    let after = outputs.next_multiple_of(PANEL);
    let size = PLACES * PLACES * inputs * after; // [36, inputs, after]
    let parts = (SUMS / size).clamp(2, PARTS).min(bands);
    let in_part = bands.div_ceil(parts);
    let parts = bands.div_ceil(in_part);
    let mut sums = workspace.take(parts * size);
    let mut of_biases = vec![0.0f64; parts * after];
    let of_parts = sums[..parts * size].par_chunks_mut(size).zip(of_biases.par_chunks_mut(after));
    of_parts.enumerate().for_each(|(part, (sums, of_bias))| {
        let first = part * in_part;
        for band in first..(first + in_part).min(bands) {
            let rows = [band * rows, ((band + 1) * rows).min(down)];
            add_band(level, source, inputs, gradient, rows, band > first, sums, of_bias, workspace);
        }
    });
    let (first, others) = sums[..parts * size].split_at_mut(size);
    first.par_chunks_mut(inputs * after).enumerate().for_each(|(place, first)| {
        for part in others.chunks_exact(size) {
            first.iter_mut().zip(&part[place * inputs * after..]).for_each(|(sum, v)| *sum += v);
        }
    });
    weight.par_chunks_mut(LANES * inputs * 9).enumerate().for_each(|(block, weight)| {
        gather_weights(level, first, [inputs, after], block * LANES, weight);
    });
    for of_bias in of_biases.chunks_exact(after) {
        bias.iter_mut().zip(of_bias).for_each(|(bias, sum)| *bias += *sum as f32);
    }
    workspace.put(sums);
}

/// Writes the products of some rows of tiles to `sums` `[36, inputs, after]`, or adds them. Adds their results' gradients to `of_bias`
/// `[after]`.
#[expect(clippy::too_many_arguments, reason = "the parts of one loop")]
fn add_band(
    level: Level,
    source: &Source<'_>,
    inputs: usize,
    gradient: &[f32],
    [first, end]: [usize; 2],
    add: bool,
    sums: &mut [f32],
    of_bias: &mut [f64],
    workspace: &Workspace,
) {
    let ([height, width], after) = (source.size, of_bias.len());
    let outputs = gradient.len() / (height * width);
    let across = width.div_ceil(OUTPUTS);
    let before = inputs.next_multiple_of(LANES);
    let tiles = (end - first) * across;
    let (read, made) = (Layout { tiles, channels: before }, Panels { tiles, channels: after });
    let row = (across * OUTPUTS + 2) * before;
    let lines = (end - first) * OUTPUTS + 2;
    let mut scratch = workspace.take(read.length() + made.length() + lines * row);
    let (places, rest) = scratch.split_at_mut(read.length());
    let (panels, pixels) = rest.split_at_mut(made.length());
    read_padded(source, inputs, [first * OUTPUTS, 0], [lines, across * OUTPUTS + 2], before, row, pixels);
    for y in 0..end - first {
        analyse_tiles(level, &pixels[y * OUTPUTS * row..], row, across, read, y * across, places);
        let lines = &gradient[(first + y) * OUTPUTS * width * outputs..];
        let lines = &lines[..lines.len().min(OUTPUTS * width * outputs)];
        spread_tiles(level, lines, [width, outputs], made, y * across, panels);
    }
    let together = (MANY / (inputs * after)).clamp(1, PLACES * PLACES);
    sums.par_chunks_mut(inputs * after).with_min_len(together).enumerate().for_each(|(place, sums)| {
        if source.doubled && vanishes_when_doubled(place) {
            return sums.fill(0.0);
        }
        let values = &places[place * read.place()..][..tiles * before];
        let columns = Columns { values, stride: before, count: inputs, inputs: tiles };
        let target = Target { values: sums, stride: after, outputs: after, add };
        product_of_columns(level, columns, &panels[place * made.place()..], target);
    });
    // The second place along both axes is the sum of a tile's results.
    let panels = &panels[(PLACES + 1) * made.place()..][..tiles * after];
    for (panel, sums) in panels.chunks_exact(tiles * PANEL).zip(of_bias.as_chunks_mut::<PANEL>().0) {
        for lanes in panel.as_chunks::<PANEL>().0 {
            sums.iter_mut().zip(lanes).for_each(|(sum, v)| *sum += f64::from(*v));
        }
    }
    workspace.put(scratch);
}

/// Transformed gradients of results: `[36, channels / 32, tiles, 32]`, where `channels` is a multiple of [`PANEL`]. Each place is the
/// right matrix of a product that sums over tiles.
#[derive(Clone, Copy)]
struct Panels {
    tiles: usize,
    channels: usize,
}

impl Panels {
    /// The distance between two places; see [`Layout::place`].
    fn place(self) -> usize {
        self.tiles * self.channels + LANES
    }

    fn length(self) -> usize {
        PLACES * PLACES * self.place()
    }
}

for_each_level! {
    /// Transforms a row of tiles, beginning at the tile `first`. `lines` are up to four lines `[width, outputs]` of the gradient.
    fn spread_tiles(lines: &[f32], shape: [usize; 2], layout: Panels, first: usize, panels: &mut [f32]) => spread_tiles_at
}

#[expect(clippy::needless_range_loop, reason = "the compiler turns plain indices into vector instructions")]
#[inline(always)]
fn spread_tiles_at<const L: u8>(
    lines: &[f32],
    [width, outputs]: [usize; 2],
    layout: Panels,
    first: usize,
    panels: &mut [f32],
) {
    let line = width * outputs;
    let inside = lines.len() / line; // rows
    // Outside the loops, because to fill it with zeros is a call.
    let mut columns = Aligned([[[0.0; LANES]; OUTPUTS]; PLACES]);
    for tile in 0..width.div_ceil(OUTPUTS) {
        let across = OUTPUTS.min(width - tile * OUTPUTS);
        for channel in (0..layout.channels).step_by(LANES) {
            let used = outputs.saturating_sub(channel).min(LANES);
            for x in 0..OUTPUTS {
                let mut column = [[0.0; LANES]; OUTPUTS];
                for y in 0..if x < across { inside } else { 0 } {
                    let from = &lines[y * line + (tile * OUTPUTS + x) * outputs + channel.min(outputs)..];
                    if used == LANES {
                        column[y] = load(from);
                    } else {
                        column[y][..used].copy_from_slice(&from[..used]);
                    }
                }
                let column = unfold::<L>(column);
                for y in 0..PLACES {
                    columns.0[y][x] = column[y];
                }
            }
            let start = (channel / PANEL * layout.tiles + first + tile) * PANEL + channel % PANEL;
            for y in 0..PLACES {
                let places = unfold::<L>(columns.0[y]);
                for x in 0..PLACES {
                    store(places[x], &mut panels[(y * PLACES + x) * layout.place() + start..]);
                }
            }
        }
    }
}

/// Transforms the gradients of four results along an axis to six places: the transpose of Winograd's last transform.
#[inline(always)]
fn unfold<const L: u8>([y0, y1, y2, y3]: [Lanes; OUTPUTS]) -> [Lanes; PLACES] {
    let (even, odd) = (add::<L>(y0, y2), add::<L>(y1, y3));
    let (even_far, odd_far) = (add_times::<L>(y0, 4.0, y2), add_times::<L>(times::<L>(2.0, y1), 8.0, y3));
    [
        y0,
        add::<L>(even, odd),
        subtract::<L>(even, odd),
        add::<L>(even_far, odd_far),
        subtract::<L>(even_far, odd_far),
        y3,
    ]
}

for_each_level! {
    /// Adds the sums `[36, inputs, after]` to the gradients `[outputs, inputs, 3, 3]` of sixteen or fewer outputs from `first` on.
    fn gather_weights(sums: &[f32], shape: [usize; 2], first: usize, weights: &mut [f32]) => gather_weights_at
}

#[expect(clippy::needless_range_loop, reason = "the compiler turns plain indices into vector instructions")]
#[inline(always)]
fn gather_weights_at<const L: u8>(sums: &[f32], [inputs, after]: [usize; 2], first: usize, weights: &mut [f32]) {
    let mut columns = Aligned([[[0.0; LANES]; PLACES]; 3]); // as above
    for input in 0..inputs {
        for x in 0..PLACES {
            let mut column = [[0.0; LANES]; PLACES];
            for y in 0..PLACES {
                column[y] = load(&sums[((y * PLACES + x) * inputs + input) * after + first..]);
            }
            let column = gather::<L>(column);
            for y in 0..3 {
                columns.0[y][x] = column[y];
            }
        }
        let taps = [gather::<L>(columns.0[0]), gather::<L>(columns.0[1]), gather::<L>(columns.0[2])];
        for (output, weights) in weights.chunks_exact_mut(inputs * 9).enumerate() {
            for (tap, weight) in weights[input * 9..][..9].iter_mut().enumerate() {
                *weight += taps[tap / 3][tap % 3][output];
            }
        }
    }
}

/// Transforms six places along an axis to three weights: the transpose of Winograd's transform of weights.
#[inline(always)]
fn gather<const L: u8>([u0, u1, u2, u3, u4, u5]: [Lanes; PLACES]) -> [Lanes; 3] {
    const SIXTH: f32 = 1.0 / 6.0;
    const TWELFTH: f32 = 1.0 / 12.0;
    const TWENTY_FOURTH: f32 = 1.0 / 24.0;
    let (near, near_odd) = (add::<L>(u1, u2), subtract::<L>(u2, u1));
    let (far, far_odd) = (add::<L>(u3, u4), subtract::<L>(u3, u4));
    let ends = times::<L>(-SIXTH, near);
    [
        add_times::<L>(add_times::<L>(ends, TWENTY_FOURTH, far), 0.25, u0),
        add_times::<L>(times::<L>(SIXTH, near_odd), TWELFTH, far_odd),
        add::<L>(add_times::<L>(ends, SIXTH, far), u5),
    ]
}
