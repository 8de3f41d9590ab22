//! The tiles of a map on a device, and the pictures of a batch.

use super::arrange_shader::{Arrangement, arrange, write};
use crate::canvas::grid::Grid;
use burn::{
    prelude::s,
    tensor::{FloatDType, Shape, Tensor},
};
use std::ops::Range;

/// Joins tiles `[B, C, h, w]`, row by row, to a map.
pub(super) fn join(grid: Grid, tiles: Vec<Tensor<4>>) -> Tensor<4> {
    if let [tile] = &tiles[..] {
        return tile.clone();
    }
    join_by_shader(grid, &tiles).unwrap_or_else(|| {
        let rows = tiles.chunks(grid.columns).map(|row| Tensor::cat(row.to_vec(), 3)).collect();
        Tensor::cat(rows, 2)
    })
}

fn join_by_shader(grid: Grid, tiles: &[Tensor<4>]) -> Option<Tensor<4>> {
    let [batch, channels, h, w] = tiles[0].dims();
    let (height, width) = (grid.rows * h, grid.columns * w);
    let mut map = Tensor::empty([batch, channels, height, width], (&tiles[0].device(), tiles[0].dtype()));
    for ([column, row], tile) in grid.tiles().zip(tiles) {
        let arrangement = Arrangement {
            lengths: [1, 1, batch * channels, h, 1, w],
            strides: [[0, 0, h * w, w, 0, 1], [0, 0, height * width, width, 0, 1]],
            first: [0, row * h * width + column * w],
        };
        map = write(map, tile, &arrangement).ok()?;
    }
    Some(map)
}

/// Splits a map `[B, C, H, W]` into its tiles, row by row.
pub(super) fn split(grid: Grid, map: &Tensor<4>) -> Vec<Tensor<4>> {
    let [batch, _, height, width] = map.dims();
    let [h, w] = [height / grid.rows, width / grid.columns];
    grid.tiles().map(|[column, row]| window(map, 0..batch, [column * w, row * h], [w, h])).collect()
}

/// A part of a map `[B, C, H, W]`: some pictures, and of these `w` columns and `h` rows, from column `x` and row `y` on.
pub(super) fn window(map: &Tensor<4>, pictures: Range<usize>, [x, y]: [usize; 2], [w, h]: [usize; 2]) -> Tensor<4> {
    let [_, channels, height, width] = map.dims();
    let shape = [pictures.len(), channels, h, w];
    if shape == map.dims() {
        return map.clone();
    }
    let arrangement = Arrangement {
        lengths: [1, 1, pictures.len() * channels, h, 1, w],
        strides: [[0, 0, height * width, width, 0, 1], [0, 0, h * w, w, 0, 1]],
        first: [pictures.start * channels * height * width + y * width + x, 0],
    };
    arrange(map, shape, FloatDType::from(map.dtype()), &arrangement)
        .unwrap_or_else(|| map.clone().slice(s![pictures, .., y..y + h, x..x + w]))
}

/// Joins tensors of the same shape along their first axis.
pub(super) fn stack<const D: usize>(tensors: Vec<Tensor<D>>) -> Tensor<D> {
    if let [tensor] = &tensors[..] {
        return tensor.clone();
    }
    stack_by_shader(&tensors).unwrap_or_else(|| Tensor::cat(tensors, 0))
}

fn stack_by_shader<const D: usize>(tensors: &[Tensor<D>]) -> Option<Tensor<D>> {
    let mut shape = tensors.first()?.dims();
    let count = shape.iter().product::<usize>();
    shape[0] *= tensors.len();
    let mut all = Tensor::empty(Shape::new(shape), (&tensors[0].device(), tensors[0].dtype()));
    for (i, tensor) in tensors.iter().enumerate() {
        all = write(all, tensor, &Arrangement::side_by_side(count, i * count)).ok()?;
    }
    Some(all)
}
