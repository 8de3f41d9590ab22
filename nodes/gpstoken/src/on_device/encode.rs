//! Encoding on a device: turns a picture into features, tile by tile.

use super::{
    Device, OnDevice, Parameter,
    tiles::{join, stack},
};
use crate::{
    canvas::{TILE, grid::Grid, picture::tile_input},
    tokenizer::{Network, STEM_STAGES},
};
use burn::tensor::Tensor;
use splatgraph_sdk::{Ctx, Features, Image, Result};

/// Encodes pictures with the tiles of `grid` to features, on a device.
///
/// # Errors
/// The run was cancelled, or the device failed.
pub fn encode(
    network: &Network<Parameter>,
    device: &Device,
    image: &Image,
    grid: Grid,
    ctx: &Ctx,
) -> Result<OnDevice<Features>> {
    let [batch, height, width, _] = image.image.dims()?;
    let pictures = image.image.as_slice::<f32>()?;
    let (mut done, total) = (0, batch * grid.count() * STEM_STAGES);
    let mut encode = |picture: &[f32], tile: [usize; 2]| -> Result<Tensor<4>> {
        let input = device.upload(tile_input(picture, [width, height], tile), [1, 3, TILE, TILE])?;
        network.stem.forward(input, &mut |_, _| {
            done += 1;
            ctx.step(done, total)
        })
    };
    let picture = |b: usize| -> Result<Tensor<4>> {
        let picture = &pictures[b * height * width * 3..][..height * width * 3];
        let tiles = grid.tiles().map(|tile| encode(picture, tile)).collect::<Result<Vec<_>>>()?;
        Ok(join(grid, tiles))
    };
    let features = stack((0..batch).map(picture).collect::<Result<Vec<_>>>()?); // [B, C, H, W]
    Ok(OnDevice::new(device, None).with("features", features))
}
