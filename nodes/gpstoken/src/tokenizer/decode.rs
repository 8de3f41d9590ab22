//! Decoding on the host: turns a map into a picture, window by window.

use super::{Network, Sizes};
use crate::{
    canvas::{
        grid::Grid,
        windows::{Span, Windows},
    },
    kernels::{cpu::Level, workspace::Workspace},
    layers::Host,
    names::counted,
};
use splatgraph_sdk::{Canvas, Choice, Error, Image, Result, Tensor};

/// The parts of a map that are decoded together.
#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Together {
    /// All tiles together.
    Merged,
    /// Each tile separately.
    Separate,
    /// Windows that overlap with the tiles around them.
    Overlapping,
}

/// The most tiles that are decoded together, 1024 x 1024 pixels.
const MERGED_TILES: usize = 16;

/// The windows of a map, which are decoded one by one.
pub struct Pieces {
    /// The windows.
    pub windows: Windows,
    /// The tiles of a window.
    tiles: Grid,
    /// Width and height of the picture. The rest of the map is left out.
    pub size: [usize; 2],
}

impl Pieces {
    /// The windows for maps of the shape `[batch, channels, height, width]`. `own` is the size of the tokenizer's map in columns and
    /// rows.
    ///
    /// # Errors
    /// The map's number of channels differs from that of the tokenizer's textures, or the tiles do not divide the map evenly.
    pub fn new(sizes: &Sizes, own: [u32; 2], shape: [usize; 4], header: &Canvas, tiles: Together) -> Result<Self> {
        let [batch, channels, height, width] = shape;
        let textures = sizes.textures;
        let grid = Grid::of_header(header);
        if channels != textures {
            return Err(Error::input(
                "map",
                format!(
                    "expected a map with {}, as the tokens of this tokenizer have, got {channels}. Use the tokenizer that made the tokens",
                    counted(textures, "channel")
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
                    "expected maps that {} x {} tiles divide evenly, got {} of {width} x {height} places. Connect the map of Splat",
                    grid.columns,
                    grid.rows,
                    counted(batch, "map")
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

    /// Columns and rows of the tiles that are decoded together.
    pub fn together(&self) -> [usize; 2] {
        [self.tiles.columns, self.tiles.rows]
    }
}

/// Decodes maps `[B, C, h, w]` to pictures. `step` gets the number of finished parts and of all; an error from it ends the work.
///
/// # Errors
/// A number of the map is not finite, or `step` failed.
pub fn decode(
    network: &Network,
    workspace: &Workspace,
    map: &Tensor,
    pieces: &Pieces,
    mut step: impl FnMut(usize, usize) -> Result<()>,
) -> Result<Image> {
    let [batch, channels, height, width] = map.dims()?;
    let values = map.as_slice::<f32>()?;
    if let Some(index) = values.iter().position(|v| !v.is_finite()) {
        return Err(Error::input("map", format!("expected finite numbers in the map, got {}", values[index])));
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
            let mut finished = || {
                done += 1;
                step(done, total)
            };
            let decoded = network.decoder.forward(&piece, pieces.together(), host, &mut |_, _| finished())?;
            add(decoded.values(), [column, row], picture, full_width, network.sizes.enlargement());
            host.put(piece);
            host.put(decoded);
            finished()?;
        }
    }
    workspace.trim();
    Image::new(Tensor::from_vec([batch, full_height, full_width, 3], pictures)?)
}

/// Adds a decoded window `[h, w, 3]` with values -1..1, multiplied by its weights, to a picture `[H, W, 3]` with values 0..1. The window
/// may reach beyond the picture.
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
