//! Refinement on the host: turns a layout and features into tokens, tile by tile.

use super::{
    Network, Sizes,
    roi_align::{FeatureTile, roi_align},
};
use crate::{
    canvas::{TILE, grid::Grid},
    kernels::cpu::Level,
    names::counted,
};
use splatgraph_sdk::{Canvas, Choice, Ctx, Error, Features, Layout, Result, Tensor, Tokens};

/// The geometry of the tokens.
#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Geometry {
    /// The gaussians as the tokenizer moved and reshaped them.
    Refined,
    /// The gaussians of the layout. Only the textures come from the tokenizer.
    #[choice(name = "as given")]
    AsGiven,
}

/// A layout by tiles, after the check that it fits the features and the tokenizer.
#[derive(Clone, Copy)]
pub struct Tiled<'a> {
    layout: &'a Layout,
    /// Number of pictures.
    pub batch: usize,
    /// The tiles of a picture.
    pub grid: Grid,
    /// Number of tokens in all tiles of a picture.
    pub count: usize,
    /// Number of tokens in one tile.
    pub per_tile: usize,
}

/// A tile's gaussians in its own coordinates, and its regions in pixels.
type OfTile = (Vec<[f32; 5]>, Vec<[f32; 4]>);

impl<'a> Tiled<'a> {
    /// Checks that the layout fits features `[batch, channels, height, width]`, and that both fit the tokenizer.
    ///
    /// # Errors
    /// Layout, features and tokenizer do not fit together, or a number of a gaussian is outside its range and has no logit.
    pub fn new(sizes: &Sizes, [batch, channels, height, width]: [usize; 4], layout: &'a Layout) -> Result<Self> {
        let [layouts, count, _] = layout.gaussians.dims()?;
        let grid = Grid::of_header(&layout.header);
        let area = grid.area();
        if channels != sizes.stem_channels {
            return Err(Error::input(
                "features",
                format!(
                    "expected features with {}, as this tokenizer makes them, got {channels}. Connect Encode to the same tokenizer",
                    counted(sizes.stem_channels, "channel")
                ),
            ));
        }
        if batch != layouts || [width, height] != area {
            return Err(Error::input(
                "layout",
                format!(
                    "expected a layout for {} with tiles of {width} x {height} pixels in all, as the features have, got one for {} with {} x {} pixels. Make layout and features from the same picture",
                    counted(batch, "picture"),
                    counted(layouts, "picture"),
                    area[0],
                    area[1]
                ),
            ));
        }
        if layout.regions.is_none() {
            return Err(Error::input(
                "layout",
                "expected a layout with regions, got one with gaussians only. Make one with InitTokens, or connect CalibrateLayout",
            ));
        }
        if !count.is_multiple_of(grid.count()) || layout.header.tile as usize != TILE {
            return Err(Error::input(
                "layout",
                format!(
                    "expected the same number of gaussians in each of the {} x {} tiles of {TILE} pixels, got {} in all for tiles of {} pixels. Make the layout with InitTokens",
                    grid.columns,
                    grid.rows,
                    counted(count, "gaussian"),
                    layout.header.tile
                ),
            ));
        }
        check_ranges(layout.gaussians.as_slice::<f32>()?, count)?;
        Ok(Self { layout, batch, grid, count, per_tile: count / grid.count() })
    }

    /// All gaussians of the layout, `[B, N, 5]`.
    pub fn gaussians(&self) -> &Tensor {
        &self.layout.gaussians
    }

    /// The gaussians of tile number `index` of picture `b` in the tile's coordinates, and the tile's regions in pixels.
    ///
    /// # Errors
    /// The layout's numbers are not f32.
    pub fn tile(&self, b: usize, index: usize, tile: [usize; 2]) -> Result<OfTile> {
        let Self { layout, grid, count, per_tile, .. } = *self;
        let regions = layout.regions.as_ref().map_or(Ok(&[][..]), |regions| regions.as_slice::<f32>())?;
        let first = b * count + index * per_tile;
        let gaussians = layout.gaussians.as_slice::<f32>()?[first * 5..(first + per_tile) * 5].as_chunks::<5>().0;
        let corners = regions[first * 4..(first + per_tile) * 4].as_chunks::<4>().0;
        Ok((
            gaussians.iter().map(|g| grid.gaussian_to_tile(tile, *g)).collect(),
            corners.iter().map(|c| grid.corners_to_tile(tile, *c).map(region_pixel)).collect(),
        ))
    }
}

/// Refines a layout to tokens. Their header is `header`.
///
/// # Errors
/// The run was cancelled.
pub fn refine(
    network: &Network,
    features: &Features,
    layout: Tiled<'_>,
    geometry: Geometry,
    header: Canvas,
    ctx: &Ctx,
) -> Result<Tokens> {
    let Tiled { batch, grid, count, .. } = layout;
    let [_, channels, height, width] = features.features.dims()?;
    let features = features.features.as_slice::<f32>()?;

    let mut placed = Vec::with_capacity(batch * count * 5);
    let mut textures = Vec::with_capacity(batch * count * network.sizes.textures);
    let (mut done, total) = (0, batch * grid.count() * network.transformer.depth());
    for b in 0..batch {
        let map = &features[b * channels * height * width..][..channels * height * width];
        for (index, tile) in grid.tiles().enumerate() {
            let (local, boxes) = layout.tile(b, index, tile)?;
            let map =
                FeatureTile { values: map, size: [width, height], start: tile.map(|i| i * TILE), tile: [TILE, TILE] };
            let (refined, features) = refine_tile(network, &local, &boxes, map, &mut || {
                done += 1;
                ctx.step(done, total)
            })?;
            placed.extend(refined.as_chunks::<5>().0.iter().flat_map(|g| grid.gaussian_to_canvas(tile, *g)));
            textures.extend(features);
        }
    }
    let gaussians = match geometry {
        Geometry::Refined => Tensor::from_vec([batch, count, 5], placed)?,
        Geometry::AsGiven => layout.gaussians().clone(),
    };
    Tokens::new(gaussians, Tensor::from_vec([batch, count, network.sizes.textures], textures)?, None, header)
}

/// Converts a coordinate of a region's corner to pixels of its tile.
pub fn region_pixel(corner: f32) -> f32 {
    (TILE - 1) as f32 * (corner + 1.0) / 2.0
}

/// The tokens of a tile, in the tile's coordinates: `[N, 5]` and `[N, C]`. Calls `step` after each block.
fn refine_tile(
    network: &Network,
    gaussians: &[[f32; 5]],
    boxes: &[[f32; 4]],
    map: FeatureTile<'_>,
    step: &mut dyn FnMut() -> Result<()>,
) -> Result<(Vec<f32>, Vec<f32>)> {
    let regions = roi_align(map, network.sizes.stem_channels, boxes, network.sizes.bins);
    network.transformer.forward(Level::best(), &gaussians.concat(), &regions, step)
}

/// Checks the ranges of the gaussians. The network works on logits, and numbers outside these ranges have no logits.
fn check_ranges(gaussians: &[f32], count: usize) -> Result<()> {
    let outside = |g: &[f32; 5]| {
        let [sigma_x, sigma_y, others @ ..] = g;
        ![sigma_x, sigma_y].iter().all(|s| (0.0..=1.0).contains(*s)) || !others.iter().all(|v| (-1.0..=1.0).contains(v))
    };
    let rows = gaussians.as_chunks::<5>().0;
    if let Some(index) = rows.iter().position(outside) {
        return Err(Error::input(
            "layout",
            format!(
                "expected gaussians with sigmas in 0..1 and rho, x, y in -1..1, got gaussian {} of picture {} with {:?}",
                index % count,
                index / count,
                rows[index]
            ),
        ));
    }
    Ok(())
}
