//! The node `gpstoken.Decode`.

use crate::{
    device::{OnDevice, Placed},
    grid::Grid,
    kernels::cpu::Level,
    load_tokenizer::Tokenizer,
    threads::within,
    tokenizer::Direct,
    windows::{Span, Windows},
};
use burn::prelude::s;
use splatgraph_sdk::prelude::*;

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

/// Turns a splatted map into a picture (paper, section 3.4), as large as the one that was encoded.
///
/// - `merged` decodes the tiles of a map as one picture, each normalised by its own statistics: what the authors do with their
///   smaller models, up to 4 x 4 tiles. What is larger is decoded `overlapping`.
/// - `separate` decodes tile by tile, as the authors do with models that were trained on larger maps. It needs the least memory.
/// - `overlapping` decodes windows that are an eighth of a tile larger than it on each side, and go over into each other there: no
///   seams, in any size, with little memory. About 1.6 times the work. Splat may be either; `separate` is what the tokenizer was
///   trained on, `merged` lets tokens reach into the tiles around them, as edited ones may have to.
///
/// A map that was splatted larger than the tokenizer's own is decoded `overlapping` instead of `merged`.
#[node(category = "GPSToken", outputs(image: "values around 0..1, not cut off"))]
pub fn decode(
    /// From LoadTokenizer.
    tokenizer: Local<Tokenizer>,
    /// From Splat.
    map: Placed<FeatureMap>,
    /// For pictures of several tiles.
    #[input(default = Together::Merged)]
    tiles: Together,
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

/// How a map is decoded: window by window.
struct Pieces {
    windows: Windows,
    /// The tiles of a window.
    tiles: Grid,
    /// Width and height of the picture; what the map has beyond it is left out.
    size: [usize; 2],
}

impl Pieces {
    fn new(tokenizer: &Tokenizer, shape: [usize; 4], header: &Canvas, tiles: Together) -> Result<Self> {
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
        let enlargement = tokenizer.network.enlargement();
        let map = [width, height];
        // The canvas is the upper left part of its tiles; the same part of the map is the picture.
        let area = header.area();
        let part = |axis: usize, of: usize| {
            let part = u64::from(header.canvas[axis].min(area[axis])) * of as u64;
            (part as f64 / f64::from(area[axis])).round().max(1.0) as usize
        };
        let size = [0, 1].map(|axis| part(axis, map[axis] * enlargement));
        let own = tokenizer.map.map(|side| side as usize);
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
    fn together(&self) -> [usize; 2] {
        [self.tiles.columns, self.tiles.rows]
    }
}

fn on_device(
    tokenizer: &Tokenizer,
    map: &burn::tensor::Tensor<4>,
    pieces: &Pieces,
    ctx: &Ctx,
) -> Result<OnDevice<Image>> {
    let (decoder, compute) = (&tokenizer.network.decoder, &tokenizer.compute);
    let [batch, _, map_height, map_width] = map.dims();
    let scale = tokenizer.network.enlargement();
    let (mut done, total) = (0, batch * pieces.windows.count() * decoder.stages());
    let mut decode = |piece: burn::tensor::Tensor<4>| {
        decoder.forward(piece, pieces.together(), &mut |_, _| {
            done += 1;
            ctx.step(done, total)
        })
    };
    let mut pictures = Vec::new();
    for b in 0..batch {
        let map = map.clone().slice(s![b..b + 1, .., .., ..]);
        if pieces.windows.count() == 1 {
            pictures.push(decode(map)?);
            continue;
        }
        let mut picture = burn::tensor::Tensor::zeros([1, 3, map_height * scale, map_width * scale], &compute.device);
        for [column, row] in pieces.windows.iter() {
            let [x, y] = [column, row].map(|span| span.start..span.start + span.length);
            let decoded = decode(map.clone().slice(s![.., .., y.clone(), x.clone()]))?
                * compute.upload(column.weights.clone(), [1, 1, 1, column.weights.len()])?
                * compute.upload(row.weights.clone(), [1, 1, row.weights.len(), 1])?;
            let place = s![.., .., y.start * scale..y.end * scale, x.start * scale..x.end * scale];
            let before = picture.clone().slice(place);
            picture = picture.slice_assign(place, before + decoded);
        }
        pictures.push(picture);
    }
    let [width, height] = pieces.size;
    let pictures = burn::tensor::Tensor::cat(pictures, 0).slice(s![.., .., 0..height, 0..width]);
    let pictures = (pictures.permute([0, 2, 3, 1]) + 1.0) / 2.0; // [B, H, W, 3]
    Ok(OnDevice::new(compute, None).with("image", pictures))
}

fn on_host(tokenizer: &Tokenizer, map: &Tensor, pieces: &Pieces, ctx: &Ctx) -> Result<Image> {
    let network = &tokenizer.network;
    let [batch, channels, height, width] = map.dims()?;
    let values = map.as_slice::<f32>()?;
    if let Some(index) = values.iter().position(|v| !v.is_finite()) {
        return Err(Error::input("map", format!("finite numbers were expected in the map, {} came", values[index])));
    }
    let [full_width, full_height] = pieces.size;
    let direct = Direct { level: Level::best(), workspace: &tokenizer.workspace };
    let mut pictures = vec![0.0; batch * full_height * full_width * 3]; // [B, H, W, 3]
    let (mut done, total) = (0, batch * pieces.windows.count() * (network.decoder.stages() + 1));
    for b in 0..batch {
        let whole = &values[b * channels * height * width..][..channels * height * width];
        let picture = &mut pictures[b * full_height * full_width * 3..][..full_height * full_width * 3];
        for [column, row] in pieces.windows.iter() {
            let mut piece = direct.map([row.length, column.length], channels);
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
            let decoded = network.decoder.direct(&piece, pieces.together(), direct, &mut |_, _| step())?;
            add(decoded.values(), [column, row], picture, full_width, network.enlargement());
            direct.put(piece);
            direct.put(decoded);
            step()?;
        }
    }
    tokenizer.workspace.trim();
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
