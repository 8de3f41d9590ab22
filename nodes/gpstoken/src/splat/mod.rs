//! The splat: every token spreads its texture over the map as an unnormalised gaussian that ends at a box (paper, section 3.1).
//!
//! With a pixel's place `(u, v)` in -1..1 (first and last pixel centres at the ends), `X = (u - x) / sigma_x` and
//! `Y = (v - y) / sigma_y`, a token adds `exp(-(X^2 - 2 rho X Y + Y^2) / (2 (1 - rho^2)))` times its texture where
//! `|X| <= support` and `|Y| <= support`. Nothing is added for the background, and weights are not divided by their sum.
//!
//! A token contributes nothing if a number of its geometry is not finite, a sigma is not a normal number above 0, or `|rho|`
//! is not below 1. A map of one column (or row) has its pixels at `u = 0` (or `v = 0`).
//!
//! `splat_forward` and `splat_backward` have shaders of the same names. `on_device` has the launches of the shaders, and a
//! dense form for all other devices. `pixels_backward` is the fast form of `splat_backward` for the tape of `gradients`.

mod map;
mod pixels_backward;
mod splat_backward;
mod splat_forward;

pub use map::{Target, Tiles, splat_map, without_padding};
pub use pixels_backward::splat_pixels_backward;
pub use splat_backward::{splat_backward, splat_backward_in_f64};
pub use splat_forward::{splat, splat_pixels};

use std::ops::Range;

/// Whether a token contributes at all. Sigmas too small for normal numbers count as 0, as on graphics cards.
pub(crate) fn is_usable(gaussian: &[f32]) -> bool {
    let &[sigma_x, sigma_y, rho, ..] = gaussian else { return false };
    let wide = |sigma: f32| sigma >= f32::MIN_POSITIVE;
    gaussian.iter().all(|v| v.is_finite()) && wide(sigma_x) && wide(sigma_y) && rho.abs() < 1.0
}

/// The range of `places`, which ascend, that are at most `reach` away from `centre`. Computed in f32 like the authors'
/// kernel; the border belongs to the box.
fn covered(places: &[f32], centre: f32, reach: f32) -> Range<usize> {
    places.partition_point(|place| place - centre < -reach)..places.partition_point(|place| place - centre <= reach)
}

/// The places of pixels, `2 i / (size - 1) - 1`, computed in f64 and rounded like in the authors' kernel.
pub(crate) fn places(size: usize) -> Vec<f32> {
    (0..size).map(|i| place(i, size) as f32).collect()
}

fn place(i: usize, size: usize) -> f64 {
    if size == 1 { 0.0 } else { 2.0 * i as f64 / (size - 1) as f64 - 1.0 }
}
