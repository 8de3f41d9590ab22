//! The node `gpstoken.InitTokens`.

use crate::stages::layout::{Cut, layout};
use splatgraph_sdk::prelude::*;

/// Lays tokens where the picture has most to show: cuts it into regions by their entropy and starts a gaussian in each
/// (paper, section 3.2).
///
/// A picture of any size is worked on in tiles of 256 pixels, and each tile gets `tokens` tokens. A tile that reaches beyond the
/// picture lays them where the picture is. With a threshold the number follows from the picture. FindTokenCount finds one for a
/// PSNR.
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
    /// How much texture attracts tokens: the exponent of a region's entropy. 0 counts the area only.
    #[input(default = Cut::EXPONENT, min = 0, max = 100)]
    exponent: f64,
    /// Regions with sides of at most this many pixels plus one are not cut any more.
    #[input(default = Cut::MIN_REGION, min = 1, max = 256)]
    min_region: u32,
    /// Where tokens are wanted besides: a weight for each pixel, of the picture's size; one for all pictures, or one for each.
    weight_map: Option<Mask>,
    /// Strength of the weight map; a pixel of a textured place counts about 10 to 40 by itself. No effect without a map.
    #[input(default = Cut::WEIGHT)]
    weight: f32,
    /// Stops cutting when no region that can be cut is more complex than this; `tokens` is then the most there may be. All tiles
    /// of all pictures get as many as the one that needs most. A region counts its pixels times entropy^exponent, so that 16 x 16
    /// textured pixels count about 2,000 to 10,000; ComplexityMap shows it. 0 always makes `tokens`.
    #[input(default = 0.0, min = 0)]
    threshold: f64,
    ctx: &Ctx,
) -> Result<(Layout, u32)> {
    let cut = Cut { tokens: tokens as usize, exponent, min_region: min_region as usize, weight_map, weight, threshold };
    layout(&image, &cut, ctx)
}
