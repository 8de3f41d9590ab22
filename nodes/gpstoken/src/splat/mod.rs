//! Splatting: every token spreads its texture over the map as an unnormalised gaussian, cut off at a box (paper, section 3.1).
//!
//! With a pixel's place `(u, v)` in -1..1 (first and last pixel centres at the ends), `X = (u - x) / sigma_x` and
//! `Y = (v - y) / sigma_y`, a token adds `exp(-(X^2 - 2 rho X Y + Y^2) / (2 (1 - rho^2)))` times its texture where
//! `|X| <= support` and `|Y| <= support`. Nothing is added for the background, and weights are not divided by their sum.
//!
//! A token contributes nothing when a number of its geometry is not finite, a sigma is not above 0, or `|rho|` is not below
//! 1. A map of one column (or row) has its pixels at `u = 0` (or `v = 0`).

mod cpu;
pub mod node;
mod reference;

pub use cpu::splat;
pub use node::Tiles;
pub use reference::splat_dense;

/// Where pixels are: `2 i / (size - 1) - 1`, computed in f64 and rounded, as the authors' kernel does.
fn places(size: usize) -> Vec<f32> {
    (0..size).map(|i| place(i, size) as f32).collect()
}

fn place(i: usize, size: usize) -> f64 {
    if size == 1 { 0.0 } else { 2.0 * i as f64 / (size - 1) as f64 - 1.0 }
}
