//! The node `gpstoken.InitTokens`.

use crate::{
    grid::Grid,
    partition::{OverCapacity, Region, Rules, corners, gaussian, partition, regions_above},
    picture::{grey, tile_input},
    plane::Plane,
    threads::within,
    tokenizer::TILE,
};
use rayon::prelude::*;
use splatgraph_sdk::prelude::*;

/// Lays tokens where the picture has most to show: cuts it into regions by their entropy and starts a gaussian in each
/// (paper, section 3.2).
///
/// A picture of any size is worked on in tiles of 256 pixels, and each tile gets `tokens` tokens. A tile that reaches beyond the
/// picture lays them where the picture is. With a threshold the number follows from the picture. FindTokenCount finds one for a
/// PSNR.
#[node(category = "GPSToken", outputs(
    layout: "a gaussian and a region for each token",
    count: "tokens for each tile: `tokens`, or fewer with a threshold",
))]
#[expect(clippy::too_many_arguments, reason = "a node's inputs")]
pub fn init_tokens(
    /// The picture.
    image: Image,
    /// Tokens for each 256-pixel tile.
    #[input(default = 128, min = 1, max = 65536)]
    tokens: u32,
    /// How much texture attracts tokens: the exponent of a region's entropy. 0 counts the area only.
    #[input(default = 2.5, min = 0, max = 100)]
    exponent: f64,
    /// Regions with sides of at most this many pixels plus one are not cut any more.
    #[input(default = 8, min = 1, max = 256)]
    min_region: u32,
    /// Where tokens are wanted besides: a weight for each pixel, of the picture's size; one for all pictures, or one for each.
    weight_map: Option<Mask>,
    /// Strength of the weight map; a pixel of a textured place counts about 10 to 40 by itself. No effect without a map.
    #[input(default = 50.0)]
    weight: f32,
    /// Stops cutting when no region that can be cut is more complex than this; `tokens` is then the most there may be. All tiles
    /// of all pictures get as many as the one that needs most. A region counts its pixels times entropy^exponent, so that 16 x 16
    /// textured pixels count about 2,000 to 10,000; ComplexityMap shows it. 0 always makes `tokens`.
    #[input(default = 0.0, min = 0)]
    threshold: f64,
    ctx: &Ctx,
) -> Result<(Layout, u32)> {
    within(ctx, || {
        let [batch, height, width, _] = image.image.dims()?;
        let grid = Grid::of_picture(width, height)?;
        if !weight.is_finite() {
            return Err(Error::input("weight", format!("a number was expected, {weight} came")));
        }
        if threshold.is_nan() {
            return Err(Error::input("threshold", "a number was expected, NaN came"));
        }
        if let Some(map) = &weight_map {
            let [maps, map_height, map_width] = map.mask.dims()?;
            if [map_width, map_height] != [width, height] || (maps != 1 && maps != batch) {
                return Err(Error::input(
                    "weight_map",
                    format!(
                        "a map of {width} x {height} pixels was expected, as the picture has, for all {batch} pictures or for each; {maps} of {map_width} x {map_height} came"
                    ),
                ));
            }
        }
        let mut rules = Rules { tokens: tokens as usize, exponent, min_region: min_region as usize };
        let pictures = image.image.as_slice::<f32>()?;
        let maps = weight_map.as_ref().map(|map| map.mask.as_slice::<f32>()).transpose()?;

        let tiles: Vec<(usize, [usize; 2])> =
            (0..batch).flat_map(|b| grid.tiles().map(move |tile| (b, tile))).collect();
        let planes = |&(b, tile): &(usize, [usize; 2])| -> Result<(Plane, [usize; 2], Option<Plane>)> {
            ctx.check()?;
            let picture = &pictures[b * height * width * 3..][..height * width * 3];
            let visible = grid.visible(tile, [width, height]);
            let added = maps.map(|maps| {
                let start = if maps.len() == height * width { 0 } else { b * height * width };
                weights(&maps[start..start + height * width], width, tile, visible, weight)
            });
            Ok((grey(&tile_input(picture, [width, height], tile)), visible, added))
        };
        if threshold > 0.0 {
            let needed = |tile| -> Result<usize> {
                let (grey, visible, added) = planes(tile)?;
                Ok(regions_above(&grey, visible, added.as_ref(), &rules, threshold))
            };
            rules.tokens = tiles.par_iter().map(needed).try_reduce(|| 1, |a, b| Ok(a.max(b)))?;
        }
        let cut = |tile| -> Result<Vec<Region>> {
            let (grey, visible, added) = planes(tile)?;
            partition(&grey, visible, added.as_ref(), &rules).map_err(over_capacity)
        };
        let regions = tiles.par_iter().map(cut).collect::<Result<Vec<_>>>()?;
        Ok((layout_of(batch, grid, [width, height], &tiles, &regions)?, rules.tokens as u32))
    })
}

/// A tile of a weight map `[H, W]`; 0 where the picture does not reach.
fn weights(
    map: &[f32],
    width: usize,
    [column, row]: [usize; 2],
    [visible_width, visible_height]: [usize; 2],
    weight: f32,
) -> Plane {
    let mut values = vec![0.0; TILE * TILE];
    for (y, line) in values.chunks_exact_mut(TILE).take(visible_height).enumerate() {
        let map = &map[(row * TILE + y) * width + column * TILE..][..visible_width];
        line.iter_mut().zip(map).for_each(|(to, v)| *to = v * weight);
    }
    Plane { width: TILE, height: TILE, values }
}

fn over_capacity(OverCapacity { tokens, capacity }: OverCapacity) -> Error {
    Error::input(
        "tokens",
        format!(
            "{tokens} tokens were asked for, but a tile of {TILE} x {TILE} pixels can be cut into {capacity} regions of this size at most. Ask for {capacity} or fewer, or lower min_region"
        ),
    )
}

/// The layout of tiles of pictures of `size` pixels that were cut into equally many regions each.
pub(crate) fn layout_of(
    batch: usize,
    grid: Grid,
    size: [usize; 2],
    tiles: &[(usize, [usize; 2])],
    regions: &[Vec<Region>],
) -> Result<Layout> {
    let count = regions.iter().map(Vec::len).sum::<usize>() / batch.max(1);
    let mut gaussians = Vec::with_capacity(batch * count * 5);
    let mut boxes = Vec::with_capacity(batch * count * 4);
    for ((_, tile), regions) in tiles.iter().zip(regions) {
        for region in regions {
            gaussians.extend(grid.gaussian_to_canvas(*tile, gaussian(*region, TILE, TILE)));
            boxes.extend(grid.corners_to_canvas(*tile, corners(*region, TILE, TILE)));
        }
    }
    Layout::new(
        Tensor::from_vec([batch, count, 5], gaussians)?,
        Some(Tensor::from_vec([batch, count, 4], boxes)?),
        grid.header(size),
    )
}
