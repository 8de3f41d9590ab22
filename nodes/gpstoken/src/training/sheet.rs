//! The sheet of examples of a tokenizer's training: pictures above, their reconstructions below.

use super::{
    adversary::Geometry,
    batch::layout,
    crop::model_input,
    gradients::Trainer,
    pictures::Pictures,
    random::{Purpose, Random},
};
use crate::canvas::TILE;
use image::{Rgb, RgbImage, imageops};
use splatgraph_sdk::{Image, Result, Tensor};
use std::collections::BTreeMap;

const COLUMNS: usize = 4;

/// The central squares of four pictures of the folder. The seed chooses the pictures.
///
/// # Errors
/// None of the pictures is usable.
pub fn examples(pictures: &Pictures, seed: u64) -> Result<Vec<RgbImage>> {
    let example = |i: usize| {
        let mut random = Random::new(seed, Purpose::Preview, i as u64, 0);
        let picture = pictures.get(random.below(pictures.count()))?;
        let (width, height) = picture.dimensions();
        let side = width.min(height);
        let cut = imageops::crop_imm(&*picture, (width - side) / 2, (height - side) / 2, side, side);
        Ok(imageops::resize(&*cut, TILE as u32, TILE as u32, imageops::FilterType::Triangle))
    };
    (0..COLUMNS).map(example).collect()
}

/// A picture with its initial layout: the input of a reconstruction.
#[derive(Debug)]
pub struct Example {
    /// `[3, TILE, TILE]` with values -1..1.
    pub picture: Vec<f32>,
    /// `[N, 5]`.
    pub gaussians: Vec<f32>,
    /// The gaussians' regions in pixels, `[N, 4]`.
    pub boxes: Vec<[f32; 4]>,
}

/// Draws the sheet: the examples above, the network's reconstructions below.
///
/// # Errors
/// The weights are not a tokenizer's, or the device failed.
pub fn sheet(
    trainer: &Trainer,
    weights: &BTreeMap<String, Tensor>,
    geometry: Geometry,
    examples: &[RgbImage],
    tokens: usize,
) -> Result<RgbImage> {
    let tile = TILE as u32;
    let mut sheet = RgbImage::new(tile * examples.len() as u32, 2 * tile);
    let with_layout = |example: &RgbImage| {
        let picture = model_input(example, false);
        let (gaussians, boxes) = layout(&picture, tokens, 2.5)?;
        Ok(Example { picture, gaussians, boxes })
    };
    let inputs = examples.iter().map(with_layout).collect::<Result<_>>()?;
    let reconstructed = trainer.reconstruct(weights, inputs, geometry)?;
    for (column, (example, (values, size))) in examples.iter().zip(reconstructed).enumerate() {
        let decoded = imageops::resize(&picture(&values, size), tile, tile, imageops::FilterType::Nearest);
        let x = i64::from(column as u32 * tile);
        imageops::replace(&mut sheet, example, x, 0);
        imageops::replace(&mut sheet, &decoded, x, i64::from(tile));
    }
    Ok(sheet)
}

/// Converts numbers `[3, H, W]` with values -1..1 to a picture of bytes.
fn picture(values: &[f32], [height, width]: [usize; 2]) -> RgbImage {
    RgbImage::from_fn(width as u32, height as u32, |x, y| {
        let value = |channel: usize| values[(channel * height + y as usize) * width + x as usize];
        Rgb(std::array::from_fn(|channel| ((value(channel) + 1.0) * 127.5).round().clamp(0.0, 255.0) as u8))
    })
}

/// The sheet as a value for previews.
///
/// # Errors
/// None.
pub fn as_image(sheet: &RgbImage) -> Result<Image> {
    let values = sheet.as_raw().iter().map(|byte| f32::from(*byte) / 255.0).collect();
    Image::new(Tensor::from_vec([1, sheet.height() as usize, sheet.width() as usize, 3], values)?)
}
