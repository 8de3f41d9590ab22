//! Masks that nodes draw: their size, and how a shape fills them.

use crate::{
    extent::Extent,
    memory::{MAX_PIXELS, zeros},
    parallel::pieces,
};
use splatgraph_sdk::prelude::*;

/// The size of a mask that is drawn without a picture.
#[derive(Clone, Copy, InputGroup)]
pub struct CanvasSize {
    /// The mask's width without a picture, in pixels.
    #[input(default = 0, min = 0, max = 65536)]
    canvas_width: u32,
    /// The mask's height without a picture, in pixels.
    #[input(default = 0, min = 0, max = 65536)]
    canvas_height: u32,
}

impl CanvasSize {
    /// Width and height of the picture, or this size without a picture.
    ///
    /// # Errors
    /// The graph gives neither or both, or the mask would have too many pixels.
    pub(crate) fn or_of(self, image: Option<&Image>) -> Result<[usize; 2]> {
        let Self { canvas_width: width, canvas_height: height } = self;
        let given = [width as usize, height as usize];
        let Some(image) = image else {
            if given.contains(&0) {
                return Err(Error::input(
                    "image",
                    format!(
                        "expected a picture that the mask is for, or canvas_width and canvas_height, got {width} x {height}"
                    ),
                ));
            }
            if given[0].saturating_mul(given[1]) as u64 > MAX_PIXELS {
                return Err(Error::input(
                    "canvas_width",
                    format!("expected a mask of at most 256 megapixels, got {width} x {height}"),
                ));
            }
            return Ok(given);
        };
        let extent = Extent::of(image, "image")?;
        if given != [0, 0] {
            return Err(Error::input(
                "canvas_width",
                format!(
                    "expected a picture or a canvas size, got a picture of {} x {} and the size {width} x {height}; leave out one of them",
                    extent.width, extent.height
                ),
            ));
        }
        Ok([extent.width, extent.height])
    }
}

/// Draws the mask of a shape: 1 inside, 0 outside, and a linear transition of `feather` pixels across the edge. `distance` is the
/// distance of a place (x, y) outside the shape; it is below 0 inside. Pixel i reaches from i to i + 1.
///
/// # Errors
/// There is not enough memory.
pub(crate) fn drawn(
    [width, height]: [usize; 2],
    feather: f32,
    distance: impl Fn(f32, f32) -> f32 + Sync,
) -> Result<Mask> {
    let mut mask = zeros::<f32>(width * height)?;
    pieces(&mut mask, width, &|y, line| {
        for (x, value) in line.iter_mut().enumerate() {
            *value = covered(distance(x as f32 + 0.5, y as f32 + 0.5), feather);
        }
    });
    Mask::new(Tensor::from_vec([1, height, width], mask)?)
}

/// The value of a mask at this distance from the edge of its shape.
pub(crate) fn covered(distance: f32, feather: f32) -> f32 {
    if feather > 0.0 { (0.5 - distance / feather).clamp(0.0, 1.0) } else { f32::from(u8::from(distance <= 0.0)) }
}

/// Refuses NaN and infinities, which the check of ranges accepts.
///
/// # Errors
/// A number is not finite. The error names its input.
pub(crate) fn check_finite(numbers: &[(&str, f32)]) -> Result<()> {
    match numbers.iter().find(|(_, number)| !number.is_finite()) {
        Some((input, number)) => Err(Error::input(input, format!("expected a finite number, got {number}"))),
        None => Ok(()),
    }
}
