//! The node `gpstoken.DeleteTokens`.

use crate::edit::{
    removal::delete,
    token_set::{HALF, IfEmpty, edit_each},
};
use splatgraph_sdk::prelude::*;

/// Deletes tokens and lets their neighbours fill the hole.
///
/// The node deletes each token that is selected by at least a half. A splat is a sum of gaussians, so a deleted token leaves
/// a hole. With `fill`, each deleted token passes its weight in that sum to the tokens that overlap it most. These grow and
/// lean into the hole, and so does their texture. The sum of all weights stays the same. Without `fill`, the other tokens do
/// not change.
///
/// The remaining tokens keep their order. In a batch, pictures that end up with fewer tokens than others are padded.
#[node(category = "GPSToken/Edit", outputs(tokens: "the remaining tokens"))]
pub fn delete_tokens(
    /// The tokens.
    tokens: Tokens,
    /// Which tokens to delete.
    selection: Selection,
    /// Whether the neighbours grow into the hole.
    #[input(default = true)]
    fill: bool,
    /// What to do for a picture in which no token is selected.
    #[input(default = IfEmpty::Error)]
    if_empty: IfEmpty,
    ctx: &Ctx,
) -> Result<Tokens> {
    edit_each(&tokens, Some(&selection), HALF, if_empty, ctx, |_, set, selected| {
        delete(set, selected, fill).map_err(|e| e.blame("selection"))
    })
}
