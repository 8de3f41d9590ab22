//! `std.ResizeMask`

use crate::{
    resample::{Filter, resample},
    resize::{Fit, axes},
};
use splatgraph_sdk::prelude::*;

/// Changes the size of masks as Resize changes that of pictures, so that a picture's mask goes with it.
///
/// Give it the numbers and choices of the Resize beside it. Masks that already have the size pass as they are.
#[node(category = "Mask", outputs(mask: "The masks in the new size."))]
pub fn resize_mask(
    /// The masks.
    mask: Mask,
    /// In pixels.
    #[input(min = 1, max = 16384)]
    width: u32,
    /// In pixels.
    #[input(min = 1, max = 16384)]
    height: u32,
    /// What becomes of masks of another shape.
    #[input(default = Fit::Fill)]
    fit: Fit,
    /// How pixels in between are computed.
    #[input(default = Filter::Lanczos)]
    filter: Filter,
    ctx: &Ctx,
) -> Result<Mask> {
    let [batch, from_height, from_width] = mask.mask.dims()?;
    if batch * from_height * from_width == 0 {
        return Err(Error::input(
            "mask",
            format!(
                "at least one mask with at least one pixel was expected, {batch} of {from_width} x {from_height} came"
            ),
        ));
    }
    let (y, x) = axes((from_height, from_width), (height as usize, width as usize), fit);
    if y.is_identity() && x.is_identity() {
        return Ok(mask);
    }
    let scaled = ctx.on_threads(|| {
        // Three equal channels: pictures are what the filters are made for, and masks are small beside them.
        let grey: Vec<f32> = mask.mask.as_slice::<f32>()?.iter().flat_map(|v| [*v; 3]).collect();
        Ok(resample(&grey, y, x, filter)?.into_iter().step_by(3).collect::<Vec<f32>>())
    })?;
    Mask::new(Tensor::from_vec([batch, y.size, x.size], scaled)?)
}
