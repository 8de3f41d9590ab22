//! The map of a picture with several tiles: the splat treats them as one canvas, or each tile by itself.

use super::splat;
use crate::{canvas::grid::Grid, kernels::memory::zeroed};
use rayon::prelude::*;
use splatgraph_sdk::{Canvas, Choice, Ctx, Error, FeatureMap, Result, Tensor, Tokens};

/// How to splat a picture of several tiles.
#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tiles {
    /// The tiles are one canvas: tokens reach across the borders of tiles.
    Merged,
    /// Each tile by itself.
    Separate,
}

/// The map to which tokens are splatted.
pub struct Target {
    /// Pictures.
    pub batch: usize,
    /// Rows of tokens in a picture.
    pub count: usize,
    /// Channels of the map.
    pub channels: usize,
    /// The tiles of a picture.
    pub grid: Grid,
    /// How to splat them.
    pub tiles: Tiles,
    /// Width and height of a tile's map.
    pub map: [usize; 2],
    /// How many sigmas a token reaches along each axis.
    pub support: f32,
    /// The map's header.
    pub header: Canvas,
}

impl Target {
    /// The target for textures `[B, N, C]` with the header of the tokens. `own` has columns, rows and support that replace
    /// those of the header.
    ///
    /// # Errors
    /// The map would be too large.
    pub fn new(
        header: Canvas,
        textures: [usize; 3],
        own: Option<([u32; 2], f32)>,
        tiles: Tiles,
        scale: f32,
    ) -> Result<Self> {
        let [batch, count, channels] = textures;
        let grid = Grid::of_header(&header);
        let map = own.map_or(header.map_or_default(), |(map, _)| map);
        let map = map.map(|side| (side as f32 * scale).round().max(1.0) as u32);
        let support = own.map_or(header.support_or_default(), |(_, support)| support);
        let header = Canvas { map: Some(map), support: Some(support), ..header };
        let map = map.map(|side| side as usize);
        let target = Self { batch, count, channels, grid, tiles, map, support, header };
        let [width, height] = target.whole();
        check_size(batch, channels, width, height)?;
        Ok(target)
    }

    /// Width and height of the whole map.
    pub fn whole(&self) -> [usize; 2] {
        [self.map[0] * self.grid.columns, self.map[1] * self.grid.rows]
    }

    /// Checks that separate tiles have equally many tokens; `counts` has the number of tokens of each picture.
    ///
    /// # Errors
    /// The tiles do not have equally many tokens.
    pub fn check_tiles(&self, counts: &[usize]) -> Result<()> {
        let whole = counts.iter().all(|&used| used == self.count) && self.count.is_multiple_of(self.grid.count());
        if self.tiles == Tiles::Merged || whole { Ok(()) } else { Err(not_separable(self.count, self.grid, counts)) }
    }
}

fn not_separable(count: usize, grid: Grid, counts: &[usize]) -> Error {
    Error::input(
        "tiles",
        format!(
            "expected equally many tokens in each of {} x {} tiles, as they are splatted separately, got {count} rows with the counts {counts:?}. Set tiles to \"merged\"",
            grid.columns, grid.rows
        ),
    )
}

fn counts_of(tokens: &Tokens) -> Result<Vec<usize>> {
    let [batch, count, _] = tokens.textures.dims()?;
    Ok(match &tokens.counts {
        Some(counts) => counts.as_slice::<i64>()?.iter().map(|&count| count as usize).collect(),
        None => vec![count; batch],
    })
}

/// Splats tokens to maps.
///
/// # Errors
/// The tiles cannot be splatted separately, or the run was cancelled.
pub fn splat_map(tokens: &Tokens, target: &Target, ctx: &Ctx) -> Result<FeatureMap> {
    let &Target { batch, count, channels, grid, tiles, support, .. } = target;
    let counts = counts_of(tokens)?;
    target.check_tiles(&counts)?;
    let (gaussians, textures) = (tokens.gaussians.as_slice::<f32>()?, tokens.textures.as_slice::<f32>()?);
    let [width, height] = target.whole();
    let size = channels * height * width;
    let mut maps = zeroed(batch * size); // [B, C, height, width]
    maps.par_chunks_exact_mut(size.max(1)).enumerate().try_for_each(|(b, map)| -> Result<()> {
        ctx.check()?;
        let gaussians = &gaussians[b * count * 5..][..counts[b] * 5];
        let textures = &textures[b * count * channels..][..counts[b] * channels];
        match tiles {
            Tiles::Merged => splat(gaussians, textures, [width, height], support, map),
            Tiles::Separate => separately(gaussians, textures, grid, target.map, support, map),
        }
        Ok(())
    })?;
    ctx.step(batch, batch)?;
    FeatureMap::new(Tensor::from_vec([batch, channels, height, width], maps)?, target.header.clone())
}

/// Tokens for a device, where rows past the count of a picture are splatted as nothing.
///
/// # Errors
/// The tiles cannot be splatted separately.
pub fn without_padding(tokens: Tokens, tiles: Tiles) -> Result<Tokens> {
    let [batch, count, _] = tokens.textures.dims()?;
    let counts = counts_of(&tokens)?;
    if counts.iter().all(|&used| used == count) {
        return Ok(Tokens { counts: None, ..tokens });
    }
    if tiles == Tiles::Separate {
        return Err(not_separable(count, Grid::of_header(&tokens.header), &counts));
    }
    let mut gaussians = tokens.gaussians.as_slice::<f32>()?.to_vec();
    for (picture, used) in gaussians.chunks_exact_mut(count * 5).zip(counts) {
        picture[used * 5..].fill(0.0);
    }
    Ok(Tokens { gaussians: Tensor::from_vec([batch, count, 5], gaussians)?, counts: None, ..tokens })
}

/// Each tile's tokens on a map of their own, put side by side in `whole` `[C, height, width]`.
fn separately(
    gaussians: &[f32],
    textures: &[f32],
    grid: Grid,
    [map_width, map_height]: [usize; 2],
    support: f32,
    whole: &mut [f32],
) {
    let (width, height) = (map_width * grid.columns, map_height * grid.rows);
    let (per_tile, channels) = (gaussians.len() / 5 / grid.count(), whole.len() / (width * height));
    let mut map = vec![0.0; channels * map_height * map_width];
    for (index, tile) in grid.tiles().enumerate() {
        let local = gaussians[index * per_tile * 5..][..per_tile * 5].as_chunks::<5>().0;
        let local: Vec<f32> = local.iter().flat_map(|g| grid.gaussian_to_tile(tile, *g)).collect();
        let textures = &textures[index * per_tile * channels..][..per_tile * channels];
        splat(&local, textures, [map_width, map_height], support, &mut map);
        for (line, from) in map.chunks_exact(map_width).enumerate() {
            let (channel, y) = (line / map_height, tile[1] * map_height + line % map_height);
            whole[(channel * height + y) * width + tile[0] * map_width..][..map_width].copy_from_slice(from);
        }
    }
}

/// A header from elsewhere may ask for any size.
fn check_size(batch: usize, channels: usize, width: usize, height: usize) -> Result<()> {
    const LARGEST: usize = 1 << 30;
    let size = [batch, channels, width, height].iter().try_fold(1usize, |size, side| size.checked_mul(*side));
    if size.is_none_or(|size| size > LARGEST) {
        return Err(Error::input(
            "tokens",
            format!(
                "expected a map of at most {LARGEST} values, got {batch} x {channels} x {height} x {width}. See grid and map in the header of the tokens"
            ),
        ));
    }
    Ok(())
}
