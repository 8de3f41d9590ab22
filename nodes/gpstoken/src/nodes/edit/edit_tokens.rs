//! The node `gpstoken.EditTokens`.

use crate::edit::{
    affine::tell_left,
    area::{Area, mask_values},
    list::{Surroundings, apply, read},
    token_set::{of_picture, put_together, take_apart, together},
};
use splatgraph_sdk::{Json, prelude::*};

/// Applies a list of edits in order. Each edit selects among the tokens that the edits before it left.
///
/// An edit is an object:
///
/// - `edit` is the kind: "transform", "delete", "duplicate" or "replace_textures".
/// - `select` says which tokens, with the criteria of SelectTokens by their names: `region`, `mask_threshold`, `min_sigma`,
///   `max_sigma`, `indices`, `nearest`, `nearest_count`, `similar`, `similar_count`, `similarity`. Left out: all tokens.
/// - `if_empty` is "error" or "keep".
/// - The other keys are inputs of the node that does this kind of edit. "transform" has move_x, move_y, scale_x, scale_y,
///   rotate, pivot, pivot_x, pivot_y; "delete" has fill; "duplicate" has move_x, move_y; "replace_textures" has source, the
///   criteria for the tokens whose textures it takes.
///
/// The result equals a chain of those nodes bit for bit. One thing differs: every index must exist in every picture of a batch.
#[node(category = "GPSToken/Edit", outputs(tokens: "the edited tokens"))]
pub fn edit_tokens(
    /// The tokens.
    tokens: Tokens,
    /// The edits, such as [{"edit": "transform", "select": {"region": [64, 64, 192, 192]}, "move_x": 20}, {"edit": "delete", "select": {"max_sigma": 2}}].
    edits: Json,
    /// The mask for edits that select by `mask_threshold`; it has the size of the canvas.
    mask: Option<Mask>,
    ctx: &Ctx,
) -> Result<Tokens> {
    let edits = read(&edits.0).map_err(|e| e.blame("edits"))?;
    let batch = tokens.textures.shape()[0];
    let (area, support) = (Area::of_header(&tokens.header), tokens.header.support_or_default());
    let rows = match &mask {
        Some(mask) => together(batch, "mask", mask.mask.shape()[0])?,
        None => batch,
    };
    let masks = mask.as_ref().map(|mask| mask_values(mask, area)).transpose()?;
    let mut sets = take_apart(&tokens, rows)?;
    for (b, set) in sets.iter_mut().enumerate() {
        ctx.step(b, rows)?;
        let mask = masks.as_ref().map(|masks| masks[b % masks.len()]);
        apply(&edits, set, Surroundings { area, support, mask }, &mut |left| tell_left(ctx, b, left))
            .map_err(|e| of_picture(e, b, rows))?;
    }
    ctx.step(rows, rows)?;
    put_together(&sets, &tokens)
}
