//! The splat on the CPU: each token is added to the pixels of its box, all channels of a pixel side by side in memory.

use super::{place, places};
use rayon::prelude::*;

/// Rows of the map that one thread works on.
const BAND: usize = 32;
/// Weights along a row follow from one another; after this many pixels they are computed afresh.
const RESEED: usize = 16;
/// Below this exponent a weight is too small to derive its neighbours from.
const FAINT: f64 = -600.0;

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
    let mut pixels = vec![0.0; height * width * channels]; // [H, W, C]
    let spread = match channels {
        8 => spread::<8>,
        16 => spread::<16>,
        32 => spread::<32>,
        _ => spread::<0>,
    };
    pixels.par_chunks_mut(BAND * width * channels).enumerate().for_each(|(band, pixels)| {
        for token in &tokens {
            spread(token, band * BAND, pixels, channels, [width, height]);
        }
    });
    let mut map = vec![0.0; pixels.len()];
    map.par_chunks_mut(height * width).enumerate().for_each(|(channel, plane)| {
        for (value, pixel) in plane.iter_mut().zip(pixels.chunks_exact(channels)) {
            *value = pixel[channel];
        }
    });
    map
}

/// A token that reaches the map.
struct Token<'a> {
    texture: &'a [f32],
    /// Columns and rows of its box.
    across: std::ops::Range<usize>,
    down: std::ops::Range<usize>,
    x: f64,
    y: f64,
    /// The exponent is `xx dx^2 + xy dx dy + yy dy^2`.
    xx: f64,
    xy: f64,
    yy: f64,
}

impl<'a> Token<'a> {
    fn new(gaussian: &[f32], texture: &'a [f32], columns: &[f32], rows: &[f32], support: f32) -> Option<Self> {
        let &[sigma_x, sigma_y, rho, x, y] = gaussian else { return None };
        let usable = gaussian.iter().all(|v| v.is_finite()) && sigma_x > 0.0 && sigma_y > 0.0 && rho.abs() < 1.0;
        // In f32, as the authors' kernel decides it; the border belongs to the box.
        let within = |places: &[f32], centre: f32, reach: f32| {
            places.partition_point(|place| place - centre < -reach)
                ..places.partition_point(|place| place - centre <= reach)
        };
        let across = within(columns, x, support * sigma_x);
        let down = within(rows, y, support * sigma_y);
        if !usable || across.is_empty() || down.is_empty() {
            return None;
        }
        let (sigma_x, sigma_y, rho) = (f64::from(sigma_x), f64::from(sigma_y), f64::from(rho));
        let scale = -0.5 / (1.0 - rho * rho);
        Some(Self {
            texture,
            across,
            down,
            x: f64::from(x),
            y: f64::from(y),
            xx: scale / (sigma_x * sigma_x),
            xy: -2.0 * scale * rho / (sigma_x * sigma_y),
            yy: scale / (sigma_y * sigma_y),
        })
    }

    fn exponent(&self, dx: f64, dy: f64) -> f64 {
        (self.xx * dx + self.xy * dy) * dx + self.yy * dy * dy
    }
}

/// Adds a token to a band of rows. `C` is the number of channels where it is known at compile time, else 0.
fn spread<const C: usize>(
    token: &Token<'_>,
    first_row: usize,
    band: &mut [f32],
    channels: usize,
    [width, height]: [usize; 2],
) {
    let channels = if C == 0 { channels } else { C };
    let texture = &token.texture[..channels];
    let rows = band.len() / (width * channels);
    let down = token.down.start.max(first_row)..token.down.end.min(first_row + rows);
    let step = if width == 1 { 0.0 } else { 2.0 / (width - 1) as f64 };
    // exp of the second difference of the exponent along a row
    let curve = (2.0 * token.xx * step * step).exp();
    for y in down {
        let dy = place(y, height) - token.y;
        let at = ((y - first_row) * width + token.across.start) * channels;
        let row = &mut band[at..at + token.across.len() * channels];
        for (segment, pixels) in row.chunks_mut(RESEED * channels).enumerate() {
            let start = token.across.start + segment * RESEED;
            let dx = |i: usize| place(start + i, width) - token.x;
            let seed = token.exponent(dx(0), dy);
            let derive = seed > FAINT;
            let mut weight = seed.exp();
            let mut ratio = (token.xx * (2.0 * dx(0) * step + step * step) + token.xy * step * dy).exp();
            for (i, pixel) in pixels.chunks_exact_mut(channels).enumerate() {
                let value = if derive { weight as f32 } else { token.exponent(dx(i), dy).exp() as f32 };
                for (sum, feature) in pixel.iter_mut().zip(texture) {
                    *sum += value * feature;
                }
                weight *= ratio;
                ratio *= curve;
            }
        }
    }
}
