//! The node `gpstoken.Decode`.

use crate::{
    grid::Grid, kernels::cpu::Level, load_tokenizer::Tokenizer, splat::Tiles, threads::within, tokenizer::Direct,
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
        let direct = Direct { level: Level::best(), workspace: &tokenizer.workspace };
        let mut pictures = vec![0.0; batch * full_height * full_width * 3]; // [B, H, W, 3]
        let (mut done, total) = (0, batch * pieces.count() * (network.decoder.stages() + 1));
        for b in 0..batch {
            let whole = &values[b * channels * height * width..][..channels * height * width];
            for [column, row] in pieces.tiles() {
                let (x, y) = (column * piece_width, row * piece_height);
                let mut piece = direct.map([piece_height, piece_width], channels);
                for (i, pixel) in piece.values_mut().chunks_exact_mut(channels).enumerate() {
                    let at = (y + i / piece_width) * width + x + i % piece_width;
                    for (channel, value) in pixel.iter_mut().enumerate() {
                        *value = whole[channel * height * width + at];
                    }
                }
                let mut step = || {
                    done += 1;
                    ctx.step(done, total)
                };
                let decoded =
                    network
                        .decoder
                        .direct(&piece, [piece_grid.columns, piece_grid.rows], direct, &mut |_, _| step())?;
                let picture = &mut pictures[b * full_height * full_width * 3..][..full_height * full_width * 3];
                place(decoded.values(), piece_width * scale, picture, full_width, [x * scale, y * scale]);
                direct.put(piece);
                direct.put(decoded);
                step()?;
            }
        }
        tokenizer.workspace.trim();
        Image::new(Tensor::from_vec([batch, full_height, full_width, 3], pictures)?)
    })
}

/// Writes a decoded piece `[h, w, 3]` (-1..1) into a picture `[H, W, 3]` (0..1).
fn place(decoded: &[f32], width: usize, picture: &mut [f32], full_width: usize, [x, y]: [usize; 2]) {
    for (row, values) in decoded.chunks_exact(width * 3).enumerate() {
        let line = &mut picture[((y + row) * full_width + x) * 3..][..width * 3];
        for (to, value) in line.iter_mut().zip(values) {
            *to = (value + 1.0) / 2.0;
        }
    }
}
