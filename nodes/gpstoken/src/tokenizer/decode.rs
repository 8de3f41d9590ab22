//! Decoding on the host: a map to a picture, window by window.

use super::{Network, Sizes};
use crate::{
    canvas::{
        grid::Grid,
        windows::{Span, Windows},
    },
    kernels::{cpu::Level, workspace::Workspace},
    layers::Host,
};
use splatgraph_sdk::{Canvas, Choice, Ctx, Error, Image, Result, Tensor};

/// What is decoded together.
#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Together {
    /// All tiles.
    Merged,
    /// Each tile by itself.
    Separate,
    /// Windows that reach into the tiles around.
    Overlapping,
}

/// More tiles than these, 1024 x 1024 pixels, are not decoded together any more.
const MERGED_TILES: usize = 16;

/// How a map is decoded: window by window.
pub struct Pieces {
    /// The windows.
    pub windows: Windows,
    /// The tiles of a window.
    tiles: Grid,
    /// Width and height of the picture; what the map has beyond it is left out.
    pub size: [usize; 2],
}

impl Pieces {
    /// For maps of a `[batch, channels, height, width]`; `own` are columns and rows of the tokenizer's map.
    ///
    /// # Errors
    /// The map has other channels than the tokenizer's textures, or its tiles do not divide it.
    pub fn new(sizes: &Sizes, own: [u32; 2], shape: [usize; 4], header: &Canvas, tiles: Together) -> Result<Self> {
        let [batch, channels, height, width] = shape;
        let textures = sizes.textures;
        let grid = Grid::of_header(header);
        if channels != textures {
            return Err(Error::input(
                "map",
                format!(
                    "a map with {textures} channels was expected, as this tokenizer's tokens have, one with {channels} came"
                ),
            ));
        }
        if batch == 0
            || height == 0
            || width == 0
            || !height.is_multiple_of(grid.rows)
            || !width.is_multiple_of(grid.columns)
        {
            return Err(Error::input(
                "map",
                format!(
                    "maps that {} x {} tiles divide evenly were expected, {batch} of {width} x {height} came",
                    grid.columns, grid.rows
                ),
            ));
        }
        let enlargement = sizes.enlargement();
        let map = [width, height];
        // The canvas is the upper left part of its tiles; the same part of the map is the picture.
        let area = header.area();
        let part = |axis: usize, of: usize| {
            let part = u64::from(header.canvas[axis].min(area[axis])) * of as u64;
            (part as f64 / f64::from(area[axis])).round().max(1.0) as usize
        };
        let size = [0, 1].map(|axis| part(axis, map[axis] * enlargement));
        let own = own.map(|side| side as usize);
        let larger = width / grid.columns > own[0] || height / grid.rows > own[1];
        let one = Grid { columns: 1, rows: 1 };
        Ok(match tiles {
            Together::Separate => Self { windows: Windows::side_by_side(grid, map, enlargement), tiles: one, size },
            Together::Merged if !larger && grid.count() <= MERGED_TILES => {
                Self { windows: Windows::side_by_side(one, map, enlargement), tiles: grid, size }
            }
            Together::Merged | Together::Overlapping => {
                Self { windows: Windows::overlapping(map, own, enlargement), tiles: one, size }
            }
        })
    }

    /// Columns and rows of tiles that are decoded together.
    pub fn together(&self) -> [usize; 2] {
        [self.tiles.columns, self.tiles.rows]
    }
}

/// The pictures of maps `[B, C, h, w]`.
///
/// # Errors
/// A number of the map is not finite, or the run was cancelled.
pub fn decode(network: &Network, workspace: &Workspace, map: &Tensor, pieces: &Pieces, ctx: &Ctx) -> Result<Image> {
    let [batch, channels, height, width] = map.dims()?;
    let values = map.as_slice::<f32>()?;
    if let Some(index) = values.iter().position(|v| !v.is_finite()) {
        return Err(Error::input("map", format!("finite numbers were expected in the map, {} came", values[index])));
    }
    let [full_width, full_height] = pieces.size;
    let host = Host { level: Level::best(), workspace };
    let mut pictures = vec![0.0; batch * full_height * full_width * 3]; // [B, H, W, 3]
    let (mut done, total) = (0, batch * pieces.windows.count() * (network.decoder.stages() + 1));
    for b in 0..batch {
        let whole = &values[b * channels * height * width..][..channels * height * width];
        let picture = &mut pictures[b * full_height * full_width * 3..][..full_height * full_width * 3];
        for [column, row] in pieces.windows.iter() {
            let mut piece = host.map([row.length, column.length], channels);
            for (i, pixel) in piece.values_mut().chunks_exact_mut(channels).enumerate() {
                let at = (row.start + i / column.length) * width + column.start + i % column.length;
                for (channel, value) in pixel.iter_mut().enumerate() {
                    *value = whole[channel * height * width + at];
                }
            }
            let mut step = || {
                done += 1;
                ctx.step(done, total)
            };
            let decoded = network.decoder.forward(&piece, pieces.together(), host, &mut |_, _| step())?;
            add(decoded.values(), [column, row], picture, full_width, network.sizes.enlargement());
            host.put(piece);
            host.put(decoded);
            step()?;
        }
    }
    workspace.trim();
    Image::new(Tensor::from_vec([batch, full_height, full_width, 3], pictures)?)
}

/// Adds a decoded window `[h, w, 3]` (-1..1), weighted, to a picture `[H, W, 3]` (0..1), which may end before the window does.
fn add(decoded: &[f32], [column, row]: [&Span; 2], picture: &mut [f32], full_width: usize, scale: usize) {
    let (x, y) = (column.start * scale, row.start * scale);
    let lines = picture.chunks_exact_mut(full_width * 3).skip(y);
    for ((line, values), down) in lines.zip(decoded.chunks_exact(column.weights.len() * 3)).zip(&row.weights) {
        let pixels = line.as_chunks_mut::<3>().0.iter_mut().skip(x);
        for ((pixel, values), across) in pixels.zip(values.as_chunks::<3>().0).zip(&column.weights) {
            for (to, value) in pixel.iter_mut().zip(values) {
                *to += across * down * ((value + 1.0) / 2.0);
            }
        }
    }
}
