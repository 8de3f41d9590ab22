//! `std.ResizeMask`

use crate::{
    resample::{Filter, resample},
    resize::{Fit, axes},
};
use splatgraph_sdk::prelude::*;

/// Changes the size of masks like Resize, so that a mask still fits its picture.
///
/// Use the numbers and choices of the Resize of the picture. Masks of the new size do not change.
#[node(category = "Mask", outputs(mask: "The masks in the new size."))]
pub fn resize_mask(
    /// The masks.
    mask: Mask,
    /// The new width, in pixels.
    #[input(min = 1, max = 16384)]
    width: u32,
    /// The new height, in pixels.
    #[input(min = 1, max = 16384)]
    height: u32,
    /// How to treat masks of another shape.
    #[input(default = Fit::Fill)]
    fit: Fit,
    /// How to compute the new pixels.
    #[input(default = Filter::Lanczos)]
    filter: Filter,
    ctx: &Ctx,
) -> Result<Mask> {
    let [batch, from_height, from_width] = mask.mask.dims()?;
    if batch * from_height * from_width == 0 {
        return Err(Error::input(
            "mask",
            format!("expected at least one mask with at least one pixel, got {batch} of {from_width} x {from_height}"),
        ));
    }
    let (y, x) = axes((from_height, from_width), (height as usize, width as usize), fit);
    if y.is_identity() && x.is_identity() {
        return Ok(mask);
    }
    let scaled = ctx.on_threads(|| {
        // Three equal channels, as the filters work on pictures. Masks are small compared with pictures.
        let grey: Vec<f32> = mask.mask.as_slice::<f32>()?.iter().flat_map(|v| [*v; 3]).collect();
        Ok(resample(&grey, y, x, filter)?.into_iter().step_by(3).collect::<Vec<f32>>())
    })?;
    Mask::new(Tensor::from_vec([batch, y.size, x.size], scaled)?)
}
