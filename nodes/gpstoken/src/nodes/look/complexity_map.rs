//! The node `gpstoken.ComplexityMap`.

use crate::{
    canvas::{
        TILE,
        grid::Grid,
        picture::{grey, tile_input},
    },
    names::{counted, one_or},
    partition::{Region, complexity},
};
use rayon::prelude::*;
use splatgraph_sdk::prelude::*;

/// Colours for complexities of 0, 1/4, 2/4, 3/4 and 1 of the largest.
const COLOURS: [[f32; 3]; 5] =
    [[0.02, 0.01, 0.08], [0.30, 0.06, 0.43], [0.73, 0.21, 0.33], [0.98, 0.55, 0.04], [0.99, 0.99, 0.64]];

/// Shows the complexity of each region per pixel: entropy^exponent of the gradients in it (paper, section 3.2). Dark regions
/// have little detail, bright regions have much.
///
/// The whole complexity of a region is this value times its pixels. InitTokens always cuts the region with the largest whole
/// complexity.
#[node(category = "GPSToken", outputs(
    image: "the regions in the colours of their complexity",
    mask: "the complexity per pixel from 0 to 1, where 1 is the largest of each picture",
    largest: "the whole complexity of the most complex region; with a larger `threshold`, InitTokens would have cut less",
    each: "for each picture: [{\"per_pixel\": the largest complexity per pixel, \"largest\": .., \"total\": the sum over all regions}, ..]",
))]
pub fn complexity_map(
    /// The picture.
    image: Image,
    /// The layout, from InitTokens or another node that makes regions; one for all pictures, or one for each.
    layout: Layout,
    /// The exponent of the entropy, as in InitTokens.
    #[input(default = 2.5, min = 0, max = 100)]
    exponent: f64,
    ctx: &Ctx,
) -> Result<(Image, Mask, f64, Json)> {
    let [batch, height, width, _] = image.image.dims()?;
    let grid = Grid::of_picture(width, height)?;
    let Some(regions) = &layout.regions else {
        return Err(Error::input(
            "layout",
            "expected a layout with regions, got gaussians only. Connect InitTokens, or put CalibrateLayout in front",
        ));
    };
    let [layouts, count, _] = regions.dims()?;
    if Grid::of_header(&layout.header) != grid
        || (layouts != 1 && layouts != batch)
        || !count.is_multiple_of(grid.count())
    {
        let [columns, rows] = layout.header.grid;
        return Err(Error::input(
            "layout",
            format!(
                "expected a layout of {} x {} tiles, as the picture has, for {}; got {columns} x {rows} tiles with {} for {}. Make the layout from this picture",
                grid.columns,
                grid.rows,
                one_or(batch),
                counted(count, "region"),
                counted(layouts, "picture")
            ),
        ));
    }
    let (pictures, corners) = (image.image.as_slice::<f32>()?, regions.as_slice::<f32>()?.as_chunks::<4>().0);
    ctx.on_threads(|| {
        let mut mask = vec![0.0; batch * height * width];
        let mut each = Vec::new();
        for (b, mask) in mask.chunks_exact_mut(height * width).enumerate() {
            ctx.step(b, batch)?;
            let picture = &pictures[b * height * width * 3..][..height * width * 3];
            let corners = &corners[if layouts == 1 { 0 } else { b * count }..][..count];
            let of_tile = count / grid.count();
            let mut whole = Vec::with_capacity(count);
            for (tile, corners) in grid.tiles().zip(corners.chunks_exact(of_tile.max(1))) {
                let grey = grey(&tile_input(picture, [width, height], tile));
                let visible = grid.visible(tile, [width, height]);
                let regions =
                    corners.iter().map(|c| region(grid.corners_to_tile(tile, *c))).collect::<Result<Vec<_>>>()?;
                let values: Vec<f64> =
                    regions.par_iter().map(|r| complexity(&grey, visible, None, *r, exponent)).collect();
                for (region, value) in regions.iter().zip(&values) {
                    let [columns, rows] = region.visible(visible);
                    let per_pixel = (value / (columns * rows).max(1) as f64) as f32;
                    for y in region.y0..region.y0 + rows {
                        let start = (tile[1] * TILE + y) * width + tile[0] * TILE + region.x0;
                        mask[start..start + columns].fill(per_pixel);
                    }
                }
                whole.extend(values);
            }
            let most = mask.iter().fold(0.0f32, |most, v| most.max(*v));
            if most > 0.0 {
                mask.iter_mut().for_each(|v| *v /= most);
            }
            each.push((most, whole.iter().copied().fold(0.0, f64::max), whole.iter().sum::<f64>()));
        }
        ctx.step(batch, batch)?;
        let coloured = mask.iter().flat_map(|v| colour(*v)).collect();
        let largest = each.iter().map(|(_, largest, _)| *largest).fold(0.0, f64::max);
        let json = each.iter().map(|(per_pixel, largest, total)| {
            serde_json::json!({"per_pixel": per_pixel, "largest": largest, "total": total})
        });
        Ok((
            Image::new(Tensor::from_vec([batch, height, width, 3], coloured)?)?,
            Mask::new(Tensor::from_vec([batch, height, width], mask)?)?,
            largest,
            Json(json.collect()),
        ))
    })
}

/// A tile's region in pixels.
fn region(corners: [f32; 4]) -> Result<Region> {
    let last = (TILE - 1) as f32;
    let [x0, y0, x1, y1] = corners.map(|corner| (corner + 1.0) / 2.0 * last);
    let inside = |first: f32, end: f32| first >= -0.5 && end <= last + 0.5 && first <= end; // NaN is not
    if !inside(x0, x1) || !inside(y0, y1) {
        return Err(Error::input(
            "layout",
            format!(
                "expected regions inside their tiles, got one from ({x0}, {y0}) to ({x1}, {y1}) pixels. Put CalibrateLayout in front"
            ),
        ));
    }
    let [x0, y0, x1, y1] = [x0, y0, x1, y1].map(|v| v.round().clamp(0.0, last) as usize);
    Ok(Region { x0, y0, x1, y1 })
}

fn colour(part: f32) -> [f32; 3] {
    let place = part.clamp(0.0, 1.0) * (COLOURS.len() - 1) as f32;
    let i = (place as usize).min(COLOURS.len() - 2);
    std::array::from_fn(|c| COLOURS[i][c] + (COLOURS[i + 1][c] - COLOURS[i][c]) * (place - i as f32))
}
