//! The map of a picture's tiles on a device.

use super::{
    OnDevice,
    arrange_shader::{Arrangement, arrange},
    elementwise_shader, splat_tensor,
};
use crate::splat::{Target, Tiles};
use burn::tensor::{FloatDType, Tensor};
use splatgraph_sdk::{FeatureMap, Result, Tokens};

/// Splats tokens on a device to maps.
///
/// # Errors
/// The tiles can't be splatted separately, or the device failed.
pub fn splat_map(tokens: &OnDevice<Tokens>, target: &Target) -> Result<OnDevice<FeatureMap>> {
    let &Target { batch, count, channels, grid, support, .. } = target;
    target.check_tiles(&vec![count; batch])?;
    let device = tokens.on();
    let (mut gaussians, textures) = (tokens.tensor::<3>("gaussians"), tokens.tensor::<3>("textures"));
    let map = if target.tiles == Tiles::Merged || grid.count() == 1 {
        splat_tensor(gaussians, textures, target.whole(), support)
    } else {
        let [scale, offset] = grid.scale_and_offset_to_tiles(count);
        gaussians = match elementwise_shader::place(&gaussians, &scale, &offset) {
            Some(gaussians) => gaussians,
            None => gaussians * device.upload(scale, [1, count, 5])? + device.upload(offset, [1, count, 5])?,
        };
        let (tiles, per_tile) = (batch * grid.count(), count / grid.count());
        let tiles = splat_tensor(
            gaussians.reshape([tiles, per_tile, 5]),
            textures.reshape([tiles, per_tile, channels]),
            target.map,
            support,
        ); // [B tiles, C, h, w]
        let [width, height] = target.map;
        let [whole_width, whole_height] = target.whole();
        let (shape, plane) = ([batch, channels, whole_height, whole_width], height * width);
        let whole = whole_height * whole_width;
        let tile = channels * plane;
        let joined = Arrangement {
            lengths: [batch, grid.rows, grid.columns, channels, height, width],
            strides: [
                [grid.count() * tile, grid.columns * tile, tile, plane, width, 1],
                [channels * whole, height * whole_width, width, whole, whole_width, 1],
            ],
            first: [0, 0],
        };
        arrange(&tiles, shape, FloatDType::F32, &joined).unwrap_or_else(|| {
            let tiles: Tensor<6> = tiles.reshape([batch, grid.rows, grid.columns, channels, height, width]);
            tiles.permute([0, 3, 1, 4, 2, 5]).reshape(shape)
        })
    };
    Ok(OnDevice::new(device, Some(target.header.clone())).with("map", map))
}
