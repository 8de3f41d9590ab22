//! `std.Crop`

use crate::{extent::Extent, memory::zeros};
use splatgraph_sdk::prelude::*;

/// Cuts a rectangle out of pictures.
#[node(category = "Image/Transform", outputs(image: "The rectangle."))]
pub fn crop(
    /// The pictures.
    image: Image,
    /// The first column, from the left.
    #[input(default = 0)]
    x: u32,
    /// The first row, from the top.
    #[input(default = 0)]
    y: u32,
    /// The width of the rectangle, in pixels.
    #[input(min = 1)]
    width: u32,
    /// The height of the rectangle, in pixels.
    #[input(min = 1)]
    height: u32,
) -> Result<Image> {
    let extent = Extent::of(&image, "image")?;
    let (x, y, width, height) = (x as usize, y as usize, width as usize, height as usize);
    if x + width > extent.width || y + height > extent.height {
        bail!(
            "expected a rectangle inside the picture of {} x {}, got one from ({x}, {y}) to ({}, {}); \
             make width and height smaller, or move it",
            extent.width,
            extent.height,
            x + width,
            y + height
        );
    }
    if (width, height) == (extent.width, extent.height) {
        return Ok(image);
    }
    let source = image.image.as_slice::<f32>()?;
    let mut out = zeros::<f32>(extent.batch * height * width * 3)?;
    for (b, result) in out.chunks_exact_mut(height * width * 3).enumerate() {
        for (row, to) in result.chunks_exact_mut(width * 3).enumerate() {
            let from = ((b * extent.height + y + row) * extent.width + x) * 3;
            to.copy_from_slice(&source[from..from + width * 3]);
        }
    }
    Image::new(Tensor::from_vec([extent.batch, height, width, 3], out)?)
}
