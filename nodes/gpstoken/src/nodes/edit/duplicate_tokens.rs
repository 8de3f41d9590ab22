//! The node `gpstoken.DuplicateTokens`.

use crate::edit::{
    affine::tell_left,
    area::Area,
    duplication::duplicate,
    token_set::{ANY, IfEmpty, edit_each, used},
};
use splatgraph_sdk::prelude::*;

/// Adds copies of tokens behind the others, moved by some pixels.
///
/// The copies lie upon what is there, and a splat adds up, so both shine through each other: delete what should be covered
/// first. The copy of a token that is selected by a part has that part of its texture.
#[node(
    category = "GPSToken/Edit",
    outputs(tokens: "the tokens, followed by the copies", copies: "selects the copies, for a TransformTokens behind it")
)]
pub fn duplicate_tokens(
    /// The tokens.
    tokens: Tokens,
    /// Which of them to copy; all without it.
    selection: Option<Selection>,
    /// Pixels to the right.
    #[input(default = 0.0)]
    move_x: f64,
    /// Pixels downwards.
    #[input(default = 0.0)]
    move_y: f64,
    /// What to do where nothing is selected.
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
