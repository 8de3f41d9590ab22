//! The node `gpstoken.Decode`.

use crate::{grid::Grid, load_tokenizer::Tokenizer, splat::Tiles, threads::within};
use burn::{
    prelude::{Device, s},
    tensor::{Tensor as Array, TensorData},
};
use splatgraph_sdk::prelude::*;

/// Turns a splatted map into a picture (paper, section 3.4).
///
/// A map of several tiles is decoded as one picture, each tile normalised by its own statistics, which shows no seams.
/// `separate` decodes tile by tile: that needs less memory, and tokenizers that were trained on larger maps do it so.
#[node(category = "GPSToken", outputs(image: "values around 0..1, not cut off"))]
pub fn decode(
    /// From LoadTokenizer.
    tokenizer: Local<Tokenizer>,
    /// From Splat.
    map: FeatureMap,
    /// For pictures of several tiles.
    #[input(default = Tiles::Merged)]
    tiles: Tiles,
    ctx: &Ctx,
) -> Result<Image> {
    within(ctx, || {
        let network = &tokenizer.network;
        let FeatureMap { map, header } = map;
        let [batch, channels, height, width] = map.dims()?;
        let grid = Grid::of_header(&header);
        if channels != network.textures {
            return Err(Error::input(
                "map",
                format!(
                    "a map with {} channels was expected, as this tokenizer's tokens have, one with {channels} came",
                    network.textures
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
        let values = map.as_slice::<f32>()?;
        if let Some(index) = values.iter().position(|v| !v.is_finite()) {
            return Err(Error::input(
                "map",
                format!("finite numbers were expected in the map, {} came", values[index]),
            ));
        }
        // What is decoded at once: the whole map, or a tile.
        let (pieces, piece_grid) = match tiles {
            Tiles::Merged => (Grid { columns: 1, rows: 1 }, grid),
            Tiles::Separate => (grid, Grid { columns: 1, rows: 1 }),
        };
        let [piece_width, piece_height] = [width / pieces.columns, height / pieces.rows];
        let scale = network.enlargement();
        let [full_width, full_height] = [width * scale, height * scale];
        let mut pictures = vec![0.0; batch * full_height * full_width * 3]; // [B, H, W, 3]
        let (mut done, total) = (0, batch * pieces.count() * (network.decoder.stages() + 1));
        for b in 0..batch {
            let whole = &values[b * channels * height * width..][..channels * height * width];
            let whole =
                Array::<4>::from_data(TensorData::new(whole.to_vec(), [1, channels, height, width]), &Device::flex());
            for [column, row] in pieces.tiles() {
                let (x, y) = (column * piece_width, row * piece_height);
                let piece = whole.clone().slice(s![.., .., y..y + piece_height, x..x + piece_width]);
                let mut step = || {
                    done += 1;
                    ctx.step(done, total)
                };
                let decoded =
                    network.decoder.forward(piece, [piece_grid.columns, piece_grid.rows], &mut |_, _| step())?;
                let decoded = decoded.into_data();
                let decoded =
                    decoded.as_slice::<f32>().map_err(|e| Error::new(format!("reading the picture: {e:?}")))?;
                let picture = &mut pictures[b * full_height * full_width * 3..][..full_height * full_width * 3];
                place(
                    decoded,
                    [piece_width * scale, piece_height * scale],
                    picture,
                    full_width,
                    [x * scale, y * scale],
                );
                step()?;
            }
        }
        Image::new(Tensor::from_vec([batch, full_height, full_width, 3], pictures)?)
    })
}

/// Writes a decoded piece `[3, h, w]` (-1..1) into a picture `[H, W, 3]` (0..1).
fn place(decoded: &[f32], [width, height]: [usize; 2], picture: &mut [f32], full_width: usize, [x, y]: [usize; 2]) {
    for (line, values) in decoded.chunks_exact(width).enumerate() {
        let (channel, row) = (line / height, y + line % height);
        let start = (row * full_width + x) * 3 + channel;
        for (to, value) in picture[start..].iter_mut().step_by(3).zip(values) {
            *to = (value + 1.0) / 2.0;
        }
    }
}
