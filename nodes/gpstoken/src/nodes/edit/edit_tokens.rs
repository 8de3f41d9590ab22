//! The node `gpstoken.EditTokens`.

use crate::edit::{
    affine::tell_left,
    area::{Area, mask_values},
    list::{Surroundings, apply, read},
    token_set::{of_picture, put_together, take_apart, together},
};
use splatgraph_sdk::{Json, prelude::*};

/// Applies a list of edits in order, each to the tokens that it selects among what the ones before it left.
///
/// An edit is an object. `edit` says what to do; `select` which tokens, with the criteria of SelectTokens by their names (`region`,
/// `mask_threshold`, `min_sigma`, `max_sigma`, `indices`, `nearest`, `nearest_count`, `similar`, `similar_count`, `similarity`), all
/// tokens without it; `if_empty` is "error" or "keep". The others are the inputs of the node that does the same:
/// "transform" has move_x, move_y, scale_x, scale_y, rotate, pivot, pivot_x, pivot_y; "delete" has fill; "duplicate" has move_x,
/// move_y; "replace_textures" has source, criteria for the tokens whose textures are taken. A list of edits gives what a chain
/// of those nodes gives, bit for bit; but every index has to be there in every picture of a batch.
#[node(category = "GPSToken/Edit", outputs(tokens: "the edited tokens"))]
pub fn edit_tokens(
    /// The tokens.
    tokens: Tokens,
    /// Such as [{"edit": "transform", "select": {"region": [64, 64, 192, 192]}, "move_x": 20}, {"edit": "delete", "select": {"max_sigma": 2}}].
    edits: Json,
    /// For edits that select by `mask_threshold`; of the canvas's size.
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
