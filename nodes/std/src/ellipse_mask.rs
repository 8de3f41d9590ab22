//! `std.EllipseMask`

use crate::drawn_mask::{CanvasSize, check_finite, drawn};
use splatgraph_sdk::prelude::*;

/// Draws an ellipse as a mask: 1 inside, 0 outside.
///
/// Numbers are in pixels from the upper left corner.
#[node(category = "Mask", outputs(mask: "One mask, [1, H, W]."))]
#[expect(clippy::too_many_arguments, reason = "the inputs of a node")]
pub fn ellipse_mask(
    /// The picture for which the mask is; only its size matters.
    image: Option<Image>,
    /// The distance of the centre from the left.
    x: f32,
    /// The distance of the centre from the top.
    y: f32,
    /// The radius along the first axis of the ellipse.
    #[input(min = 0, max = 65536)]
    radius_x: f32,
    /// The radius along the second axis of the ellipse.
    #[input(min = 0, max = 65536)]
    radius_y: f32,
    /// The angle by which the ellipse is turned clockwise, in degrees.
    #[input(default = 0.0)]
    angle: f32,
    /// The approximate width of the transition from 1 to 0, in pixels; half of it lies on each side of the edge.
    #[input(default = 0.0, min = 0, max = 65536)]
    feather: f32,
    #[input(flatten)] canvas: CanvasSize,
    ctx: &Ctx,
) -> Result<Mask> {
    let numbers = [("x", x), ("y", y), ("radius_x", radius_x), ("radius_y", radius_y)];
    check_finite(&[&numbers[..], &[("angle", angle), ("feather", feather)]].concat())?;
    let size = canvas.or_of(image.as_ref())?;
    let (sin, cos) = angle.to_radians().sin_cos();
    // Half the sides of the box around the ellipse.
    let (reach_x, reach_y) = ((radius_x * cos).hypot(radius_y * sin), (radius_x * sin).hypot(radius_y * cos));
    let off = |at: f32, reach: f32, side: usize| at + reach <= 0.0 || at - reach >= side as f32;
    if radius_x == 0.0 || radius_y == 0.0 || off(x, reach_x, size[0]) || off(y, reach_y, size[1]) {
        return Err(Error::input(
            "x",
            format!(
                "expected an ellipse that covers a part of the picture of {} x {}, got one around ({x}, {y}) with radii of {radius_x} and {radius_y}",
                size[0], size[1]
            ),
        ));
    }
    ctx.on_threads(|| {
        drawn(size, feather, |at_x, at_y| {
            let (dx, dy) = (at_x - x, at_y - y);
            let (u, v) = ((dx * cos + dy * sin) / radius_x, (dy * cos - dx * sin) / radius_y);
            let from_centre = u.hypot(v); // 1 on the ellipse
            let slope = (u / radius_x).hypot(v / radius_y) / from_centre.max(1e-6);
            // An approximation of first order, exact for circles.
            if from_centre < 1e-6 { -radius_x.min(radius_y) } else { (from_centre - 1.0) / slope }
        })
    })
}
