//! The node `gpstoken.GridTokens`.

use crate::{
    canvas::{TILE, grid::Grid},
    partition::Region,
    stages::layout::layout_of,
};
use splatgraph_sdk::prelude::*;

/// Places tokens evenly, whatever the picture shows. Use this layout to compare InitTokens with.
///
/// Each 256-pixel tile of the picture gets the same number of tokens. A tile that reaches beyond the picture is covered as a
/// whole.
#[node(category = "GPSToken", outputs(layout: "a gaussian and a region for each token"))]
pub fn grid_tokens(
    /// The picture; only its size counts.
    image: Image,
    /// Tokens for each 256-pixel tile.
    #[input(default = 128, min = 1, max = 16384)]
    tokens: u32,
) -> Result<Layout> {
    let [batch, height, width, _] = image.image.dims()?;
    let grid = Grid::of_picture(width, height)?;
    let regions = even_regions(tokens as usize);
    let tiles: Vec<(usize, [usize; 2])> = (0..batch).flat_map(|b| grid.tiles().map(move |tile| (b, tile))).collect();
    layout_of(batch, grid, [width, height], &tiles, &vec![regions; tiles.len()])
}

/// Rows of regions of about equal size: a full grid if the number has two factors of which one is at most twice the other,
/// else rows that differ by one region.
fn even_regions(tokens: usize) -> Vec<Region> {
    let full = (1..=tokens.isqrt()).rev().find(|rows| tokens.is_multiple_of(*rows));
    let rows =
        full.filter(|rows| tokens / rows <= 2 * rows).unwrap_or(((tokens as f64).sqrt().round() as usize).max(1));
    let mut regions = Vec::with_capacity(tokens);
    for row in 0..rows {
        let (y0, y1) = (row * TILE / rows, (row + 1) * TILE / rows - 1);
        let columns = (row + 1) * tokens / rows - row * tokens / rows;
        regions.extend((0..columns).map(|column| Region {
            x0: column * TILE / columns,
            y0,
            x1: (column + 1) * TILE / columns - 1,
            y1,
        }));
    }
    regions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_tokens_covers_the_tile_once() {
        for tokens in [1, 2, 3, 7, 64, 100, 127, 128, 256, 1000, 16_384] {
            let regions = even_regions(tokens);
            assert_eq!(regions.len(), tokens);
            assert_eq!(regions.iter().map(|r| r.width() * r.height()).sum::<usize>(), TILE * TILE);
            assert!(regions.iter().all(|r| r.width() >= 2 && r.height() >= 2 || tokens == 1), "{tokens}");
        }
        assert_eq!((even_regions(128)[0].width(), even_regions(128)[0].height()), (16, 32));
    }
}
