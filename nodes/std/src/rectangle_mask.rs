//! `std.RectangleMask`

use crate::drawn_mask::{CanvasSize, check_finite, drawn};
use splatgraph_sdk::prelude::*;

/// Draws a rectangle as a mask: 1 inside, 0 outside.
///
/// Numbers are in pixels from the upper left corner. Fractions of pixels have an effect only with a feather. EllipseMask and
/// StrokesMask draw other shapes, and LoadImage makes a mask of the alpha of a picture.
#[node(category = "Mask", outputs(mask: "One mask, [1, H, W]."))]
#[expect(clippy::too_many_arguments, reason = "the inputs of a node")]
pub fn rectangle_mask(
    /// The picture for which the mask is; only its size matters.
    image: Option<Image>,
    /// The left edge.
    #[input(default = 0.0)]
    x: f32,
    /// The upper edge.
    #[input(default = 0.0)]
    y: f32,
    /// The width, in pixels.
    #[input(min = 0, max = 65536)]
    width: f32,
    /// The height, in pixels.
    #[input(min = 0, max = 65536)]
    height: f32,
    /// The width of the transition from 1 to 0, in pixels; half of it lies on each side of the edge.
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
                "expected a rectangle that covers a part of the picture of {} x {}, got one from ({x}, {y}) to ({right}, {bottom})",
                size[0], size[1]
            ),
        ));
    }
    ctx.on_threads(|| {
        drawn(size, feather, |at_x, at_y| {
            let (dx, dy) = ((x - at_x).max(at_x - right), (y - at_y).max(at_y - bottom));
            // Beyond a corner, the nearest place of the rectangle is the corner; elsewhere it is on an edge.
            if dx > 0.0 && dy > 0.0 { dx.hypot(dy) } else { dx.max(dy) }
        })
    })
}
