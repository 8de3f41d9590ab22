//! The node `gpstoken.DuplicateTokens`.

use crate::edit::{
    affine::tell_left,
    area::Area,
    duplication::duplicate,
    token_set::{ANY, IfEmpty, edit_each, used},
};
use splatgraph_sdk::prelude::*;

/// Appends copies of tokens to the list, moved by some pixels.
///
/// The copies lie on top of existing tokens. A splat adds up, so both show through each other: first delete the tokens that
/// the copies should cover. The copy of a partly selected token has its texture scaled by how much the token is selected.
#[node(
    category = "GPSToken/Edit",
    outputs(tokens: "the tokens, followed by the copies", copies: "selects the copies, for example for a following TransformTokens")
)]
pub fn duplicate_tokens(
    /// The tokens.
    tokens: Tokens,
    /// Which tokens to copy; left out: all.
    selection: Option<Selection>,
    /// How far to the right, in pixels.
    #[input(default = 0.0)]
    move_x: f64,
    /// How far down, in pixels.
    #[input(default = 0.0)]
    move_y: f64,
    /// What to do for a picture in which no token is selected.
    #[input(default = IfEmpty::Error)]
    if_empty: IfEmpty,
    ctx: &Ctx,
) -> Result<(Tokens, Selection)> {
    let (area, support) = (Area::of_header(&tokens.header), tokens.header.support_or_default());
    let mut before = Vec::new();
    let duplicated = edit_each(&tokens, selection.as_ref(), ANY, if_empty, ctx, |b, set, selected| {
        before.push((b, set.len()));
        let left = duplicate(set, selected, [move_x, move_y], area, support).map_err(|e| e.blame("tokens"))?;
        tell_left(ctx, b, &left);
        Ok(())
    })?;
    let [rows, count, _] = duplicated.textures.dims()?;
    let used = used(duplicated.counts.as_ref(), [rows, count], rows)?;
    let mut copies = vec![0.0f32; rows * count];
    for (b, originals) in before {
        copies[b * count..][originals..used[b]].fill(1.0);
    }
    Ok((duplicated, Selection::new(Tensor::from_vec([rows, count], copies)?)?))
}
