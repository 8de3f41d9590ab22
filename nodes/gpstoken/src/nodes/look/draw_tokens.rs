//! The node `gpstoken.DrawTokens`.

use crate::draw::{Colour, Style, TokensOrLayout, draw};
use splatgraph_sdk::prelude::*;

/// Draws each token as an ellipse at one sigma, small ones in warm and large ones in cool colours, and the outlines of the
/// regions if there are any.
///
/// `before` shows the effect of an edit: the node draws its tokens faintly. If both have equally many tokens, red lines lead
/// from the old place of each token to the new one.
#[node(category = "GPSToken", outputs(image: "the drawing"))]
#[expect(clippy::too_many_arguments, reason = "a node's inputs")]
pub fn draw_tokens(
    /// TOKENS or a LAYOUT.
    tokens: TokensOrLayout,
    /// The background, darkened a little; left out: a dark canvas of the tokens' size.
    image: Option<Image>,
    /// The size of the drawing as a multiple of the size of the picture.
    #[input(default = 1, min = 1, max = 8)]
    scale: u32,
    /// 1 draws ellipses at one sigma; 2 and 3 add ellipses at two and three sigmas. A token reaches as far as its `support`.
    #[input(default = 1, min = 1, max = 3)]
    sigmas: u32,
    /// Writes the index of each token, from 0; most readable with a scale of 3 or more.
    #[input(default = false)]
    ids: bool,
    /// What the colours show.
    #[input(default = Colour::Size)]
    colour: Colour,
    /// The selection for the colour `selection`.
    selection: Option<Selection>,
    /// TOKENS or a LAYOUT before an edit; one for all pictures, or one for each.
    before: Option<TokensOrLayout>,
    ctx: &Ctx,
) -> Result<Image> {
    let style = Style { image, scale, sigmas, ids, colour, selection, before };
    ctx.on_threads(|| draw(tokens, style, ctx))
}
