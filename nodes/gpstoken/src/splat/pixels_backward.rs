//! The gradients of the splat on maps `[height, width, C]`: the fast form of `splat_backward`.
//!
//! In the row of a token's box with `Y = (v - y) / sigma_y`, let `S = X - rho Y`. The exponent is `-(q S^2 + Y^2) / 2` with
//! `q = 1 / (1 - rho^2)`, and all sums of `splat_backward` are combinations of the row's sums of `t`, `t S` and `t S^2`, where `t` is the
//! weight times the product of gradient and texture. So a pixel costs three multiplications for each channel: the loop sums the
//! gradient times `w`, `w S` and `w S^2`, and multiplies these sums by the texture after the row. In terms of `S` nothing cancels
//! for slants near 1.

use super::{covered, is_usable, place, places};
use crate::kernels::{
    cpu::{AVX512, Level, for_each_level, fused},
    lanes::{LANES, Lanes, exp},
};
use rayon::prelude::*;
use std::ops::Range;

/// Writes the gradients of the gaussians `[N, 5]` and the textures `[N, C]` of one picture, from the gradient of the map `[height, width,
/// C]`. A token is computed on one thread, so the bits are the same for any number of threads.
pub fn splat_pixels_backward(
    level: Level,
    [gaussians, textures]: [&[f32]; 2],
    gradient: &[f32],
    size @ [width, height]: [usize; 2],
    support: f32,
    [of_gaussians, of_textures]: [&mut [f32]; 2],
) {
    of_gaussians.fill(0.0);
    of_textures.fill(0.0);
    let channels = textures.len() / (gaussians.len() / 5).max(1);
    if channels == 0 {
        return;
    }
    let (columns, rows) = (places(width), places(height));
    let tokens = gaussians.par_chunks_exact(5).zip(textures.par_chunks_exact(channels));
    let results = of_gaussians.par_chunks_exact_mut(5).zip(of_textures.par_chunks_exact_mut(channels));
    tokens.zip(results).for_each(|((gaussian, texture), (of_gaussian, of_texture))| {
        if !is_usable(gaussian) {
            return;
        }
        let across = covered(&columns, gaussian[3], support * gaussian[0]);
        let down = covered(&rows, gaussian[4], support * gaussian[1]);
        let area = Area { across, down, size };
        differentiate(level, [gaussian, texture], &area, gradient, of_gaussian, of_texture);
    });
}

/// The part of a map that a token reaches.
struct Area {
    across: Range<usize>,
    down: Range<usize>,
    /// Width and height of the whole map.
    size: [usize; 2],
}

for_each_level! {
    /// Adds the gradients of a token.
    fn differentiate(
        token: [&[f32]; 2],
        area: &Area,
        gradient: &[f32],
        of_gaussian: &mut [f32],
        of_texture: &mut [f32],
    ) => differentiate_at
}

#[inline(always)]
fn differentiate_at<const L: u8>(
    [gaussian, texture]: [&[f32]; 2],
    Area { across, down, size: [width, height] }: &Area,
    gradient: &[f32],
    of_gaussian: &mut [f32],
    of_texture: &mut [f32],
) {
    let &[sigma_x, sigma_y, rho, x, y] = gaussian else { return };
    let [sigma_x, sigma_y, rho, x, y] = [sigma_x, sigma_y, rho, x, y].map(f64::from);
    let q = 1.0 / ((1.0 - rho) * (1.0 + rho));
    let channels = texture.len();
    let left = (place(across.start, *width) - x) / sigma_x;
    let step = if *width == 1 { 0.0 } else { 2.0 / ((width - 1) as f64 * sigma_x) };
    let mut weights = vec![[[0.0; LANES]; 3]; across.len().div_ceil(LANES)];
    // The sums of t S, t S^2, t Y, t Y^2 and t S Y.
    let mut sums = [0.0f64; 5];
    for row in down.clone() {
        let y = (place(row, *height) - y) / sigma_y;
        for (i, weights) in weights.iter_mut().enumerate() {
            *weights = weigh::<L>(left - rho * y + (i * LANES) as f64 * step, step, y, q);
        }
        let pixels = &gradient[(row * width + across.start) * channels..][..across.len() * channels];
        let row = Row { weights: &weights, pixels, texture };
        let (mut moments, mut channel) = ([0.0; 3], 0);
        // The number of sums that fit into the registers.
        if L == AVX512 {
            while channel + 2 * LANES <= channels {
                row.add::<L, { 2 * LANES }>(channel, of_texture, &mut moments);
                channel += 2 * LANES;
            }
        }
        while channel + LANES <= channels {
            row.add::<L, LANES>(channel, of_texture, &mut moments);
            channel += LANES;
        }
        while channel + 4 <= channels {
            row.add::<L, 4>(channel, of_texture, &mut moments);
            channel += 4;
        }
        while channel < channels {
            row.add::<L, 1>(channel, of_texture, &mut moments);
            channel += 1;
        }
        let [t, ts, tss] = moments;
        sums[0] += ts;
        sums[1] += tss;
        sums[2] += t * y;
        sums[3] += t * y * y;
        sums[4] += ts * y;
    }
    let [s, ss, y, yy, sy] = sums;
    // With X = S + rho Y and Y - rho X = Y / q - rho S.
    let gradients = [
        q * (ss + rho * sy) / sigma_x,
        (yy - rho * q * sy) / sigma_y,
        q * (sy - rho * q * ss),
        q * s / sigma_x,
        (y - rho * q * s) / sigma_y,
    ];
    for (to, gradient) in of_gaussian.iter_mut().zip(gradients) {
        *to = gradient as f32;
    }
}

/// `w`, `w S` and `w S^2` of successive pixels of a row, where `S` begins with `first` and grows by `step`.
#[inline(always)]
fn weigh<const L: u8>(first: f64, step: f64, y: f64, q: f64) -> [Lanes; 3] {
    /// Below this exponent a weight is nothing. `exp` ends here, and a support of any size must not give infinities.
    const LEAST: f32 = -87.0;
    let (mut slant, mut weight) = ([0.0f32; LANES], [0.0f32; LANES]);
    for (i, slant) in slant.iter_mut().enumerate() {
        *slant = (first + i as f64 * step) as f32;
    }
    let (q, of_y) = (-0.5 * q as f32, (-0.5 * y * y) as f32);
    for i in 0..LANES {
        let exponent = q * slant[i] * slant[i] + of_y;
        let near = exponent > LEAST;
        weight[i] = if near { exp::<L>(exponent) } else { 0.0 };
        slant[i] = if near { slant[i] } else { 0.0 };
    }
    let (mut first, mut second) = ([0.0; LANES], [0.0; LANES]);
    for i in 0..LANES {
        first[i] = weight[i] * slant[i];
        second[i] = first[i] * slant[i];
    }
    [weight, first, second]
}

/// A row of a token's box.
struct Row<'a> {
    /// [`weigh`] of the columns.
    weights: &'a [[Lanes; 3]],
    /// The map's gradient `[columns, C]`.
    pixels: &'a [f32],
    texture: &'a [f32],
}

impl Row<'_> {
    /// Adds the row's part to the gradient of `W` channels of the texture from `channel` on, and to the sums of `t`, `t S` and `t S^2`.
    #[inline(always)]
    fn add<const L: u8, const W: usize>(&self, channel: usize, of_texture: &mut [f32], moments: &mut [f64; 3]) {
        let channels = self.texture.len();
        let mut sums = [[0.0f32; W]; 3];
        for (weights, pixels) in self.weights.iter().zip(self.pixels.chunks(LANES * channels)) {
            for (i, pixel) in pixels.chunks_exact(channels).enumerate() {
                let Some(gradient) = pixel[channel..].first_chunk::<W>() else { break };
                for k in 0..3 {
                    let weight = weights[k][i % LANES];
                    for c in 0..W {
                        sums[k][c] = if fused(L) {
                            weight.mul_add(gradient[c], sums[k][c])
                        } else {
                            weight * gradient[c] + sums[k][c]
                        };
                    }
                }
            }
        }
        let texture = &self.texture[channel..channel + W];
        for c in 0..W {
            of_texture[channel + c] += sums[0][c];
        }
        for k in 0..3 {
            let mut product = 0.0;
            for c in 0..W {
                product += sums[k][c] * texture[c];
            }
            moments[k] += f64::from(product);
        }
    }
}
