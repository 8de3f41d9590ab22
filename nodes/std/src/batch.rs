//! `std.Batch`

use crate::{
    extent::{Extent, resize_node},
    memory::zeros,
};
use splatgraph_sdk::prelude::*;

/// Joins pictures of one size to one batch.
#[node(category = "Image/Batch", outputs(image: "All pictures, [B, H, W, 3], in the order of the list."))]
pub fn batch(
    /// The pictures; each may be a batch itself.
    images: Vec<Image>,
) -> Result<Image> {
    let Some(first) = images.first() else {
        return Err(Error::input("images", "expected at least one picture, got none"));
    };
    let first_extent = Extent::of(first, "images")?;
    let mut total = 0;
    for (i, image) in images.iter().enumerate() {
        let Extent { batch, height, width } = Extent::of(image, "images")?;
        if (height, width) != (first_extent.height, first_extent.width) {
            let expected = (first_extent.width, first_extent.height);
            return Err(Error::input(
                "images",
                format!(
                    "expected pictures of the size {} x {}, which the first has, got {width} x {height} for number {}; put a Resize in front: {}",
                    expected.0,
                    expected.1,
                    i + 1,
                    resize_node(expected.0, expected.1)
                ),
            ));
        }
        total += batch;
    }
    if images.len() == 1 {
        return Ok(first.clone());
    }
    let mut out = zeros::<f32>(total * first_extent.pixels() * 3)?;
    let mut rest = out.as_mut_slice();
    for image in &images {
        let pixels = image.image.as_slice::<f32>()?;
        let (to, after) = rest.split_at_mut(pixels.len());
        to.copy_from_slice(pixels);
        rest = after;
    }
    Image::new(Tensor::from_vec([total, first_extent.height, first_extent.width, 3], out)?)
}
