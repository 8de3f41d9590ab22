//! The node `gpstoken.CalibrateLayout`.

use crate::{
    canvas::{TILE, grid::Grid},
    partition::calibration::calibrate,
};
use splatgraph_sdk::prelude::*;

/// Makes any layout a legal one: as many gaussians and regions, which cover the canvas without overlap, as the models know
/// them from training (paper, algorithm 2).
///
/// Only the means count: where there are many, regions get small. A layout of InitTokens with regions of 8 pixels and more
/// stays what it is, but for the order. For layouts that were drawn, edited or generated.
#[node(category = "GPSToken", outputs(layout: "gaussians and regions, in the order in which the regions were made"))]
pub fn calibrate_layout(
    /// At most 4096 gaussians for each 256-pixel tile; those of a tile stand together.
    layout: Layout,
    ctx: &Ctx,
) -> Result<Layout> {
    let Layout { gaussians, header, .. } = layout;
    let [batch, count, _] = gaussians.dims()?;
    let grid = Grid::of_header(&header);
    if !count.is_multiple_of(grid.count()) || header.tile as usize != TILE {
        return Err(Error::input(
            "layout",
            format!(
                "equally many gaussians in each of the {} x {} tiles of {TILE} pixels were expected, {count} in all for tiles of {} came",
                grid.columns, grid.rows, header.tile
            ),
        ));
    }
    let per_tile = count / grid.count();
    let given = gaussians.as_slice::<f32>()?.as_chunks::<5>().0;
    let mut calibrated = Vec::with_capacity(batch * count * 5);
    let mut regions = Vec::with_capacity(batch * count * 4);
    for b in 0..batch {
        for (index, tile) in grid.tiles().enumerate() {
            ctx.step(b * grid.count() + index, batch * grid.count())?;
            let of_tile = &given[b * count + index * per_tile..][..per_tile];
            let of_tile: Vec<_> = of_tile.iter().map(|gaussian| grid.gaussian_to_tile(tile, *gaussian)).collect();
            let (gaussians, corners) =
                calibrate(&of_tile).map_err(|e| e.context(format!("picture {b}, tile {index}")).blame("layout"))?;
            calibrated.extend(gaussians.into_iter().flat_map(|gaussian| grid.gaussian_to_canvas(tile, gaussian)));
            regions.extend(corners.into_iter().flat_map(|corners| grid.corners_to_canvas(tile, corners)));
        }
    }
    Layout::new(
        Tensor::from_vec([batch, count, 5], calibrated)?,
        Some(Tensor::from_vec([batch, count, 4], regions)?),
        header,
    )
}
