//! The grid of tiles that covers a picture, and the conversion between coordinates of a tile and of the canvas.

use super::{Corners, Gaussian, TILE};
use splatgraph_sdk::{Canvas, Error, Result};

/// The fewest pixels that a side of a picture may have. A smaller picture would have only one or two regions.
const SMALLEST: usize = 16;
/// The most pixels that a side of a picture may have.
const LARGEST: usize = 65_536;

/// Tiles of [`TILE`] pixels, row by row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Tiles in a row.
    pub columns: usize,
    /// Rows of tiles.
    pub rows: usize,
}

impl Grid {
    /// The grid that covers a picture of this size. If a side is not a multiple of a tile's side, the last tiles reach beyond the
    /// picture.
    ///
    /// # Errors
    /// The picture is too small or too large.
    pub fn of_picture(width: usize, height: usize) -> Result<Self> {
        if [width, height].iter().all(|side| (SMALLEST..=LARGEST).contains(side)) {
            return Ok(Self { columns: width.div_ceil(TILE), rows: height.div_ceil(TILE) });
        }
        let side = width.min(height).clamp(TILE, LARGEST);
        let node = format!(
            r#""resize": {{ "class_type": "std.Resize", "inputs": {{ "image": ["load", "image"], "width": {side}, "height": {side} }} }}"#
        );
        Err(Error::input(
            "image",
            format!(
                "expected a picture with sides of {SMALLEST} to {LARGEST} pixels, got {width} x {height} pixels. Resize it first:\n{node}"
            ),
        ))
    }

    /// The grid in a header.
    pub fn of_header(header: &Canvas) -> Self {
        let [columns, rows] = header.grid.map(|side| side as usize);
        Self { columns, rows }
    }

    /// Width and height of all tiles together.
    pub fn area(self) -> [usize; 2] {
        [self.columns * TILE, self.rows * TILE]
    }

    /// The part of a tile that a picture of `width` x `height` pixels covers: columns and rows, counted from the tile's upper left
    /// corner.
    pub fn visible(self, [column, row]: [usize; 2], [width, height]: [usize; 2]) -> [usize; 2] {
        [width.saturating_sub(column * TILE).min(TILE), height.saturating_sub(row * TILE).min(TILE)]
    }

    /// A header for a picture of `width` x `height` pixels. Its map, support and model are empty.
    pub fn header(self, size: [usize; 2]) -> Canvas {
        let canvas = size.map(|side| side as u32);
        Canvas { canvas, tile: TILE as u32, grid: [self.columns as u32, self.rows as u32], ..Canvas::default() }
    }

    /// Number of tiles.
    pub fn count(self) -> usize {
        self.columns * self.rows
    }

    /// Column and row of each tile, in order.
    pub fn tiles(self) -> impl Iterator<Item = [usize; 2]> {
        (0..self.count()).map(move |i| [i % self.columns, i / self.columns])
    }

    /// Scale and offset `[N, 5]` that convert gaussians from tile coordinates to canvas coordinates. The gaussians are sorted by
    /// tile.
    pub fn scale_and_offset_to_canvas(self, count: usize) -> [Vec<f32>; 2] {
        self.scale_and_offset(count, |index, tiles| [1.0 / tiles, (2.0 * index + 1.0) / tiles - 1.0])
    }

    /// Scale and offset `[N, 5]` that convert gaussians from canvas coordinates to tile coordinates. The gaussians are sorted by
    /// tile.
    pub fn scale_and_offset_to_tiles(self, count: usize) -> [Vec<f32>; 2] {
        self.scale_and_offset(count, |index, tiles| [tiles, tiles - 2.0 * index - 1.0])
    }

    fn scale_and_offset(self, count: usize, axis: impl Fn(f32, f32) -> [f32; 2]) -> [Vec<f32>; 2] {
        let (mut scales, mut offsets) = (Vec::new(), Vec::new());
        for tile in self.tiles() {
            let [[scale_x, offset_x], [scale_y, offset_y]] = self.axes(tile).map(|[index, tiles]| axis(index, tiles));
            for _ in 0..count / self.count() {
                scales.extend([scale_x, scale_y, 1.0, scale_x, scale_y]);
                offsets.extend([0.0, 0.0, 0.0, offset_x, offset_y]);
            }
        }
        [scales, offsets]
    }

    /// Converts a gaussian from tile coordinates to canvas coordinates.
    pub fn gaussian_to_canvas(self, tile: [usize; 2], [sigma_x, sigma_y, rho, x, y]: Gaussian) -> Gaussian {
        let [[dx, scale_x], [dy, scale_y]] = self.axes(tile);
        if self.count() == 1 {
            return [sigma_x, sigma_y, rho, x, y];
        }
        [sigma_x / scale_x, sigma_y / scale_y, rho, to_canvas(x, dx, scale_x), to_canvas(y, dy, scale_y)]
    }

    /// Converts a gaussian from canvas coordinates to tile coordinates.
    pub fn gaussian_to_tile(self, tile: [usize; 2], [sigma_x, sigma_y, rho, x, y]: Gaussian) -> Gaussian {
        let [[dx, scale_x], [dy, scale_y]] = self.axes(tile);
        if self.count() == 1 {
            return [sigma_x, sigma_y, rho, x, y];
        }
        [sigma_x * scale_x, sigma_y * scale_y, rho, to_tile(x, dx, scale_x), to_tile(y, dy, scale_y)]
    }

    /// Converts corners from tile coordinates to canvas coordinates.
    pub fn corners_to_canvas(self, tile: [usize; 2], [x0, y0, x1, y1]: Corners) -> Corners {
        let [[dx, scale_x], [dy, scale_y]] = self.axes(tile);
        if self.count() == 1 {
            return [x0, y0, x1, y1];
        }
        [to_canvas(x0, dx, scale_x), to_canvas(y0, dy, scale_y), to_canvas(x1, dx, scale_x), to_canvas(y1, dy, scale_y)]
    }

    /// Converts corners from canvas coordinates to tile coordinates. Moves a corner within a thousandth of a pixel's centre onto
    /// that centre, because the conversion to the canvas and back rounds, and the features depend on the corners.
    pub fn corners_to_tile(self, tile: [usize; 2], [x0, y0, x1, y1]: Corners) -> Corners {
        let [[dx, scale_x], [dy, scale_y]] = self.axes(tile);
        if self.count() == 1 {
            return [x0, y0, x1, y1];
        }
        let exact = |v: f32, index: f32, tiles: f32| on_pixel(to_tile(v, index, tiles));
        [exact(x0, dx, scale_x), exact(y0, dy, scale_y), exact(x1, dx, scale_x), exact(y1, dy, scale_y)]
    }

    /// The tile's index and the number of tiles along each axis, x before y.
    fn axes(self, [column, row]: [usize; 2]) -> [[f32; 2]; 2] {
        [[column as f32, self.columns as f32], [row as f32, self.rows as f32]]
    }
}

/// `-1 + (2 index + v + 1) / tiles`
fn to_canvas(v: f32, index: f32, tiles: f32) -> f32 {
    -1.0 + (2.0 * index + v + 1.0) / tiles
}

fn to_tile(v: f32, index: f32, tiles: f32) -> f32 {
    ((f64::from(v) + 1.0) * f64::from(tiles) - 2.0 * f64::from(index) - 1.0) as f32
}

fn on_pixel(corner: f32) -> f32 {
    let last = (TILE - 1) as f64;
    let pixel = (f64::from(corner) + 1.0) / 2.0 * last;
    if (pixel - pixel.round()).abs() <= 1e-3 { ((pixel.round() / last - 0.5) * 2.0) as f32 } else { corner }
}
