//! The node `gpstoken.TransformTokens`.

use crate::edit::{
    affine::{Pivot, Transform, tell_left},
    area::Area,
    token_set::{ANY, IfEmpty, edit_each},
};
use splatgraph_sdk::prelude::*;

/// Moves, scales, mirrors and rotates tokens: one affine map about a pivot, applied to their means and covariances.
///
/// The node scales first, then rotates, then moves. It computes in pixels, so a rotation stays a rotation on a canvas that is
/// not square. A transform that changes nothing changes no bit. On a square canvas of whole tiles, four quarter turns or two
/// mirrorings about its middle give every bit back; about other pivots, places may differ in their last bits. A partly
/// selected token gets a mean and a covariance between the old and the new ones.
///
/// Tokens may leave the canvas. They stay in the list and can be moved back, and any part that reaches into the canvas is
/// visible. The log says how many no longer reach it. A token that would shrink below a hundredth of a pixel is an error.
#[node(category = "GPSToken/Edit", outputs(tokens: "the tokens, in the same order"))]
#[expect(clippy::too_many_arguments, reason = "a node's inputs")]
pub fn transform_tokens(
    /// The tokens.
    tokens: Tokens,
    /// Which tokens to transform; left out: all.
    selection: Option<Selection>,
    /// How far to the right, in pixels.
    #[input(default = 0.0)]
    move_x: f64,
    /// How far down, in pixels.
    #[input(default = 0.0)]
    move_y: f64,
    /// Factor of the width; a negative factor also mirrors.
    #[input(default = 1.0)]
    scale_x: f64,
    /// Factor of the height; a negative factor also mirrors.
    #[input(default = 1.0)]
    scale_y: f64,
    /// Angle in degrees, clockwise.
    #[input(default = 0.0)]
    rotate: f64,
    /// The point about which tokens are scaled and rotated.
    #[input(default = Pivot::Selection)]
    pivot: Pivot,
    /// The pivot `point`, from the left, in pixels.
    #[input(default = 0.0)]
    pivot_x: f64,
    /// The pivot `point`, from the top, in pixels.
    #[input(default = 0.0)]
    pivot_y: f64,
    /// What to do for a picture in which no token is selected.
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
