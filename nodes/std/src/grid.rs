//! `std.Grid`

use crate::{
    extent::Extent,
    tiles::{Tile, arrange, square_columns},
};
use splatgraph_sdk::prelude::*;

/// Arranges pictures side by side on one canvas.
///
/// The pictures fill the canvas row by row. Each stands in the middle of a cell of the size of the largest picture.
#[node(category = "Image/Batch", outputs(image: "The canvas, [1, H, W, 3]."))]
pub fn grid(
    /// The pictures, and all pictures of batches.
    images: Vec<Image>,
    /// The number of pictures in a row; 0 makes the canvas nearly square.
    #[input(default = 0, max = 4096)]
    columns: u32,
    /// The distance between pictures, in pixels.
    #[input(default = 8, max = 1024)]
    gap: u32,
    /// The grey between pictures, 0..1.
    #[input(default = 1.0, min = 0, max = 1)]
    background: f32,
) -> Result<Image> {
    let mut tiles = Vec::new();
    for image in &images {
        let extent = Extent::of(image, "images")?;
        let pictures = image.image.as_slice::<f32>()?.chunks_exact(extent.pixels() * 3);
        tiles.extend(pictures.map(|colours| Tile { colours, height: extent.height, width: extent.width }));
    }
    if tiles.is_empty() {
        return Err(Error::input("images", "expected at least one picture, got none"));
    }
    let columns = if columns == 0 { square_columns(tiles.len()) } else { columns as usize };
    let canvas = arrange(&tiles, columns, gap as usize, background).map_err(|e| e.blame("images"))?;
    Image::new(Tensor::from_vec([1, canvas.height, canvas.width, 3], canvas.colours)?)
}
