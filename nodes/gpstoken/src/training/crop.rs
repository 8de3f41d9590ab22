//! Random crops of a picture.

use super::random::Random;
use crate::canvas::{TILE, picture::model_value};
use image::{RgbImage, imageops};

/// The largest factor by which a crop is shrunk.
const WIDEST: f64 = 8.0;

/// A random crop as the model's input, `[3, TILE, TILE]` with values -1..1. The crop is a square between 256 pixels and the whole picture,
/// shrunk to a tile. Half of the crops are mirrored. A quarter of the crops are as wide as possible, three tenths keep the picture's own
/// pixels, and the others lie between, so that the network sees small and large structures equally often.
pub fn random_tile(picture: &RgbImage, random: &mut Random) -> Vec<f32> {
    let (width, height) = picture.dimensions();
    let short = width.min(height);
    let widest = (f64::from(short) / TILE as f64).clamp(1.0, WIDEST);
    let kind = random.unit();
    let between = widest.powf(random.unit());
    let scale = if kind < 0.25 {
        widest
    } else if kind < 0.55 {
        1.0
    } else {
        between
    };
    let side = ((TILE as f64 * scale) as u32).min(short);
    let x = random.below((width - side + 1) as usize) as u32;
    let y = random.below((height - side + 1) as usize) as u32;
    let mirrored = random.unit() < 0.5;
    let cut = imageops::crop_imm(picture, x, y, side, side);
    let tile = TILE as u32;
    let pixels =
        if side == tile { cut.to_image() } else { imageops::resize(&*cut, tile, tile, imageops::FilterType::Triangle) };
    model_input(&pixels, mirrored)
}

/// Converts a tile's pixels to the model's input.
pub fn model_input(pixels: &RgbImage, mirrored: bool) -> Vec<f32> {
    let mut input = vec![0.0; 3 * TILE * TILE];
    for (x, y, pixel) in pixels.enumerate_pixels() {
        let x = if mirrored { TILE - 1 - x as usize } else { x as usize };
        for (channel, &byte) in pixel.0.iter().enumerate() {
            input[(channel * TILE + y as usize) * TILE + x] = model_value(f32::from(byte) / 255.0);
        }
    }
    input
}
