//! The node `gpstoken.TransformTokens`.

use crate::edit::{
    affine::{Pivot, Transform, tell_left},
    area::Area,
    token_set::{ANY, IfEmpty, edit_each},
};
use splatgraph_sdk::prelude::*;

/// Moves, scales, mirrors and turns tokens: one affine map about a pivot, applied to their means and covariances.
///
/// First comes the scaling, then the turn, then the move; all in pixels, so that a turn stays one on a canvas that is not
/// square. Where nothing changes no bit does, and on a square canvas of whole tiles four quarter turns or two mirrorings about
/// its middle give everything back bit for bit; about other pivots places may differ in their last bits. A token that is selected by a part goes
/// that part of the way: its mean and covariance are between what they were and what they would be.
///
/// Tokens may leave the canvas. They stay in the list and can be moved back; what still reaches in is seen. The log says how
/// many no longer do. A token that would shrink below a hundredth of a pixel is an error.
#[node(category = "GPSToken/Edit", outputs(tokens: "the tokens, in the same order"))]
#[expect(clippy::too_many_arguments, reason = "a node's inputs")]
pub fn transform_tokens(
    /// The tokens.
    tokens: Tokens,
    /// Which of them; all without it.
    selection: Option<Selection>,
    /// Pixels to the right.
    #[input(default = 0.0)]
    move_x: f64,
    /// Pixels downwards.
    #[input(default = 0.0)]
    move_y: f64,
    /// How many times wider; below 0 also mirrored.
    #[input(default = 1.0)]
    scale_x: f64,
    /// How many times higher; below 0 also mirrored.
    #[input(default = 1.0)]
    scale_y: f64,
    /// Degrees, clockwise.
    #[input(default = 0.0)]
    rotate: f64,
    /// What the tokens are scaled from and turned about.
    #[input(default = Pivot::Selection)]
    pivot: Pivot,
    /// For the pivot `point`, in pixels.
    #[input(default = 0.0)]
    pivot_x: f64,
    /// For the pivot `point`, in pixels.
    #[input(default = 0.0)]
    pivot_y: f64,
    /// What to do where nothing is selected.
    #[input(default = IfEmpty::Error)]
    if_empty: IfEmpty,
    ctx: &Ctx,
) -> Result<Tokens> {
    let transform = Transform { move_x, move_y, scale_x, scale_y, rotate, pivot, pivot_x, pivot_y };
    let (area, support) = (Area::of_header(&tokens.header), tokens.header.support_or_default());
    edit_each(&tokens, selection.as_ref(), ANY, if_empty, ctx, |b, set, selected| {
        let left = transform.apply(set, selected, area, support).map_err(|e| e.blame("tokens"))?;
        tell_left(ctx, b, &left);
        Ok(())
    })
}
