//! The node `gpstoken.Splat`.

use crate::{
    device::Placed,
    splat::Tiles,
    stages::{self, tokenizer::Tokenizer},
};
use splatgraph_sdk::prelude::*;

/// Spreads the tokens' textures over a map as gaussians (paper, section 3.1).
#[node(category = "GPSToken", outputs(map: "the map for Decode"))]
pub fn splat(
    /// The tokens.
    tokens: Placed<Tokens>,
    /// Gives the size of the map and the support; left out: the header of the tokens gives them.
    tokenizer: Option<Local<Tokenizer>>,
    /// How to splat a picture of several tiles. If Decode is `merged`, set this to `merged` too.
    #[input(default = Tiles::Merged)]
    tiles: Tiles,
    /// Experimental: a factor of the size of the map and of the decoded picture. The decoder was trained for 1 only; with
    /// larger factors pictures get larger, but hardly sharper.
    #[input(default = 1.0, min = 0.5, max = 4)]
    scale: f32,
    ctx: &Ctx,
) -> Result<Placed<FeatureMap>> {
    stages::splat::splat(tokens, tokenizer.as_deref(), tiles, scale, ctx)
}
