//! `std.PreviewImage`

use splatgraph_sdk::prelude::*;

/// Shows pictures while a graph is edited, and writes no file.
///
/// `splatgraph serve` shows what an output node gives. Use SaveImage to keep a picture.
#[node(category = "Image", output, outputs(image: "The pictures, as they are."))]
pub fn preview_image(
    /// The pictures.
    image: Image,
) -> Result<Image> {
    Ok(image)
}
