//! The node `gpstoken.Splat`.

use crate::{
    device::Placed,
    splat::Tiles,
    stages::{self, tokenizer::Tokenizer},
};
use splatgraph_sdk::prelude::*;

/// Spreads the tokens' textures over a map as gaussians (paper, section 3.1).
#[node(category = "GPSToken", outputs(map: "the decoder's input"))]
pub fn splat(
    /// The tokens.
    tokens: Placed<Tokens>,
    /// Takes the map's size and the support from this tokenizer instead of the tokens' header.
    tokenizer: Option<Local<Tokenizer>>,
    /// For pictures of several tiles. Where Decode is `merged`, this is too.
    #[input(default = Tiles::Merged)]
    tiles: Tiles,
    /// Experimental: how many times larger the map gets, and with it the decoded picture. The decoder was trained for 1 only: above,
    /// pictures get larger, but hardly sharper.
    #[input(default = 1.0, min = 0.5, max = 4)]
    scale: f32,
    ctx: &Ctx,
) -> Result<Placed<FeatureMap>> {
    stages::splat::splat(tokens, tokenizer.as_deref(), tiles, scale, ctx)
}
