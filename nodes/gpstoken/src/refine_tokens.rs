//! The node `gpstoken.RefineTokens`.

use crate::{
    device::{OnDevice, Placed},
    grid::Grid,
    kernels::cpu::Level,
    load_tokenizer::Tokenizer,
    threads::within,
    tokenizer::{FeatureTile, Network, TILE, roi_align, roi_align_tensor},
};
use burn::prelude::s;
use splatgraph_sdk::prelude::*;

/// Turns a layout into tokens: moves and reshapes the gaussians and gives each a texture, looking at the picture's features
/// in the regions (paper, section 3.3).
#[node(category = "GPSToken", outputs(tokens: "gaussians with textures"))]
pub fn refine_tokens(
    /// From LoadTokenizer.
    tokenizer: Local<Tokenizer>,
    /// From Encode, of the same tokenizer.
    features: Placed<Features>,
    /// From InitTokens or another node that gives regions, for the same picture.
    layout: Layout,
    ctx: &Ctx,
) -> Result<Placed<Tokens>> {
    let header = Canvas {
        map: Some(tokenizer.map),
        support: Some(tokenizer.support),
        model: Some(tokenizer.name.clone()),
        ..layout.header.clone()
    };
    if tokenizer.compute.is_host() {
        let features = features.into_host()?;
        let shape = check(&tokenizer, features.features.dims()?, &layout)?;
        return within(ctx, || on_host(&tokenizer, &features, &layout, shape, header, ctx)).map(Placed::Host);
    }
    let features = features.into_device(&tokenizer.compute)?.tensor::<4>("features");
    let shape = check(&tokenizer, features.dims(), &layout)?;
    tokenizer.compute.run(|| on_device(&tokenizer, features, &layout, shape, header, ctx).map(Placed::device))
}

/// What is refined.
#[derive(Clone, Copy)]
struct Shape {
    batch: usize,
    grid: Grid,
    /// Tokens of all tiles, and of one.
    count: usize,
    per_tile: usize,
}

/// Whether the layout fits the features, and both the tokenizer.
fn check(tokenizer: &Tokenizer, [batch, channels, height, width]: [usize; 4], layout: &Layout) -> Result<Shape> {
    let network = &tokenizer.network;
    let [layouts, count, _] = layout.gaussians.dims()?;
    let grid = Grid::of_header(&layout.header);
    let area = grid.area();
    if channels != network.stem_channels {
        return Err(Error::input(
            "features",
            format!(
                "features with {} channels were expected, as this tokenizer makes them, {channels} came. Connect Encode to the same tokenizer",
                network.stem_channels
            ),
        ));
    }
    if batch != layouts || [width, height] != area {
        return Err(Error::input(
            "layout",
            format!(
                "a layout for {batch} pictures whose tiles have {width} x {height} pixels was expected, as the features have, one for {layouts} of {} x {} came",
                area[0], area[1]
            ),
        ));
    }
    if layout.regions.is_none() {
        return Err(Error::input("layout", "a layout with regions was expected, this one has gaussians only"));
    }
    if !count.is_multiple_of(grid.count()) || layout.header.tile as usize != TILE {
        return Err(Error::input(
            "layout",
            format!(
                "equally many gaussians in each of the {} x {} tiles of {TILE} pixels were expected, {count} in all for tiles of {} came",
                grid.columns, grid.rows, layout.header.tile
            ),
        ));
    }
    check_ranges(layout.gaussians.as_slice::<f32>()?, count)?;
    Ok(Shape { batch, grid, count, per_tile: count / grid.count() })
}

/// A tile's gaussians in its own coordinates, and its boxes in pixels.
type OfTile = (Vec<[f32; 5]>, Vec<[f32; 4]>);

fn of_tile(layout: &Layout, shape: Shape, b: usize, index: usize, tile: [usize; 2]) -> Result<OfTile> {
    let Shape { grid, count, per_tile, .. } = shape;
    let regions = layout.regions.as_ref().map_or(Ok(&[][..]), |regions| regions.as_slice::<f32>())?;
    let first = b * count + index * per_tile;
    let gaussians = layout.gaussians.as_slice::<f32>()?[first * 5..(first + per_tile) * 5].as_chunks::<5>().0;
    let corners = regions[first * 4..(first + per_tile) * 4].as_chunks::<4>().0;
    Ok((
        gaussians.iter().map(|g| grid.gaussian_to_tile(tile, *g)).collect(),
        corners.iter().map(|c| grid.corners_to_tile(tile, *c).map(pixel)).collect(),
    ))
}

fn on_device(
    tokenizer: &Tokenizer,
    features: burn::tensor::Tensor<4>,
    layout: &Layout,
    shape: Shape,
    header: Canvas,
    ctx: &Ctx,
) -> Result<OnDevice<Tokens>> {
    let (network, compute) = (&tokenizer.network, &tokenizer.compute);
    let Shape { batch, grid, count, per_tile } = shape;
    let (mut gaussians, mut regions) = (Vec::new(), Vec::new());
    let (mut done, total) = (0, batch * grid.count() + network.transformer.depth());
    let mut step = || {
        done += 1;
        ctx.step(done, total)
    };
    for b in 0..batch {
        let tiles = grid.split(&features.clone().slice(s![b..b + 1, .., .., ..]));
        for ((index, tile), map) in grid.tiles().enumerate().zip(tiles) {
            let (local, boxes) = of_tile(layout, shape, b, index, tile)?;
            gaussians.extend(local.concat());
            regions.push(roi_align_tensor(map.squeeze_dim(0), &boxes, network.bins)); // [N, stem, samples]
            step()?;
        }
    }
    let tiles = batch * grid.count();
    let gaussians = compute.upload(gaussians, [tiles, per_tile, 5])?;
    let samples = network.bins * network.bins;
    let regions = burn::tensor::Tensor::cat(regions, 0).reshape([tiles, per_tile, network.stem_channels, samples]);
    let (refined, textures) = network
        .transformer
        .forward(gaussians, regions, &mut |name, _| if name.ends_with(".out") { step() } else { Ok(()) })?;
    let mut placed = refined.reshape([batch, count, 5]);
    if grid.count() > 1 {
        let [scale, offset] = grid.scale_and_offset_to_canvas(count);
        placed = placed * compute.upload(scale, [1, count, 5])? + compute.upload(offset, [1, count, 5])?;
    }
    let textures = textures.reshape([batch, count, network.textures]);
    Ok(OnDevice::new(compute, Some(header)).with("gaussians", placed).with("textures", textures))
}

fn on_host(
    tokenizer: &Tokenizer,
    features: &Features,
    layout: &Layout,
    shape: Shape,
    header: Canvas,
    ctx: &Ctx,
) -> Result<Tokens> {
    let network = &tokenizer.network;
    let Shape { batch, grid, count, .. } = shape;
    let [_, channels, height, width] = features.features.dims()?;
    let features = features.features.as_slice::<f32>()?;

    let mut placed = Vec::with_capacity(batch * count * 5);
    let mut textures = Vec::with_capacity(batch * count * network.textures);
    let (mut done, total) = (0, batch * grid.count() * network.transformer.depth());
    for b in 0..batch {
        let map = &features[b * channels * height * width..][..channels * height * width];
        for (index, tile) in grid.tiles().enumerate() {
            let (local, boxes) = of_tile(layout, shape, b, index, tile)?;
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
    Tokens::new(
        Tensor::from_vec([batch, count, 5], placed)?,
        Tensor::from_vec([batch, count, network.textures], textures)?,
        None,
        header,
    )
}

/// A region's corner in pixels.
pub(crate) fn pixel(corner: f32) -> f32 {
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
