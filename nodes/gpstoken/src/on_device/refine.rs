//! Refinement on a device: turns a layout and features into tokens.

use super::{
    Device, OnDevice, Parameter, elementwise_shader, roi_align,
    tiles::{split, stack, window},
};
use crate::tokenizer::{Geometry, Network, Sizes, Tiled};
use splatgraph_sdk::{Canvas, Ctx, Features, Result, Tokens};

/// Refines a layout to tokens on a device. Their header is `header`.
///
/// # Errors
/// The run was cancelled, or the device failed.
pub fn refine(
    network: &Network<Parameter>,
    device: &Device,
    features: &OnDevice<Features>,
    layout: Tiled<'_>,
    geometry: Geometry,
    header: Canvas,
    ctx: &Ctx,
) -> Result<OnDevice<Tokens>> {
    let features = features.tensor::<4>("features");
    let Tiled { batch, grid, count, per_tile, .. } = layout;
    let Sizes { bins, stem_channels, textures: channels, .. } = network.sizes;
    let (mut gaussians, mut regions) = (Vec::new(), Vec::new());
    let (mut done, total) = (0, batch * grid.count() + network.transformer.depth());
    let mut step = || {
        done += 1;
        ctx.step(done, total)
    };
    let [_, _, height, width] = features.dims();
    for b in 0..batch {
        let tiles = split(grid, &window(&features, b..b + 1, [0, 0], [width, height]));
        for ((index, tile), map) in grid.tiles().enumerate().zip(tiles) {
            let (local, boxes) = layout.tile(b, index, tile)?;
            gaussians.extend(local.concat());
            regions.push(roi_align(map.squeeze_dim(0), &boxes, bins)); // [N, stem, samples]
            step()?;
        }
    }
    let tiles = batch * grid.count();
    let gaussians = device.upload(gaussians, [tiles, per_tile, 5])?;
    let samples = bins * bins;
    let regions = stack(regions).reshape([tiles, per_tile, stem_channels, samples]);
    let (refined, textures) = network
        .transformer
        .forward(gaussians, regions, &mut |name, _| if name.ends_with(".out") { step() } else { Ok(()) })?;
    let mut placed = refined.reshape([batch, count, 5]);
    if grid.count() > 1 {
        let [scale, offset] = grid.scale_and_offset_to_canvas(count);
        placed = match elementwise_shader::place(&placed, &scale, &offset) {
            Some(placed) => placed,
            None => placed * device.upload(scale, [1, count, 5])? + device.upload(offset, [1, count, 5])?,
        };
    }
    if geometry == Geometry::AsGiven {
        placed = device.upload(layout.gaussians().as_slice::<f32>()?.to_vec(), [batch, count, 5])?;
    }
    let textures = textures.reshape([batch, count, channels]);
    Ok(OnDevice::new(device, Some(header)).with("gaussians", placed).with("textures", textures))
}
