//! The node `gpstoken.RefineTokens`.

use crate::{
    device::Placed,
    stages::{self, tokenizer::Tokenizer},
    tokenizer::Geometry,
};
use splatgraph_sdk::prelude::*;

/// Turns a layout into tokens: moves and reshapes the gaussians and gives each a texture, from the features of the picture in
/// the regions (paper, section 3.3).
#[node(category = "GPSToken", outputs(tokens: "gaussians with textures"))]
pub fn refine_tokens(
    /// The tokenizer, from LoadTokenizer.
    tokenizer: Local<Tokenizer>,
    /// The features, from Encode with the same tokenizer.
    features: Placed<Features>,
    /// The layout, from InitTokens or another node that makes regions, for the same picture.
    layout: Layout,
    /// Whose gaussians the tokens have. `as given` switches the refinement of the geometry off to measure what it brings.
    #[input(default = Geometry::Refined)]
    geometry: Geometry,
    ctx: &Ctx,
) -> Result<Placed<Tokens>> {
    stages::refine::refine(&tokenizer, features, &layout, geometry, ctx)
}
