//! The node `gpstoken.Decode`.

use crate::{
    device::Placed,
    stages::{self, tokenizer::Tokenizer},
    tokenizer::Together,
};
use splatgraph_sdk::prelude::*;

/// Turns a splatted map into a picture (paper, section 3.4), as large as the one that was encoded.
///
/// - `merged` decodes the tiles of a map as one picture, each normalised by its own statistics: what the authors do with their
///   smaller models, up to 4 x 4 tiles. What is larger is decoded `overlapping`.
/// - `separate` decodes tile by tile, as the authors do with models that were trained on larger maps. It needs the least memory.
/// - `overlapping` decodes windows that are an eighth of a tile larger than it on each side, and go over into each other there: no
///   seams, in any size, with little memory. About 1.6 times the work. Splat may be either; `separate` is what the tokenizer was
///   trained on, `merged` lets tokens reach into the tiles around them, as edited ones may have to.
///
/// A map that was splatted larger than the tokenizer's own is decoded `overlapping` instead of `merged`.
#[node(category = "GPSToken", outputs(image: "values around 0..1, not cut off"))]
pub fn decode(
    /// From LoadTokenizer.
    tokenizer: Local<Tokenizer>,
    /// From Splat.
    map: Placed<FeatureMap>,
    /// For pictures of several tiles.
    #[input(default = Together::Merged)]
    tiles: Together,
    ctx: &Ctx,
) -> Result<Placed<Image>> {
    stages::decode::decode(&tokenizer, map, tiles, ctx)
}
