//! The node `gpstoken.DeleteTokens`.

use crate::edit::{
    removal::delete,
    token_set::{HALF, IfEmpty, edit_each},
};
use splatgraph_sdk::prelude::*;

/// Takes tokens away, those that are selected by at least a half; what was behind them is filled by their neighbours.
///
/// A splat is a sum of gaussians, so a token that is taken away leaves a hole. With `fill` each gives what it weighs in that sum to the
/// tokens that overlap it most; they grow and lean into the hole, and so does their texture. The sum of all weights stays what
/// it was. Without `fill` the others stay as they are. The rest keeps its order; in a batch, pictures that come out with fewer
/// tokens are padded.
#[node(category = "GPSToken/Edit", outputs(tokens: "the tokens that stay"))]
pub fn delete_tokens(
    /// The tokens.
    tokens: Tokens,
    /// Which of them to take away.
    selection: Selection,
    /// Whether the neighbours grow into the hole.
    #[input(default = true)]
    fill: bool,
    /// What to do where nothing is selected.
    #[input(default = IfEmpty::Error)]
    if_empty: IfEmpty,
    ctx: &Ctx,
) -> Result<Tokens> {
    edit_each(&tokens, Some(&selection), HALF, if_empty, ctx, |_, set, selected| {
        delete(set, selected, fill).map_err(|e| e.blame("selection"))
    })
}
