//! The node `gpstoken.Encode`.

use crate::{
    device::Placed,
    stages::{self, tokenizer::Tokenizer},
};
use splatgraph_sdk::prelude::*;

/// Looks at a picture: gives the feature map that RefineTokens samples (paper, section 3.3).
///
/// A picture of any size is encoded tile by tile, each of 256 pixels and by itself; tiles at the right and lower border that reach
/// beyond the picture repeat its last pixels.
#[node(category = "GPSToken", outputs(features: "as many pixels as the tiles have"))]
pub fn encode(
    /// From LoadTokenizer.
    tokenizer: Local<Tokenizer>,
    /// The picture.
    image: Image,
    ctx: &Ctx,
) -> Result<Placed<Features>> {
    stages::encode::encode(&tokenizer, &image, ctx)
}
