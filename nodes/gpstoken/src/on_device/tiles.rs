//! The tiles of a map on a device.

use crate::canvas::grid::Grid;
use burn::{prelude::s, tensor::Tensor};

/// Joins tiles `[B, C, h, w]`, row by row, to a map.
pub(super) fn join(grid: Grid, tiles: Vec<Tensor<4>>) -> Tensor<4> {
    let rows = tiles.chunks(grid.columns).map(|row| Tensor::cat(row.to_vec(), 3)).collect();
    Tensor::cat(rows, 2)
}

/// Splits a map `[B, C, H, W]` into its tiles, row by row.
pub(super) fn split(grid: Grid, map: &Tensor<4>) -> Vec<Tensor<4>> {
    let [_, _, height, width] = map.dims();
    let [h, w] = [height / grid.rows, width / grid.columns];
    let tile =
        |[column, row]: [usize; 2]| map.clone().slice(s![.., .., row * h..(row + 1) * h, column * w..(column + 1) * w]);
    grid.tiles().map(tile).collect()
}
