//! Decode: turns a map into a picture on the tokenizer's device.

use super::tokenizer::Tokenizer;
use crate::{
    device::{Loaded, Placed},
    on_device,
    tokenizer::{self, Pieces, Together},
};
use splatgraph_sdk::{Ctx, FeatureMap, Image, Result};

/// Decodes maps to pictures.
///
/// # Errors
/// The map does not fit the tokenizer, the run was cancelled, or a device failed.
pub fn decode(tokenizer: &Tokenizer, map: Placed<FeatureMap>, tiles: Together, ctx: &Ctx) -> Result<Placed<Image>> {
    match &tokenizer.network {
        Loaded::Host(network) => {
            let FeatureMap { map, header } = map.into_host()?;
            let pieces = Pieces::new(&tokenizer.sizes, tokenizer.map, map.dims()?, &header, tiles)?;
            ctx.on_threads(|| tokenizer::decode(network, &tokenizer.workspace, &map, &pieces, ctx)).map(Placed::Host)
        }
        Loaded::Device(network, device) => {
            let map = map.into_device(device)?;
            let pieces = Pieces::new(&tokenizer.sizes, tokenizer.map, map.dims("map"), &map.header(), tiles)?;
            device.run(|| on_device::decode(network, device, &map, &pieces, ctx)).map(Placed::device)
        }
    }
}
