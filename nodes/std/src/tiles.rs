//! Arranges pictures on a canvas.

use crate::memory::{MAX_PIXELS, zeros};
use splatgraph_sdk::prelude::*;

/// A picture on a canvas.
#[derive(Clone, Copy)]
pub(crate) struct Tile<'a> {
    /// f32 [height, width, 3]
    pub(crate) colours: &'a [f32],
    /// Rows.
    pub(crate) height: usize,
    /// Pixels in a row.
    pub(crate) width: usize,
}

/// A canvas, f32 [height, width, 3].
pub(crate) struct Canvas {
    /// Its pixels.
    pub(crate) colours: Vec<f32>,
    /// Rows.
    pub(crate) height: usize,
    /// Pixels in a row.
    pub(crate) width: usize,
}

/// The number of columns that makes the arrangement nearly square.
#[must_use]
pub(crate) fn square_columns(tiles: usize) -> usize {
    tiles.isqrt() + usize::from(tiles.isqrt().pow(2) < tiles)
}

/// Arranges tiles row by row in cells of the size of the largest tile, `gap` pixels apart. Each tile stands in the middle of its cell.
///
/// # Errors
/// The canvas would have more than 256 megapixels.
pub(crate) fn arrange(tiles: &[Tile<'_>], columns: usize, gap: usize, background: f32) -> Result<Canvas> {
    let columns = columns.clamp(1, tiles.len());
    let rows = tiles.len().div_ceil(columns);
    let cell_height = tiles.iter().map(|t| t.height).max().unwrap_or(0);
    let cell_width = tiles.iter().map(|t| t.width).max().unwrap_or(0);
    let height = rows * cell_height + (rows - 1) * gap;
    let width = columns * cell_width + (columns - 1) * gap;
    if height.saturating_mul(width) as u64 > MAX_PIXELS {
        bail!(
            "expected a canvas of at most 256 megapixels, got {width} x {height} for {columns} x {rows} tiles of \
             {cell_width} x {cell_height}; use fewer or smaller ones"
        );
    }
    let mut colours = zeros::<f32>(height * width * 3)?;
    colours.fill(background);
    for (i, tile) in tiles.iter().enumerate() {
        let top = i / columns * (cell_height + gap) + (cell_height - tile.height) / 2;
        let left = i % columns * (cell_width + gap) + (cell_width - tile.width) / 2;
        for (row, from) in tile.colours.chunks_exact(tile.width * 3).enumerate() {
            let at = ((top + row) * width + left) * 3;
            colours[at..at + from.len()].copy_from_slice(from);
        }
    }
    Ok(Canvas { colours, height, width })
}
