//! The node `gpstoken.Decode`.

use crate::{
    device::Placed,
    stages::{self, tokenizer::Tokenizer},
    tokenizer::Together,
};
use splatgraph_sdk::prelude::*;

/// Turns a splatted map into a picture of the size that Encode got (paper, section 3.4).
///
/// - `merged` decodes all tiles of a map as one picture and normalises each picture by its own statistics. The authors do
///   this with their smaller models, up to 4 x 4 tiles. Larger maps are decoded `overlapping`.
/// - `separate` decodes tile by tile. The authors do this with models that were trained on larger maps. It needs the least
///   memory.
/// - `overlapping` decodes windows that extend an eighth of a tile beyond the tile on each side, and blends them there. It
///   makes no seams at any size and needs little memory, but about 1.6 times the work. It takes both settings of Splat: the
///   tokenizer was trained on `separate`; `merged` lets tokens reach into the tiles around them, as edited tokens may have
///   to.
///
/// A map that Splat made larger than the tokenizer's own is decoded `overlapping` instead of `merged`.
///
/// On the processor, an editor in a browser gets a draft of half the width and height first.
#[node(category = "GPSToken", outputs(image: "the picture, with values around 0..1 that are not clipped"))]
pub fn decode(
    /// The tokenizer, from LoadTokenizer.
    tokenizer: Local<Tokenizer>,
    /// The map, from Splat.
    map: Placed<FeatureMap>,
    /// How to decode a picture of several tiles.
    #[input(default = Together::Merged)]
    tiles: Together,
    ctx: &Ctx,
) -> Result<Placed<Image>> {
    if ctx.wants_drafts()
        && let Some(draft) = stages::decode::draft(&tokenizer, &map, tiles, ctx)?
    {
        ctx.preview(&draft.into_value()?);
    }
    stages::decode::decode(&tokenizer, map, tiles, ctx)
}
