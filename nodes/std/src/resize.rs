//! `std.Resize`

use crate::{
    extent::Extent,
    resample::{Axis, Filter, resample},
};
use splatgraph_sdk::prelude::*;

/// How to treat pictures of another shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choice)]
pub enum Fit {
    /// Scales the picture to cover the size, then crops to the centre, both to whole pixels.
    Fill,
    /// Scales the picture to fit inside the size and keeps its shape. One side may be smaller than the size.
    Fit,
    /// Scales each side independently.
    Stretch,
}

/// Changes the size of pictures.
///
/// Shrinking is antialiased, except for `nearest`. Pictures of the new size do not change.
#[node(category = "Image/Transform", outputs(image: "The pictures in the new size."))]
pub fn resize(
    /// The pictures.
    image: Image,
    /// The new width, in pixels.
    #[input(min = 1, max = 16384)]
    width: u32,
    /// The new height, in pixels.
    #[input(min = 1, max = 16384)]
    height: u32,
    /// How to treat pictures of another shape.
    #[input(default = Fit::Fill)]
    fit: Fit,
    /// How to compute the new pixels.
    #[input(default = Filter::Lanczos)]
    filter: Filter,
    ctx: &Ctx,
) -> Result<Image> {
    let extent = Extent::of(&image, "image")?;
    let (y, x) = axes((extent.height, extent.width), (height as usize, width as usize), fit);
    if y.is_identity() && x.is_identity() {
        return Ok(image);
    }
    let scaled = ctx.on_threads(|| resample(image.image.as_slice()?, y, x, filter))?;
    Image::new(Tensor::from_vec([extent.batch, y.size, x.size, 3], scaled)?)
}

/// Rows and columns of the result; sizes are (height, width).
pub(crate) fn axes((height, width): (usize, usize), (to_height, to_width): (usize, usize), fit: Fit) -> (Axis, Axis) {
    // One side decides the scale and gets exactly its size. The other side follows.
    let follow = |side: usize, to: usize, by: usize| ((side as f64 * to as f64 / by as f64).round() as usize).max(1);
    let wider = to_width * height >= to_height * width;
    let by_width = (follow(height, to_width, width), to_width);
    let by_height = (to_height, follow(width, to_height, height));
    let (scaled, size) = match fit {
        Fit::Stretch => ((to_height, to_width), (to_height, to_width)),
        Fit::Fill => (if wider { by_width } else { by_height }, (to_height, to_width)),
        Fit::Fit => {
            let inside = if wider { by_height } else { by_width };
            (inside, inside)
        }
    };
    let axis = |length, scaled, size| Axis { length, scaled, offset: (scaled - size) / 2, size };
    (axis(height, scaled.0, size.0), axis(width, scaled.1, size.1))
}
