//! A tile cut out of a picture at random.

use super::random::Random;
use crate::canvas::{TILE, picture::model_value};
use image::{RgbImage, imageops};

/// Pictures are shrunk by up to this factor.
const WIDEST: f64 = 8.0;

/// A tile as the model's input, `[3, TILE, TILE]` with values -1..1: a square of 256 pixels up to the whole picture, shrunk to a tile,
/// and mirrored half of the time. A quarter of them are as wide as can be, three tenths in the picture's own pixels, the others
/// between, so that small and large structures are seen alike.
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

/// A tile's pixels as the model's input.
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
