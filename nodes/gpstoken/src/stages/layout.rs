//! InitTokens: turns a picture into a layout, tile by tile.

use crate::{
    canvas::{
        TILE,
        grid::Grid,
        picture::{grey, tile_input},
        plane::Plane,
    },
    names::counted,
    partition::{
        OverCapacity, Region, Rules, WeightMode, Weights, calibration::calibrate, corners, gaussian, partition,
        regions_above,
    },
};
use rayon::prelude::*;
use splatgraph_sdk::{Canvas, Ctx, Error, Image, Layout, Mask, Result, Tensor};

/// The settings for cutting pictures into regions; see the inputs of InitTokens.
#[derive(Clone)]
pub struct Cut {
    /// Number of tokens for each tile.
    pub tokens: usize,
    /// Exponent of a region's entropy.
    pub exponent: f64,
    /// The partition does not cut regions with sides of at most this many pixels plus one.
    pub min_region: usize,
    /// A weight for each pixel.
    pub weight_map: Option<Mask>,
    /// Strength of the weight map.
    pub weight: f32,
    /// How the weight map changes the complexity of a region.
    pub weight_mode: WeightMode,
    /// The partition stops as soon as no region that can be cut is more complex than this threshold, and at `tokens` regions at the
    /// latest. The threshold 0 always makes `tokens` regions.
    pub threshold: f64,
}

impl Cut {
    /// The default number of tokens.
    pub const TOKENS: u32 = 128;
    /// The authors' exponent.
    pub const EXPONENT: f64 = 2.5;
    /// The authors' smallest region.
    pub const MIN_REGION: u32 = 8;
    /// The default strength of a weight map.
    pub const WEIGHT: f32 = 50.0;
}

impl Default for Cut {
    fn default() -> Self {
        Self {
            tokens: Self::TOKENS as usize,
            exponent: Self::EXPONENT,
            min_region: Self::MIN_REGION as usize,
            weight_map: None,
            weight: Self::WEIGHT,
            weight_mode: WeightMode::Add,
            threshold: 0.0,
        }
    }
}

/// The layout of pictures, and the number of tokens for each tile.
///
/// # Errors
/// A picture, its weight map or a number is unusable, a tile can't be cut into so many regions, or the run was cancelled.
pub fn layout(image: &Image, cut: &Cut, ctx: &Ctx) -> Result<(Layout, u32)> {
    let &Cut { tokens, exponent, min_region, ref weight_map, weight, weight_mode, threshold } = cut;
    ctx.on_threads(|| {
        let [batch, height, width, _] = image.image.dims()?;
        let grid = Grid::of_picture(width, height)?;
        if !weight.is_finite() {
            return Err(Error::input("weight", format!("expected a number, got {weight}")));
        }
        if threshold.is_nan() {
            return Err(Error::input("threshold", "expected a number, got NaN"));
        }
        if let Some(map) = &weight_map {
            let [maps, map_height, map_width] = map.mask.dims()?;
            if [map_width, map_height] != [width, height] || (maps != 1 && maps != batch) {
                return Err(Error::input(
                    "weight_map",
                    format!(
                        "expected weight maps of {width} x {height} pixels, the picture's size, 1 for all or 1 for each of {}, got {} of {map_width} x {map_height} pixels. Resize the weight map",
                        counted(batch, "picture"),
                        counted(maps, "map")
                    ),
                ));
            }
        }
        let mut rules = Rules { tokens, exponent, min_region };
        let pictures = image.image.as_slice::<f32>()?;
        let maps = weight_map.as_ref().map(|map| map.mask.as_slice::<f32>()).transpose()?;

        let tiles: Vec<(usize, [usize; 2])> =
            (0..batch).flat_map(|b| grid.tiles().map(move |tile| (b, tile))).collect();
        let planes = |&(b, tile): &(usize, [usize; 2])| -> Result<(Plane, [usize; 2], Option<Plane>)> {
            ctx.check()?;
            let picture = &pictures[b * height * width * 3..][..height * width * 3];
            let visible = grid.visible(tile, [width, height]);
            let map = maps.map(|maps| {
                let start = if maps.len() == height * width { 0 } else { b * height * width };
                weights(&maps[start..start + height * width], width, tile, visible, weight)
            });
            Ok((grey(&tile_input(picture, [width, height], tile)), visible, map))
        };
        if threshold > 0.0 {
            let needed = |tile| -> Result<usize> {
                let (grey, visible, map) = planes(tile)?;
                let weights = map.as_ref().map(|map| Weights { map, mode: weight_mode });
                Ok(regions_above(&grey, visible, weights, &rules, threshold))
            };
            rules.tokens = tiles.par_iter().map(needed).try_reduce(|| 1, |a, b| Ok(a.max(b)))?;
        }
        let cut = |tile| -> Result<Vec<Region>> {
            let (grey, visible, map) = planes(tile)?;
            let weights = map.as_ref().map(|map| Weights { map, mode: weight_mode });
            partition(&grey, visible, weights, &rules).map_err(over_capacity)
        };
        let regions = tiles.par_iter().map(cut).collect::<Result<Vec<_>>>()?;
        Ok((layout_of(batch, grid, [width, height], &tiles, &regions)?, rules.tokens as u32))
    })
}

/// A tile of a weight map `[H, W]`, with 0 outside the picture.
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
            "expected at most {}, the number of regions of this size that fit into a tile of {TILE} x {TILE} pixels, got {tokens}. Ask for {capacity} or fewer, or lower min_region",
            counted(capacity, "token")
        ),
    )
}

/// The layout of pictures of `size` pixels, from the regions of their tiles. All tiles have the same number of regions.
///
/// # Errors
/// The tiles have different numbers of regions.
pub fn layout_of(
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

/// Layouts of one tile. Calibrates the gaussians `[B, N, 5]` to a partition of the tile.
///
/// # Errors
/// The gaussians can't be calibrated.
pub fn calibrated(rows: &[f32], pictures: usize) -> Result<Layout> {
    let count = rows.len() / (5 * pictures);
    let mut gaussians: Vec<f32> = Vec::with_capacity(rows.len());
    let mut regions: Vec<f32> = Vec::with_capacity(pictures * count * 4);
    for layout in rows.chunks_exact(5 * count) {
        let (own_gaussians, own_regions) = calibrate(layout.as_chunks::<5>().0)?;
        gaussians.extend(own_gaussians.as_flattened());
        regions.extend(own_regions.as_flattened());
    }
    let gaussians = Tensor::from_vec([pictures, count, 5], gaussians)?;
    Layout::new(gaussians, Some(Tensor::from_vec([pictures, count, 4], regions)?), Canvas::default())
}
