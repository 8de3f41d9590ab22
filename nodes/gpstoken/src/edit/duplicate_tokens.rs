//! The node `gpstoken.DuplicateTokens`.

use super::{
    affine::Transform,
    area::Area,
    token_set::{ANY, IfEmpty, TokenSet, edit_each},
    transform_tokens::tell_left,
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
    let used = super::token_set::used(duplicated.counts.as_ref(), [rows, count], rows)?;
    let mut copies = vec![0.0f32; rows * count];
    for (b, originals) in before {
        copies[b * count..][originals..used[b]].fill(1.0);
    }
    Ok((duplicated, Selection::new(Tensor::from_vec([rows, count], copies)?)?))
}

/// Adds the copies; gives the indices of those that left the canvas.
pub(super) fn duplicate(
    set: &mut TokenSet,
    selected: &[f32],
    [move_x, move_y]: [f64; 2],
    area: Area,
    support: f32,
) -> Result<Vec<usize>> {
    let indices: Vec<usize> = (0..set.len()).filter(|index| selected[*index] > 0.0).collect();
    let mut copies = set.pick(indices.iter().copied());
    for (copy, index) in indices.iter().enumerate() {
        copies.texture_mut(copy).iter_mut().for_each(|v| *v *= selected[*index]);
    }
    let everything = vec![1.0; copies.len()];
    let left = Transform { move_x, move_y, ..Transform::default() }.apply(&mut copies, &everything, area, support)?;
    let first = set.len();
    set.gaussians.append(&mut copies.gaussians);
    set.textures.append(&mut copies.textures);
    Ok(left.into_iter().map(|copy| first + copy).collect())
}
