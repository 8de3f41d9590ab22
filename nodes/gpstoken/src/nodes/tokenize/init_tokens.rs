//! The node `gpstoken.InitTokens`.

use crate::{
    partition::WeightMode,
    stages::layout::{Cut, layout},
};
use splatgraph_sdk::prelude::*;

/// Places more tokens where the picture has more detail: cuts it into regions by their entropy and starts a gaussian in each
/// region (paper, section 3.2).
///
/// The picture may have any size. The node cuts it in tiles of 256 x 256 pixels, and each tile gets `tokens` tokens. A tile
/// that reaches beyond the picture has its tokens where the picture is. With a threshold, the number of tokens depends on the
/// picture. FindTokenCount finds the number for a wanted PSNR.
#[node(category = "GPSToken", outputs(
    layout: "a gaussian and a region for each token",
    count: "tokens for each tile: `tokens`, or fewer with a threshold",
))]
#[expect(clippy::too_many_arguments, reason = "a node's inputs")]
pub fn init_tokens(
    /// The picture.
    image: Image,
    /// Tokens for each 256-pixel tile.
    #[input(default = Cut::TOKENS, min = 1, max = 65536)]
    tokens: u32,
    /// How strongly texture attracts tokens: the exponent of a region's entropy. 0 counts only the area.
    #[input(default = Cut::EXPONENT, min = 0, max = 100)]
    exponent: f64,
    /// The node does not cut a region whose sides are at most this many pixels plus one.
    #[input(default = Cut::MIN_REGION, min = 1, max = 256)]
    min_region: u32,
    /// Where more tokens are wanted: a weight for each pixel, in the size of the picture; one map for all pictures, or one
    /// for each.
    weight_map: Option<Mask>,
    /// The strength of the weight map, which multiplies its values. For comparison with weights that are added: the complexity
    /// of a textured pixel is about 10 to 40. No effect without a map.
    #[input(default = Cut::WEIGHT)]
    weight: f32,
    /// The node stops cutting when no region that can be cut is more complex than this; `tokens` is then the largest number.
    /// All tiles of all pictures get as many tokens as the tile that needs most. The complexity of a region is its pixels
    /// times entropy^exponent, about 2,000 to 10,000 for 16 x 16 textured pixels; ComplexityMap shows it. 0 always makes
    /// `tokens` tokens.
    #[input(default = 0.0, min = 0)]
    threshold: f64,
    /// How the weight map acts on the complexity of a region. Use `multiply` with a smaller `weight`: 1 doubles the complexity
    /// where the map is 1. No effect without a map.
    #[input(default = WeightMode::Add)]
    weight_mode: WeightMode,
    ctx: &Ctx,
) -> Result<(Layout, u32)> {
    let (tokens, min_region) = (tokens as usize, min_region as usize);
    let cut = Cut { tokens, exponent, min_region, weight_map, weight, weight_mode, threshold };
    layout(&image, &cut, ctx)
}
