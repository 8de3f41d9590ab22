//! Decode: turns a map into a picture on the tokenizer's device.

use super::tokenizer::Tokenizer;
use crate::{
    canvas::grid::Grid,
    device::{Loaded, Placed},
    on_device,
    tokenizer::{self, Pieces, Together},
};
use splatgraph_sdk::{Ctx, FeatureMap, Image, Result, Tensor};

/// Decodes maps to pictures.
///
/// # Errors
/// The map does not fit the tokenizer, the run was cancelled, or a device failed.
pub fn decode(tokenizer: &Tokenizer, map: Placed<FeatureMap>, tiles: Together, ctx: &Ctx) -> Result<Placed<Image>> {
    match &tokenizer.network {
        Loaded::Host(network) => {
            let FeatureMap { map, header } = map.into_host()?;
            let pieces = Pieces::new(&tokenizer.sizes, tokenizer.map, map.dims()?, &header, tiles)?;
            let step = |done, total| ctx.step(done, total);
            ctx.on_threads(|| tokenizer::decode(network, &tokenizer.workspace, &map, &pieces, step)).map(Placed::Host)
        }
        Loaded::Device(network, device) => {
            let map = map.into_device(device)?;
            let pieces = Pieces::new(&tokenizer.sizes, tokenizer.map, map.dims("map"), &map.header(), tiles)?;
            device.run(|| on_device::decode(network, device, &map, &pieces, ctx)).map(Placed::device)
        }
    }
}

/// A picture of half the width and height that shows in about a tenth of the time what [`decode`] will make of the first map. `None`
/// if the map lies on a device, which is quick enough, or can't be halved.
///
/// # Errors
/// As [`decode`].
pub fn draft(tokenizer: &Tokenizer, map: &Placed<FeatureMap>, tiles: Together, ctx: &Ctx) -> Result<Option<Image>> {
    let (Loaded::Host(network), Placed::Host(FeatureMap { map, header })) = (&tokenizer.network, map) else {
        return Ok(None);
    };
    let Some(half) = halved(map, Grid::of_header(header))? else { return Ok(None) };
    let pieces = Pieces::new(&tokenizer.sizes, tokenizer.map, half.dims()?, header, tiles)?;
    let cancelled = |_, _| ctx.check();
    ctx.on_threads(|| tokenizer::decode(network, &tokenizer.workspace, &half, &pieces, cancelled)).map(Some)
}

/// The first of maps `[B, C, h, w]` as `[1, C, h/2, w/2]`: each place has the mean of 2 x 2 places. `None` if a tile has an odd number
/// of places along a side.
fn halved(maps: &Tensor, tiles: Grid) -> Result<Option<Tensor>> {
    let [batch, channels, height, width] = maps.dims()?;
    let is_even = height.is_multiple_of(2 * tiles.rows) && width.is_multiple_of(2 * tiles.columns);
    if batch == 0 || height == 0 || width == 0 || !is_even {
        return Ok(None);
    }
    let first = &maps.as_slice::<f32>()?[..channels * height * width];
    let mean = |[upper, lower]: [&[f32]; 2]| -> Vec<f32> {
        let columns = upper.as_chunks::<2>().0.iter().zip(lower.as_chunks::<2>().0);
        columns.map(|(upper, lower)| (upper[0] + upper[1] + lower[0] + lower[1]) / 4.0).collect()
    };
    let rows = first.chunks_exact(2 * width).map(|pair| <[&[f32]; 2]>::from(pair.split_at(width)));
    let half: Vec<f32> = rows.flat_map(mean).collect();
    Tensor::from_vec([1, channels, height / 2, width / 2], half).map(Some)
}
