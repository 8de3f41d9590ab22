//! The node `gpstoken.RefineTokens`.

use crate::{
    grid::Grid,
    kernels::cpu::Level,
    load_tokenizer::Tokenizer,
    threads::within,
    tokenizer::{FeatureTile, Network, TILE, roi_align},
};
use splatgraph_sdk::prelude::*;

/// Turns a layout into tokens: moves and reshapes the gaussians and gives each a texture, looking at the picture's features
/// in the regions (paper, section 3.3).
#[node(category = "GPSToken", outputs(tokens: "gaussians with textures"))]
pub fn refine_tokens(
    /// From LoadTokenizer.
    tokenizer: Local<Tokenizer>,
    /// From Encode, of the same tokenizer.
    features: Features,
    /// From InitTokens or another node that gives regions, for the same picture.
    layout: Layout,
    ctx: &Ctx,
) -> Result<Tokens> {
    within(ctx, || {
        let network = &tokenizer.network;
        let [batch, channels, height, width] = features.features.dims()?;
        let [layouts, count, _] = layout.gaussians.dims()?;
        let grid = Grid::of_header(&layout.header);
        let [canvas_width, canvas_height] = [grid.columns * TILE, grid.rows * TILE];
        if channels != network.stem_channels {
            return Err(Error::input(
                "features",
                format!(
                    "features with {} channels were expected, as this tokenizer makes them, {channels} came. Connect Encode to the same tokenizer",
                    network.stem_channels
                ),
            ));
        }
        if [batch, height, width] != [layouts, canvas_height, canvas_width] {
            return Err(Error::input(
                "layout",
                format!(
                    "a layout for {batch} pictures of {width} x {height} pixels was expected, as the features are, one for {layouts} of {canvas_width} x {canvas_height} came"
                ),
            ));
        }
        let Some(regions) = &layout.regions else {
            return Err(Error::input("layout", "a layout with regions was expected, this one has gaussians only"));
        };
        if !count.is_multiple_of(grid.count()) || layout.header.tile as usize != TILE {
            return Err(Error::input(
                "layout",
                format!(
                    "equally many gaussians in each of the {} x {} tiles of {TILE} pixels were expected, {count} in all for tiles of {} came",
                    grid.columns, grid.rows, layout.header.tile
                ),
            ));
        }
        let gaussians = layout.gaussians.as_slice::<f32>()?;
        check_ranges(gaussians, count)?;
        let regions = regions.as_slice::<f32>()?;
        let features = features.features.as_slice::<f32>()?;
        let per_tile = count / grid.count();

        let mut placed = Vec::with_capacity(batch * count * 5);
        let mut textures = Vec::with_capacity(batch * count * network.textures);
        let (mut done, total) = (0, batch * grid.count() * network.transformer.depth());
        for b in 0..batch {
            let map = &features[b * channels * height * width..][..channels * height * width];
            for (index, tile) in grid.tiles().enumerate() {
                let first = b * count + index * per_tile;
                let local = gaussians[first * 5..(first + per_tile) * 5].as_chunks::<5>().0;
                let local: Vec<[f32; 5]> = local.iter().map(|g| grid.gaussian_to_tile(tile, *g)).collect();
                let corners = regions[first * 4..(first + per_tile) * 4].as_chunks::<4>().0;
                let boxes: Vec<[f32; 4]> = corners.iter().map(|c| grid.corners_to_tile(tile, *c).map(pixel)).collect();
                let map = FeatureTile {
                    values: map,
                    size: [width, height],
                    start: tile.map(|i| i * TILE),
                    tile: [TILE, TILE],
                };
                let (refined, features) = refine_tile(network, &local, &boxes, map, &mut || {
                    done += 1;
                    ctx.step(done, total)
                })?;
                placed.extend(refined.as_chunks::<5>().0.iter().flat_map(|g| grid.gaussian_to_canvas(tile, *g)));
                textures.extend(features);
            }
        }
        let header = Canvas {
            map: Some(tokenizer.map),
            support: Some(tokenizer.support),
            model: Some(tokenizer.name.clone()),
            ..layout.header
        };
        Tokens::new(
            Tensor::from_vec([batch, count, 5], placed)?,
            Tensor::from_vec([batch, count, network.textures], textures)?,
            None,
            header,
        )
    })
}

/// A region's corner in pixels.
fn pixel(corner: f32) -> f32 {
    (TILE - 1) as f32 * (corner + 1.0) / 2.0
}

/// The tokens of a tile, in its own coordinates: `[N, 5]` and `[N, C]`. `step` is called after each block.
fn refine_tile(
    network: &Network,
    gaussians: &[[f32; 5]],
    boxes: &[[f32; 4]],
    map: FeatureTile<'_>,
    step: &mut dyn FnMut() -> Result<()>,
) -> Result<(Vec<f32>, Vec<f32>)> {
    let regions = roi_align(map, network.stem_channels, boxes, network.bins);
    network.transformer.direct(Level::best(), &gaussians.concat(), &regions, step)
}

/// The network works on logits, which numbers outside these ranges do not have.
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
                "gaussians with sigmas in 0..1 and rho, x, y in -1..1 were expected, number {} of picture {} is {:?}",
                index % count,
                index / count,
                rows[index]
            ),
        ));
    }
    Ok(())
}
