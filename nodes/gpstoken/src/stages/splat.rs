//! Splat: turns tokens into a map on the tokens' device.

use super::tokenizer::Tokenizer;
use crate::{
    device::{Compute, Placed},
    on_device,
    splat::{Target, Tiles, splat_map, without_padding},
};
use splatgraph_sdk::{Canvas, Ctx, FeatureMap, Result, Tokens};

/// Splats tokens to maps, `scale` times as large as the tokenizer's map. Tokens in the host's memory are uploaded first if the next
/// stage computes on a device.
///
/// # Errors
/// The map would be too large, the tiles can't be splatted separately, the run was cancelled, or a device failed.
pub fn splat(
    tokens: Placed<Tokens>,
    tokenizer: Option<&Tokenizer>,
    tiles: Tiles,
    scale: f32,
    ctx: &Ctx,
) -> Result<Placed<FeatureMap>> {
    let compute = match (&tokens, tokenizer) {
        (Placed::Device(tokens), _) => Compute::Device(tokens.on().clone()),
        (Placed::Host(_), Some(tokenizer)) => tokenizer.network.compute(),
        (Placed::Host(_), None) => Compute::of_run(ctx, None)?,
    };
    let own = tokenizer.map(|tokenizer| (tokenizer.map, tokenizer.support));
    let target = |header: Canvas, textures: [usize; 3]| Target::new(header, textures, own, tiles, scale);
    match compute {
        Compute::Host => {
            let tokens = tokens.into_host()?;
            let target = target(tokens.header.clone(), tokens.textures.dims()?)?;
            ctx.on_threads(|| splat_map(&tokens, &target, ctx)).map(Placed::Host)
        }
        Compute::Device(device) => {
            let tokens = match tokens {
                Placed::Host(tokens) => Placed::Host(without_padding(tokens, tiles)?),
                on_device => on_device,
            };
            let tokens = tokens.into_device(&device)?;
            let target = target(tokens.header(), tokens.dims("textures"))?;
            device.run(|| on_device::splat_map(&tokens, &target)).map(Placed::device)
        }
    }
}
