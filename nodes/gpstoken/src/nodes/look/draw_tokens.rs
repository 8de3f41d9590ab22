//! The node `gpstoken.DrawTokens`.

use crate::draw::{Colour, Style, TokensOrLayout, draw};
use splatgraph_sdk::prelude::*;

/// Shows where the tokens are: an ellipse at one sigma for each, small ones warm and large ones cool, and the outlines of the
/// regions where there are any.
///
/// `before` shows what an edit did: its tokens are drawn faintly, and where there are equally many, red lines lead from where
/// each one was to where it is.
#[node(category = "GPSToken", outputs(image: "the drawing"))]
#[expect(clippy::too_many_arguments, reason = "a node's inputs")]
pub fn draw_tokens(
    /// TOKENS or a LAYOUT.
    tokens: TokensOrLayout,
    /// Drawn upon, darkened a little; a dark canvas of the tokens' size without it.
    image: Option<Image>,
    /// How many times larger than the picture the drawing is.
    #[input(default = 1, min = 1, max = 8)]
    scale: u32,
    /// Ellipses are drawn at one sigma, and with 2 or 3 at two and three sigmas, too; a token reaches as far as its `support`.
    #[input(default = 1, min = 1, max = 3)]
    sigmas: u32,
    /// Writes each token's index, from 0; best with a scale of 3 or more.
    #[input(default = false)]
    ids: bool,
    /// What the colours say.
    #[input(default = Colour::Size)]
    colour: Colour,
    /// For `colour` = selection.
    selection: Option<Selection>,
    /// TOKENS or a LAYOUT from before an edit; one for all pictures, or one for each.
    before: Option<TokensOrLayout>,
    ctx: &Ctx,
) -> Result<Image> {
    let style = Style { image, scale, sigmas, ids, colour, selection, before };
    ctx.on_threads(|| draw(tokens, style, ctx))
}
