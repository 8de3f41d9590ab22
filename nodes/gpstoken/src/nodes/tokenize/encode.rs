//! The node `gpstoken.Encode`.

use crate::{
    device::Placed,
    stages::{self, tokenizer::Tokenizer},
};
use splatgraph_sdk::prelude::*;

/// Turns a picture into the feature map that RefineTokens samples (paper, section 3.3).
///
/// The picture may have any size. The node encodes it in tiles of 256 x 256 pixels, each by itself. Tiles at the right and
/// lower border that reach beyond the picture repeat its last pixels.
#[node(category = "GPSToken", outputs(features: "the feature map, with as many pixels as the tiles"))]
pub fn encode(
    /// The tokenizer, from LoadTokenizer.
    tokenizer: Local<Tokenizer>,
    /// The picture.
    image: Image,
    ctx: &Ctx,
) -> Result<Placed<Features>> {
    stages::encode::encode(&tokenizer, &image, ctx)
}
