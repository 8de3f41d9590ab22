//! A sheet of pictures and what a tokenizer makes of them.

use super::{
    batch::layout,
    crop::model_input,
    gradients::numbers,
    pictures::Pictures,
    random::{Purpose, Random},
    tokenizer::{Geometry, reconstruct},
};
use crate::{
    device::Compute,
    tokenizer::{Network, TILE},
};
use burn::tensor::Tensor;
use image::{Rgb, RgbImage, imageops};
use splatgraph_sdk::{Image, Result, Tensor as HostTensor};
use std::collections::BTreeMap;

const COLUMNS: usize = 4;

/// Four pictures of the folder, chosen by the seed: squares from their middle.
///
/// # Errors
/// No picture can be read.
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

/// The examples above, and what the network makes of them below.
///
/// # Errors
/// The weights are no tokenizer, or the device failed.
pub fn sheet(
    compute: &Compute,
    weights: BTreeMap<String, HostTensor>,
    geometry: Geometry,
    examples: &[RgbImage],
    tokens: usize,
) -> Result<RgbImage> {
    let tile = TILE as u32;
    let mut sheet = RgbImage::new(tile * examples.len() as u32, 2 * tile);
    compute.run(|| {
        let network = Network::load(weights, &compute.device)?.with_precision(compute.precision);
        for (column, example) in examples.iter().enumerate() {
            let input = model_input(example, false);
            let (gaussians, boxes) = layout(&input, tokens, 2.5)?;
            let tiles = compute.upload(input, [1, 3, TILE, TILE])?;
            let gaussians = compute.upload(gaussians, [1, tokens, 5])?;
            let decoded = reconstruct(&network, tiles, gaussians, &[boxes], geometry)?;
            let decoded = picture(decoded)?;
            let x = i64::from(column as u32 * tile);
            imageops::replace(&mut sheet, example, x, 0);
            imageops::replace(
                &mut sheet,
                &imageops::resize(&decoded, tile, tile, imageops::FilterType::Nearest),
                x,
                i64::from(tile),
            );
        }
        Ok(())
    })?;
    Ok(sheet)
}

/// `[1, 3, H, W]` with values -1..1 as bytes.
fn picture(decoded: Tensor<4>) -> Result<RgbImage> {
    let [_, _, height, width] = decoded.dims();
    let values = numbers(decoded)?;
    Ok(RgbImage::from_fn(width as u32, height as u32, |x, y| {
        let value = |channel: usize| values[(channel * height + y as usize) * width + x as usize];
        Rgb(std::array::from_fn(|channel| ((value(channel) + 1.0) * 127.5).round().clamp(0.0, 255.0) as u8))
    }))
}

/// The sheet as a value for previews.
///
/// # Errors
/// None.
pub fn as_image(sheet: &RgbImage) -> Result<Image> {
    let values = sheet.as_raw().iter().map(|byte| f32::from(*byte) / 255.0).collect();
    Image::new(HostTensor::from_vec([1, sheet.height() as usize, sheet.width() as usize, 3], values)?)
}
