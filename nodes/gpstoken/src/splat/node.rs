//! The node `gpstoken.Splat`.

use super::splat as splat_picture;
use crate::{grid::Grid, load_tokenizer::Tokenizer, threads::within};
use rayon::prelude::*;
use splatgraph_sdk::prelude::*;

/// How a picture of several tiles is put together.
#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tiles {
    /// As one canvas: tokens reach across the borders of tiles.
    Merged,
    /// Each tile by itself.
    Separate,
}

/// Spreads the tokens' textures over a map as gaussians (paper, section 3.1).
#[node(category = "GPSToken", outputs(map: "the decoder's input"))]
pub fn splat(
    /// The tokens.
    tokens: Tokens,
    /// Takes the map's size and the support from this tokenizer instead of the tokens' header.
    tokenizer: Option<Local<Tokenizer>>,
    /// For pictures of several tiles; what Decode is set to.
    #[input(default = Tiles::Merged)]
    tiles: Tiles,
    ctx: &Ctx,
) -> Result<FeatureMap> {
    within(ctx, || {
        let Tokens { gaussians, textures, counts, header } = tokens;
        let [batch, count, channels] = textures.dims()?;
        let grid = Grid::of_header(&header);
        let [map_width, map_height] = tokenizer.as_ref().map_or(header.map_or_default(), |t| t.map);
        let support = tokenizer.as_ref().map_or(header.support_or_default(), |t| t.support);
        let [width, height] = [map_width as usize * grid.columns, map_height as usize * grid.rows];
        check_size(batch, channels, width, height)?;

        let counts: Vec<usize> = match &counts {
            Some(counts) => counts.as_slice::<i64>()?.iter().map(|&count| count as usize).collect(),
            None => vec![count; batch],
        };
        if tiles == Tiles::Separate && (counts.iter().any(|&used| used != count) || !count.is_multiple_of(grid.count()))
        {
            return Err(Error::input(
                "tiles",
                format!(
                    "tiles can be splatted separately when each has equally many tokens, but there are {count} rows for {} x {} tiles, and counts {counts:?}. Set tiles to \"merged\"",
                    grid.columns, grid.rows
                ),
            ));
        }
        let (gaussians, textures) = (gaussians.as_slice::<f32>()?, textures.as_slice::<f32>()?);
        let picture = |b: usize| {
            ctx.check()?;
            let gaussians = &gaussians[b * count * 5..][..counts[b] * 5];
            let textures = &textures[b * count * channels..][..counts[b] * channels];
            Ok(match tiles {
                Tiles::Merged => splat_picture(gaussians, textures, channels, [width, height], support),
                Tiles::Separate => {
                    separately(gaussians, textures, channels, grid, [map_width as usize, map_height as usize], support)
                }
            })
        };
        let maps = (0..batch).into_par_iter().map(picture).collect::<Result<Vec<_>>>()?;
        ctx.step(batch, batch)?;
        let map = Tensor::from_vec([batch, channels, height, width], maps.concat())?;
        FeatureMap::new(map, Canvas { map: Some([map_width, map_height]), support: Some(support), ..header })
    })
}

/// Each tile's tokens on a map of their own, put side by side.
fn separately(
    gaussians: &[f32],
    textures: &[f32],
    channels: usize,
    grid: Grid,
    [map_width, map_height]: [usize; 2],
    support: f32,
) -> Vec<f32> {
    let per_tile = gaussians.len() / 5 / grid.count();
    let (width, height) = (map_width * grid.columns, map_height * grid.rows);
    let mut whole = vec![0.0; channels * height * width];
    for (index, tile) in grid.tiles().enumerate() {
        let local = gaussians[index * per_tile * 5..][..per_tile * 5].as_chunks::<5>().0;
        let local: Vec<f32> = local.iter().flat_map(|g| grid.gaussian_to_tile(tile, *g)).collect();
        let textures = &textures[index * per_tile * channels..][..per_tile * channels];
        let map = splat_picture(&local, textures, channels, [map_width, map_height], support);
        for (line, from) in map.chunks_exact(map_width).enumerate() {
            let (channel, y) = (line / map_height, tile[1] * map_height + line % map_height);
            whole[(channel * height + y) * width + tile[0] * map_width..][..map_width].copy_from_slice(from);
        }
    }
    whole
}

/// A header from elsewhere may ask for any size.
fn check_size(batch: usize, channels: usize, width: usize, height: usize) -> Result<()> {
    const LARGEST: usize = 1 << 30;
    let size = [batch, channels, width, height].iter().try_fold(1usize, |size, side| size.checked_mul(*side));
    if size.is_none_or(|size| size > LARGEST) {
        return Err(Error::input(
            "tokens",
            format!(
                "the map would have {batch} x {channels} x {height} x {width} values, more than {LARGEST}. See grid and map in the tokens' header"
            ),
        ));
    }
    Ok(())
}
