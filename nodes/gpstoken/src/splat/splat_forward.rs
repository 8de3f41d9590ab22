//! The splat on the CPU: the twin of `shaders/splat_forward.wgsl`. It adds each token to the pixels of its box, with all
//! channels of a pixel side by side in memory.
//!
//! It works in tiles whose pixels fit into the cache of a core. It first copies the tokens of a tile side by side, so their
//! order hardly affects the speed. It writes maps that do not fit into the cache past it, so a pixel of a map of 1024 x 1024
//! takes hardly longer than a pixel of a map of 256 x 256.

use super::{covered, is_usable, place, places};
use crate::kernels::{
    cpu::{Level, for_each_level, fused},
    memory::{LARGE, LINE, PART, before_line, finish_streaming, stream},
};
use rayon::prelude::*;
use std::ops::Range;

/// Columns of a tile.
const COLUMNS: usize = 128;

/// Rows of a tile: 256 KiB of pixels.
fn tile_rows(channels: usize) -> usize {
    ((1 << 16) / (COLUMNS * channels)).clamp(8, 32)
}

/// Below this exponent a weight is too small to compute its neighbours from it.
const FAINT: f64 = -600.0;
/// Maps of fewer numbers are splatted on one thread, as waking others takes longer.
const SMALL: usize = 1 << 17;

/// Splats the tokens of one picture, `gaussians` `[N, 5]` and `textures` `[N, C]`, to `map` `[C, height, width]`, and
/// overwrites its content.
///
/// It sums in the order of the tokens for any number of threads.
pub fn splat(gaussians: &[f32], textures: &[f32], [width, height]: [usize; 2], support: f32, map: &mut [f32]) {
    if map.is_empty() {
        return;
    }
    let channels = map.len() / (width * height);
    let tokens = tokens_that_reach(gaussians, textures.len() / channels, [width, height], support);
    let (tile_rows, tiles_across) = (tile_rows(channels), width.div_ceil(COLUMNS));
    let mut reaching = vec![Vec::new(); height.div_ceil(tile_rows) * tiles_across]; // the tokens of each tile
    for (index, token) in tokens.iter().enumerate() {
        for row in token.down.start / tile_rows..=(token.down.end - 1) / tile_rows {
            for column in token.across.start / COLUMNS..=(token.across.end - 1) / COLUMNS {
                reaching[row * tiles_across + column].push(index);
            }
        }
    }
    let (small, lines) = (map.len() < SMALL, Lines::of(map, width));
    let mut bands: Vec<Vec<&mut [f32]>> =
        (0..height.div_ceil(tile_rows)).map(|_| Vec::with_capacity(channels)).collect();
    for plane in map.chunks_exact_mut(height * width) {
        for (band, rows) in bands.iter_mut().zip(plane.chunks_mut(tile_rows * width)) {
            band.push(rows);
        }
    }
    let level = Level::best();
    let work = |space: &mut Space, (band, planes): (usize, &mut Vec<&mut [f32]>)| {
        let rows = planes.first().map_or(0, |plane| plane.len() / width);
        for (column, indices) in reaching[band * tiles_across..][..tiles_across].iter().enumerate() {
            let across = column * COLUMNS..((column + 1) * COLUMNS).min(width);
            let tile = Tile { across, down: band * tile_rows..band * tile_rows + rows, size: [width, height] };
            let Space { pixels, tokens: picked, textures: features } = &mut *space;
            pixels.clear();
            pixels.resize(rows * tile.across.len() * channels, 0.0); // [rows, columns, C]
            // Copied side by side: the processor would wait for each token and texture elsewhere in memory.
            picked.clear();
            picked.extend(indices.iter().map(|&index| tokens[index].clone()));
            features.clear();
            for token in picked.iter() {
                features.extend_from_slice(&textures[token.index * channels..][..channels]);
            }
            spread_all(level, picked, features, &tile, pixels, channels);
            separate(level, pixels, planes, &tile, lines);
        }
        finish_streaming();
    };
    if small {
        let mut space = Space::default();
        bands.iter_mut().enumerate().for_each(|band| work(&mut space, band));
    } else {
        bands.par_iter_mut().enumerate().for_each_init(Space::default, work);
    }
}

/// Splats the tokens of one picture like [`splat`], to `map` `[height, width, C]`, and overwrites its content.
pub fn splat_pixels(
    level: Level,
    gaussians: &[f32],
    textures: &[f32],
    size @ [width, height]: [usize; 2],
    support: f32,
    map: &mut [f32],
) {
    if map.is_empty() {
        return;
    }
    let channels = map.len() / (width * height);
    let tokens = tokens_that_reach(gaussians, textures.len() / channels, [width, height], support);
    let band_rows = ((1 << 16) / (width * channels)).clamp(4, 32);
    map.par_chunks_mut(band_rows * width * channels).enumerate().for_each(|(band, pixels)| {
        pixels.fill(0.0);
        let first = band * band_rows;
        let tile = Tile { across: 0..width, down: first..first + pixels.len() / (width * channels), size };
        let reaching = tokens.iter().filter(|token| token.down.start < tile.down.end && first < token.down.end);
        let picked: Vec<Token> = reaching.cloned().collect();
        let features = picked.iter().flat_map(|token| &textures[token.index * channels..][..channels]);
        let features: Vec<f32> = features.copied().collect();
        spread_all(level, &picked, &features, &tile, pixels, channels);
    });
}

/// The first `count` of the tokens `gaussians` `[N, 5]`, without those that do not reach the map.
fn tokens_that_reach(gaussians: &[f32], count: usize, [width, height]: [usize; 2], support: f32) -> Vec<Token> {
    let (columns, rows) = (places(width), places(height));
    let tokens = gaussians.chunks_exact(5).take(count).enumerate();
    tokens.filter_map(|(index, gaussian)| Token::new(index, gaussian, &columns, &rows, support)).collect()
}

/// How to write a map.
#[derive(Clone, Copy)]
struct Lines {
    /// Columns before the first whole line of the cache, equal in all rows and tiles. It must not decide where tiles begin,
    /// or the last bits of sums would depend on the address of the memory.
    lead: usize,
    /// Whether to write lines past the cache.
    stream: bool,
}

impl Lines {
    fn of(map: &[f32], width: usize) -> Self {
        let stream = size_of_val(map) >= LARGE && width.is_multiple_of(LINE);
        Self { lead: if stream { before_line(map) } else { 0 }, stream }
    }
}

/// The memory of one thread, reused for each tile.
#[derive(Default)]
struct Space {
    pixels: Vec<f32>,
    tokens: Vec<Token>,
    textures: Vec<f32>,
}

/// A part of the map.
struct Tile {
    across: Range<usize>,
    down: Range<usize>,
    /// Width and height of the whole map.
    size: [usize; 2],
}

for_each_level! {
    /// Writes the pixels `[rows, columns, channels]` of a tile to its rows of the planes.
    fn separate(pixels: &[f32], planes: &mut [&mut [f32]], tile: &Tile, lines: Lines) => separate_at
}

#[inline(always)]
fn separate_at<const L: u8>(pixels: &[f32], planes: &mut [&mut [f32]], tile: &Tile, lines: Lines) {
    let (channels, width) = (planes.len(), tile.across.len());
    let lead = lines.lead.min(width);
    for (row, pixels) in pixels.chunks_exact(width * channels).enumerate() {
        let start = row * tile.size[0] + tile.across.start;
        let (first, pixels) = pixels.split_at(lead * channels);
        separate_by::<PART>(first, planes, start, lines.stream);
        separate_by::<LINE>(pixels, planes, start + lead, lines.stream);
    }
}

/// Writes successive pixels to the planes from place `start` on, `COUNT` pixels of a plane at a time.
#[inline(always)]
fn separate_by<const COUNT: usize>(pixels: &[f32], planes: &mut [&mut [f32]], start: usize, past_cache: bool) {
    let channels = planes.len();
    let parts = pixels.chunks_exact(COUNT * channels);
    let last = parts.remainder();
    let after = start + (pixels.len() - last.len()) / channels;
    for (part, pixels) in parts.enumerate() {
        for (channel, plane) in planes.iter_mut().enumerate() {
            let mut values = [0.0; COUNT];
            for i in 0..COUNT {
                values[i] = pixels[i * channels + channel];
            }
            match plane[start + part * COUNT..].first_chunk_mut() {
                Some(to) if past_cache => stream(to, &values),
                Some(to) => *to = values,
                None => {}
            }
        }
    }
    if COUNT > PART {
        return separate_by::<PART>(last, planes, after, past_cache);
    }
    for (channel, plane) in planes.iter_mut().enumerate() {
        for (to, pixel) in plane[after..].iter_mut().zip(last.chunks_exact(channels)) {
            *to = pixel[channel];
        }
    }
}

/// The distance from a place to the next.
fn step(size: usize) -> f64 {
    if size == 1 { 0.0 } else { 2.0 / (size - 1) as f64 }
}

/// A token that reaches the map.
#[derive(Clone)]
struct Token {
    /// Its index among all tokens.
    index: usize,
    /// Columns and rows of its box.
    across: Range<usize>,
    down: Range<usize>,
    x: f64,
    y: f64,
    /// The exponent is `xx dx^2 + xy dx dy + yy dy^2`.
    xx: f64,
    xy: f64,
    yy: f64,
    /// The ratio of neighbouring weights changes by this from column to column, from row to row, and along both.
    curve_x: f64,
    curve_y: f64,
    twist: f64,
    /// Whether a weight in the box is too small, or the ratio of neighbours changes too much, to compute weights from each other.
    steep: bool,
}

impl Token {
    fn new(index: usize, gaussian: &[f32], columns: &[f32], rows: &[f32], support: f32) -> Option<Self> {
        let &[sigma_x, sigma_y, rho, x, y] = gaussian else { return None };
        let across = covered(columns, x, support * sigma_x);
        let down = covered(rows, y, support * sigma_y);
        if !is_usable(gaussian) || across.is_empty() || down.is_empty() {
            return None;
        }
        let (sigma_x, sigma_y, rho) = (f64::from(sigma_x), f64::from(sigma_y), f64::from(rho));
        let scale = -0.5 / (1.0 - rho * rho);
        let mut token = Self {
            index,
            across,
            down,
            x: f64::from(x),
            y: f64::from(y),
            xx: scale / (sigma_x * sigma_x),
            xy: -2.0 * scale * rho / (sigma_x * sigma_y),
            yy: scale / (sigma_y * sigma_y),
            curve_x: 0.0,
            curve_y: 0.0,
            twist: 0.0,
            steep: false,
        };
        let (step_x, step_y) = (step(columns.len()), step(rows.len()));
        token.curve_x = (2.0 * token.xx * step_x * step_x).exp();
        token.curve_y = (2.0 * token.yy * step_y * step_y).exp();
        let twist = token.xy * step_x * step_y;
        token.twist = twist.exp();
        // The exponent is least in a corner.
        let ends = |places: &[f32], range: &Range<usize>, centre: f64| {
            [range.start, range.end - 1].map(|i| f64::from(places[i]) - centre)
        };
        let (dx, dy) = (ends(columns, &token.across, token.x), ends(rows, &token.down, token.y));
        let faint = dx.iter().any(|dx| dy.iter().any(|dy| token.exponent(*dx, *dy) < FAINT));
        token.steep = faint || twist.abs() > -FAINT;
        Some(token)
    }

    fn exponent(&self, dx: f64, dy: f64) -> f64 {
        (self.xx * dx + self.xy * dy) * dx + self.yy * dy * dy
    }
}

for_each_level! {
    /// Adds tokens with their textures `[N, channels]` to the pixels `[rows, columns, channels]` of a tile.
    fn spread_all(tokens: &[Token], textures: &[f32], tile: &Tile, pixels: &mut [f32], channels: usize) => spread_all_at
}

#[inline(always)]
fn spread_all_at<const L: u8>(tokens: &[Token], textures: &[f32], tile: &Tile, pixels: &mut [f32], channels: usize) {
    for (token, texture) in tokens.iter().zip(textures.chunks_exact(channels)) {
        match channels {
            8 => spread::<L, 8>(token, texture, tile, pixels),
            16 => spread::<L, 16>(token, texture, tile, pixels),
            32 => spread::<L, 32>(token, texture, tile, pixels),
            _ => spread::<L, 0>(token, texture, tile, pixels),
        }
    }
}

/// Adds a token to a tile. `C` is the number of channels if it is known at compile time, else 0.
///
/// Each weight follows from its neighbour in f64, along a row and from row to row, as the second differences of the exponent
/// are constant.
#[inline(always)]
fn spread<const L: u8, const C: usize>(token: &Token, texture: &[f32], tile: &Tile, pixels: &mut [f32]) {
    let channels = if C == 0 { texture.len() } else { C };
    let mut known = [0.0; C];
    known.copy_from_slice(&texture[..C]);
    let [width, height] = tile.size;
    let across = token.across.start.max(tile.across.start)..token.across.end.min(tile.across.end);
    let down = token.down.start.max(tile.down.start)..token.down.end.min(tile.down.end);
    let (step_x, step_y) = (step(width), step(height));
    let dx = place(across.start, width) - token.x;
    let dy = place(down.start, height) - token.y;
    let mut first = token.exponent(dx, dy).exp();
    let mut to_right = (token.xx * (2.0 * dx + step_x) * step_x + token.xy * step_x * dy).exp();
    let mut to_below = (token.yy * (2.0 * dy + step_y) * step_y + token.xy * step_y * dx).exp();
    for y in down {
        let at = ((y - tile.down.start) * tile.across.len() + across.start - tile.across.start) * channels;
        let row = &mut pixels[at..at + across.len() * channels];
        let (mut weight, mut ratio) = (first, to_right);
        let mut value = |i: usize| {
            let value = if token.steep {
                let dx = place(across.start + i, width) - token.x;
                token.exponent(dx, place(y, height) - token.y).exp()
            } else {
                weight
            };
            weight *= ratio;
            ratio *= token.curve_x;
            value as f32
        };
        if C > 0 {
            for (i, pixel) in row.as_chunks_mut::<C>().0.iter_mut().enumerate() {
                let value = value(i);
                // The compiler keeps this copy in registers.
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
        to_below *= token.curve_y;
        to_right *= token.twist;
    }
}
