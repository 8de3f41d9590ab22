//! The node `gpstoken.Decode`.

use crate::{
    device::{OnDevice, Placed},
    grid::Grid,
    kernels::cpu::Level,
    load_tokenizer::Tokenizer,
    splat::Tiles,
    threads::within,
    tokenizer::Direct,
};
use burn::prelude::s;
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
    map: Placed<FeatureMap>,
    /// For pictures of several tiles.
    #[input(default = Tiles::Merged)]
    tiles: Tiles,
    ctx: &Ctx,
) -> Result<Placed<Image>> {
    if tokenizer.compute.is_host() {
        let FeatureMap { map, header } = map.into_host()?;
        let pieces = Pieces::new(&tokenizer, map.dims()?, &header, tiles)?;
        return within(ctx, || on_host(&tokenizer, &map, &pieces, ctx)).map(Placed::Host);
    }
    let map = map.into_device(&tokenizer.compute)?;
    let (tensor, header) = (map.tensor::<4>("map"), map.header());
    let pieces = Pieces::new(&tokenizer, tensor.dims(), &header, tiles)?;
    tokenizer.compute.run(|| on_device(&tokenizer, &tensor, &pieces, ctx).map(Placed::device))
}

/// How a map is decoded: piece by piece, each the whole map or a tile.
struct Pieces {
    /// The pieces of a map, and the tiles of a piece.
    of_map: Grid,
    of_piece: Grid,
}

impl Pieces {
    fn new(tokenizer: &Tokenizer, shape: [usize; 4], header: &Canvas, tiles: Tiles) -> Result<Self> {
        let [batch, channels, height, width] = shape;
        let textures = tokenizer.network.textures;
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
        let one = Grid { columns: 1, rows: 1 };
        Ok(match tiles {
            Tiles::Merged => Self { of_map: one, of_piece: grid },
            Tiles::Separate => Self { of_map: grid, of_piece: one },
        })
    }

    /// Columns and rows of tiles that are decoded together.
    fn tiles(&self) -> [usize; 2] {
        [self.of_piece.columns, self.of_piece.rows]
    }
}

fn on_device(
    tokenizer: &Tokenizer,
    map: &burn::tensor::Tensor<4>,
    pieces: &Pieces,
    ctx: &Ctx,
) -> Result<OnDevice<Image>> {
    let decoder = &tokenizer.network.decoder;
    let batch = map.dims()[0];
    let (mut done, total) = (0, batch * pieces.of_map.count() * decoder.stages());
    let mut decode = |piece: burn::tensor::Tensor<4>| {
        decoder.forward(piece, pieces.tiles(), &mut |_, _| {
            done += 1;
            ctx.step(done, total)
        })
    };
    let mut pictures = Vec::new();
    for b in 0..batch {
        let tiles = pieces.of_map.split(&map.clone().slice(s![b..b + 1, .., .., ..]));
        pictures.push(pieces.of_map.join(tiles.into_iter().map(&mut decode).collect::<Result<_>>()?));
    }
    let pictures = (burn::tensor::Tensor::cat(pictures, 0).permute([0, 2, 3, 1]) + 1.0) / 2.0; // [B, H, W, 3]
    Ok(OnDevice::new(&tokenizer.compute, None).with("image", pictures))
}

fn on_host(tokenizer: &Tokenizer, map: &Tensor, pieces: &Pieces, ctx: &Ctx) -> Result<Image> {
    let network = &tokenizer.network;
    let [batch, channels, height, width] = map.dims()?;
    let values = map.as_slice::<f32>()?;
    if let Some(index) = values.iter().position(|v| !v.is_finite()) {
        return Err(Error::input("map", format!("finite numbers were expected in the map, {} came", values[index])));
    }
    let [piece_width, piece_height] = [width / pieces.of_map.columns, height / pieces.of_map.rows];
    let scale = network.enlargement();
    let [full_width, full_height] = [width * scale, height * scale];
    let direct = Direct { level: Level::best(), workspace: &tokenizer.workspace };
    let mut pictures = vec![0.0; batch * full_height * full_width * 3]; // [B, H, W, 3]
    let (mut done, total) = (0, batch * pieces.of_map.count() * (network.decoder.stages() + 1));
    for b in 0..batch {
        let whole = &values[b * channels * height * width..][..channels * height * width];
        for [column, row] in pieces.of_map.tiles() {
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
            let decoded = network.decoder.direct(&piece, pieces.tiles(), direct, &mut |_, _| step())?;
            let picture = &mut pictures[b * full_height * full_width * 3..][..full_height * full_width * 3];
            place(decoded.values(), piece_width * scale, picture, full_width, [x * scale, y * scale]);
            direct.put(piece);
            direct.put(decoded);
            step()?;
        }
    }
    tokenizer.workspace.trim();
    Image::new(Tensor::from_vec([batch, full_height, full_width, 3], pictures)?)
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
