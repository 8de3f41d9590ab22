//! The node `gpstoken.CalibrateLayout`.

use crate::{
    canvas::{TILE, grid::Grid},
    names::counted,
    partition::calibration::calibrate,
};
use splatgraph_sdk::prelude::*;

/// Turns any layout into a legal one (paper, algorithm 2): equally many gaussians and regions that cover the canvas without
/// overlap, as in the training of the models.
///
/// Use it for layouts that were drawn, edited or generated. Only the means of the gaussians count: where means are dense,
/// regions are small. A layout from InitTokens with regions of 8 pixels or more changes only its order.
#[node(category = "GPSToken", outputs(layout: "gaussians and regions, in the order in which the regions were made"))]
pub fn calibrate_layout(
    /// The layout: at most 4096 gaussians for each 256-pixel tile, tile after tile.
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
                "expected equally many gaussians in each of {} x {} tiles of {TILE} pixels, got {} for tiles of {} pixels",
                grid.columns,
                grid.rows,
                counted(count, "gaussian"),
                header.tile
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
