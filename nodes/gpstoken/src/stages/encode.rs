//! Encode: turns a picture into features on the tokenizer's device.

use super::tokenizer::Tokenizer;
use crate::{
    canvas::grid::Grid,
    device::{Loaded, Placed},
    on_device, tokenizer,
};
use splatgraph_sdk::{Ctx, Features, Image, Result};

/// Encodes pictures to features.
///
/// # Errors
/// A picture is too small or too large, the run was cancelled, or the device failed.
pub fn encode(tokenizer: &Tokenizer, image: &Image, ctx: &Ctx) -> Result<Placed<Features>> {
    let [_, height, width, _] = image.image.dims()?;
    let grid = Grid::of_picture(width, height)?;
    match &tokenizer.network {
        Loaded::Host(network) => {
            ctx.on_threads(|| tokenizer::encode(network, &tokenizer.workspace, image, grid, ctx)).map(Placed::Host)
        }
        Loaded::Device(network, device) => {
            device.run(|| on_device::encode(network, device, image, grid, ctx)).map(Placed::device)
        }
    }
}
