//! `std.RectangleMask`

use crate::drawn_mask::{CanvasSize, check_finite, drawn};
use splatgraph_sdk::prelude::*;

/// Draws a rectangle as a mask: 1 inside, 0 outside.
///
/// Numbers are in pixels from the upper left corner; parts of pixels count with a feather only. Masks of other shapes:
/// EllipseMask, StrokesMask, and the one that LoadImage reads from a picture's alpha.
#[node(category = "Mask", outputs(mask: "One mask, [1, H, W]."))]
#[expect(clippy::too_many_arguments, reason = "a node's inputs")]
pub fn rectangle_mask(
    /// The picture that the mask is for; only its size counts.
    image: Option<Image>,
    /// The left edge.
    #[input(default = 0.0)]
    x: f32,
    /// The upper edge.
    #[input(default = 0.0)]
    y: f32,
    /// In pixels.
    #[input(min = 0, max = 65536)]
    width: f32,
    /// In pixels.
    #[input(min = 0, max = 65536)]
    height: f32,
    /// How many pixels wide the way from 1 to 0 is; half of it lies on either side of the edge.
    #[input(default = 0.0, min = 0, max = 65536)]
    feather: f32,
    #[input(flatten)] canvas: CanvasSize,
    ctx: &Ctx,
) -> Result<Mask> {
    check_finite(&[("x", x), ("y", y), ("width", width), ("height", height), ("feather", feather)])?;
    let size = canvas.or_of(image.as_ref())?;
    let (right, bottom) = (x + width, y + height);
    if width == 0.0 || height == 0.0 || right <= 0.0 || bottom <= 0.0 || x >= size[0] as f32 || y >= size[1] as f32 {
        return Err(Error::input(
            "x",
            format!(
                "a rectangle that covers a part of the picture of {} x {} was expected, one from ({x}, {y}) to ({right}, {bottom}) came",
                size[0], size[1]
            ),
        ));
    }
    ctx.on_threads(|| {
        drawn(size, feather, |at_x, at_y| {
            let (dx, dy) = ((x - at_x).max(at_x - right), (y - at_y).max(at_y - bottom));
            // Beyond a corner the corner is the nearest, elsewhere an edge.
            if dx > 0.0 && dy > 0.0 { dx.hypot(dy) } else { dx.max(dy) }
        })
    })
}
