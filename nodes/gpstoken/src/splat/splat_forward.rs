//! The splat on the CPU, the twin of `shaders/splat_forward.wgsl`: each token is added to the pixels of its box, all channels of a
//! pixel side by side in memory.

use super::{covered, is_usable, place, places};
use crate::kernels::cpu::{Level, for_each_level, fused};
use rayon::prelude::*;
use std::ops::Range;

/// Rows of the map that one thread works on: as many as its cache holds.
fn band_rows(width: usize, channels: usize) -> usize {
    ((1 << 17) / (width * channels)).clamp(8, 32)
}

/// Below this exponent a weight is too small to derive its neighbours from.
const FAINT: f64 = -600.0;
/// Maps of fewer numbers are not worth waking other threads for.
const SMALL: usize = 1 << 17;

/// Splats the tokens of one picture: `gaussians` `[N, 5]` and `textures` `[N, C]` to a map `[C, height, width]`.
///
/// Sums in the order of the tokens, whatever the number of threads.
pub fn splat(
    gaussians: &[f32],
    textures: &[f32],
    channels: usize,
    [width, height]: [usize; 2],
    support: f32,
) -> Vec<f32> {
    if channels == 0 || width == 0 || height == 0 {
        return Vec::new();
    }
    let (columns, rows) = (places(width), places(height));
    let tokens = gaussians.chunks_exact(5).zip(textures.chunks_exact(channels));
    let tokens: Vec<Token<'_>> =
        tokens.filter_map(|(gaussian, texture)| Token::new(gaussian, texture, &columns, &rows, support)).collect();
    let band_rows = band_rows(width, channels);
    let mut reaching = vec![Vec::new(); height.div_ceil(band_rows)]; // the tokens of each band
    for (index, token) in tokens.iter().enumerate() {
        for band in &mut reaching[token.down.start / band_rows..=(token.down.end - 1) / band_rows] {
            band.push(index);
        }
    }
    let mut map = vec![0.0; channels * height * width];
    let mut bands: Vec<Vec<&mut [f32]>> = reaching.iter().map(|_| Vec::with_capacity(channels)).collect();
    for plane in map.chunks_exact_mut(height * width) {
        for (band, lines) in bands.iter_mut().zip(plane.chunks_mut(band_rows * width)) {
            band.push(lines);
        }
    }
    let level = Level::best();
    let work = |pixels: &mut Vec<f32>, (band, (planes, reaching)): (usize, (Vec<&mut [f32]>, &Vec<usize>))| {
        let count = planes.first().map_or(0, |plane| plane.len());
        pixels.clear();
        pixels.resize(count * channels, 0.0); // [rows, W, C]
        let picked = Picked { tokens: &tokens, indices: reaching, first_row: band * band_rows };
        spread_all(level, picked, pixels, channels, [width, height]);
        separate(level, pixels, planes);
    };
    if channels * height * width < SMALL {
        let mut pixels = Vec::new();
        bands.into_iter().zip(&reaching).enumerate().for_each(|band| work(&mut pixels, band));
    } else {
        bands.into_par_iter().zip(&reaching).enumerate().for_each_init(Vec::new, work);
    }
    map
}

for_each_level! {
    /// Writes pixels `[count, channels]` as planes.
    fn separate(pixels: &[f32], planes: Vec<&mut [f32]>) => separate_at
}

#[inline(always)]
fn separate_at<const L: u8>(pixels: &[f32], mut planes: Vec<&mut [f32]>) {
    /// Pixels whose channels are moved together, so that lines of the cache are used whole.
    const BLOCK: usize = 16;
    let channels = planes.len();
    for (block, pixels) in pixels.chunks(BLOCK * channels).enumerate() {
        for (channel, plane) in planes.iter_mut().enumerate() {
            let to = &mut plane[block * BLOCK..];
            if let (Some(to), true) = (to.first_chunk_mut::<BLOCK>(), pixels.len() == BLOCK * channels) {
                for i in 0..BLOCK {
                    to[i] = pixels[i * channels + channel];
                }
            } else {
                for (to, pixel) in to.iter_mut().zip(pixels.chunks_exact(channels)) {
                    *to = pixel[channel];
                }
            }
        }
    }
}

/// A token that reaches the map.
struct Token<'a> {
    texture: &'a [f32],
    /// Columns and rows of its box.
    across: Range<usize>,
    down: Range<usize>,
    x: f64,
    y: f64,
    /// The exponent is `xx dx^2 + xy dx dy + yy dy^2`.
    xx: f64,
    xy: f64,
    yy: f64,
    /// Somewhere in the box the weight is too small to derive its neighbours from.
    steep: bool,
}

impl<'a> Token<'a> {
    fn new(gaussian: &[f32], texture: &'a [f32], columns: &[f32], rows: &[f32], support: f32) -> Option<Self> {
        let &[sigma_x, sigma_y, rho, x, y] = gaussian else { return None };
        let across = covered(columns, x, support * sigma_x);
        let down = covered(rows, y, support * sigma_y);
        if !is_usable(gaussian) || across.is_empty() || down.is_empty() {
            return None;
        }
        let (sigma_x, sigma_y, rho) = (f64::from(sigma_x), f64::from(sigma_y), f64::from(rho));
        let scale = -0.5 / (1.0 - rho * rho);
        let mut token = Self {
            texture,
            across,
            down,
            x: f64::from(x),
            y: f64::from(y),
            xx: scale / (sigma_x * sigma_x),
            xy: -2.0 * scale * rho / (sigma_x * sigma_y),
            yy: scale / (sigma_y * sigma_y),
            steep: false,
        };
        // The exponent is least in a corner.
        let ends = |places: &[f32], range: &Range<usize>, centre: f64| {
            [range.start, range.end - 1].map(|i| f64::from(places[i]) - centre)
        };
        let (dx, dy) = (ends(columns, &token.across, token.x), ends(rows, &token.down, token.y));
        token.steep = dx.iter().any(|dx| dy.iter().any(|dy| token.exponent(*dx, *dy) < FAINT));
        Some(token)
    }

    fn exponent(&self, dx: f64, dy: f64) -> f64 {
        (self.xx * dx + self.xy * dy) * dx + self.yy * dy * dy
    }
}

/// The tokens that reach a band of rows.
#[derive(Clone, Copy)]
struct Picked<'a> {
    tokens: &'a [Token<'a>],
    indices: &'a [usize],
    first_row: usize,
}

for_each_level! {
    /// Adds tokens to a band of rows `[rows, width, channels]`.
    fn spread_all(picked: Picked<'_>, band: &mut [f32], channels: usize, size: [usize; 2]) => spread_all_at
}

#[inline(always)]
fn spread_all_at<const L: u8>(picked: Picked<'_>, band: &mut [f32], channels: usize, size: [usize; 2]) {
    for &index in picked.indices {
        let token = &picked.tokens[index];
        match channels {
            8 => spread::<L, 8>(token, picked.first_row, band, channels, size),
            16 => spread::<L, 16>(token, picked.first_row, band, channels, size),
            32 => spread::<L, 32>(token, picked.first_row, band, channels, size),
            _ => spread::<L, 0>(token, picked.first_row, band, channels, size),
        }
    }
}

/// Adds a token to a band of rows. `C` is the number of channels where it is known at compile time, else 0.
///
/// Weights follow from one another in f64, along a row and from row to row: the exponent's second differences are constant.
#[inline(always)]
fn spread<const L: u8, const C: usize>(
    token: &Token<'_>,
    first_row: usize,
    band: &mut [f32],
    channels: usize,
    [width, height]: [usize; 2],
) {
    let channels = if C == 0 { channels } else { C };
    let texture = &token.texture[..channels];
    let mut known = [0.0; C];
    known.copy_from_slice(&texture[..C]);
    let rows = band.len() / (width * channels);
    let down = token.down.start.max(first_row)..token.down.end.min(first_row + rows);
    let step = |size: usize| if size == 1 { 0.0 } else { 2.0 / (size - 1) as f64 };
    let (step_x, step_y) = (step(width), step(height));
    let dx = place(token.across.start, width) - token.x;
    let dy = place(down.start, height) - token.y;
    let mut first = token.exponent(dx, dy).exp();
    let mut to_right = (token.xx * (2.0 * dx + step_x) * step_x + token.xy * step_x * dy).exp();
    let mut to_below = (token.yy * (2.0 * dy + step_y) * step_y + token.xy * step_y * dx).exp();
    let (curve_x, curve_y) = ((2.0 * token.xx * step_x * step_x).exp(), (2.0 * token.yy * step_y * step_y).exp());
    let twist = (token.xy * step_x * step_y).exp();
    for y in down {
        let at = ((y - first_row) * width + token.across.start) * channels;
        let row = &mut band[at..at + token.across.len() * channels];
        let (mut weight, mut ratio) = (first, to_right);
        let mut value = |i: usize| {
            let value = if token.steep {
                let dx = place(token.across.start + i, width) - token.x;
                token.exponent(dx, place(y, height) - token.y).exp()
            } else {
                weight
            };
            weight *= ratio;
            ratio *= curve_x;
            value as f32
        };
        if C > 0 {
            for (i, pixel) in row.as_chunks_mut::<C>().0.iter_mut().enumerate() {
                let value = value(i);
                // By way of a copy, which the compiler keeps in registers.
                let mut sums = *pixel;
                for c in 0..C {
                    sums[c] = if fused(L) { value.mul_add(known[c], sums[c]) } else { value * known[c] + sums[c] };
                }
                *pixel = sums;
            }
        } else {
            for (i, pixel) in row.chunks_exact_mut(channels).enumerate() {
                let value = value(i);
                for (sum, feature) in pixel.iter_mut().zip(texture) {
                    *sum = if fused(L) { value.mul_add(*feature, *sum) } else { value * feature + *sum };
                }
            }
        }
        first *= to_below;
        to_below *= curve_y;
        to_right *= twist;
    }
}
