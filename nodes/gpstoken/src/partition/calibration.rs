//! Makes a legal partition of a tile from any gaussians (paper, algorithm 2).
//!
//! The means snap to a grid of [`STEP`] pixels. Then the partition starts from the whole tile, and the region with the most
//! means is halved until there are as many regions as gaussians. Only the places and the number of the gaussians count, not
//! their sizes. Gaussians and regions come out in order of creation, with the formulas of the partition.
//!
//! A partition that was made by halving, with sides of at least 8 pixels, comes back unchanged except for its order. Each of
//! its regions has its mean at its centre, on the grid and inside the region. So a region that was not cut holds one mean,
//! and a region that was cut holds at least two. Consider a square that was cut in two along y, with one half left whole: the
//! mean of this half lies on the line that would cut the square along x, which tells the two cuts apart. If both halves were
//! cut again, the four squares are equal either way.
//!
//! The paper leaves some points open:
//! - A mean half-way between two grid lines goes to the lower line, where a region of 4 pixels has its corner.
//! - A mean on the line of a cut counts for the right or lower half. A mean off the tile counts for the nearest region.
//! - Of several regions with equally many means, the region made first, and so the larger one, is cut. A region of 4 x 4
//!   pixels is not cut.

use super::{Region, corners, gaussian};
use crate::canvas::{Corners, Gaussian, TILE};
use splatgraph_sdk::{Error, Result};

/// Sides of regions are multiples of this many pixels (`s_min` in the paper).
pub const STEP: usize = 4;
/// The largest number of regions that a tile can be cut into.
pub const MAX_TOKENS: usize = (TILE / STEP) * (TILE / STEP);

/// Makes as many gaussians and regions as there are `gaussians`; the regions cover the tile without overlap. Coordinates span
/// the tile with -1..1; a mean may lie outside.
///
/// # Errors
/// There are no gaussians or more than [`MAX_TOKENS`], or a mean is not finite.
pub fn calibrate(gaussians: &[Gaussian]) -> Result<(Vec<Gaussian>, Vec<Corners>)> {
    let regions = calibrated_regions(gaussians)?;
    Ok((
        regions.iter().map(|region| gaussian(*region, TILE, TILE)).collect(),
        regions.iter().map(|region| corners(*region, TILE, TILE)).collect(),
    ))
}

/// The regions of [`calibrate`] in pixels.
///
/// # Errors
/// See [`calibrate`].
pub fn calibrated_regions(gaussians: &[Gaussian]) -> Result<Vec<Region>> {
    if gaussians.is_empty() || gaussians.len() > MAX_TOKENS {
        return Err(Error::new(format!(
            "expected 1 to {MAX_TOKENS} gaussians for a tile of {TILE} x {TILE} pixels, at most one for each square of {STEP} pixels, got {}",
            gaussians.len()
        )));
    }
    if let Some(index) = gaussians.iter().position(|[.., x, y]| !x.is_finite() || !y.is_finite()) {
        let [.., x, y] = gaussians[index];
        return Err(Error::new(format!("expected finite means, got ({x}, {y}) for gaussian {index}")));
    }
    let means = gaussians.iter().map(|[.., x, y]| [snapped(*x), snapped(*y)]).collect();
    Ok(rebuild(means, gaussians.len()))
}

/// The place on an axis, in pixels from the border of the tile, rounded to a multiple of [`STEP`].
fn snapped(coordinate: f32) -> usize {
    // -1 and 1 are the centres of the first and the last pixel.
    let place = (f64::from(coordinate) + 1.0) / 2.0 * (TILE - 1) as f64 + 0.5;
    // Coordinates of larger canvases have rounding errors, which must not decide a tie.
    let line = (place / STEP as f64 - 0.5 - 1e-3).ceil();
    line.clamp(0.0, (TILE / STEP) as f64) as usize * STEP
}

/// A region with the means in it.
struct Held {
    region: Region,
    means: Vec<[usize; 2]>,
}

fn rebuild(means: Vec<[usize; 2]>, count: usize) -> Vec<Region> {
    let whole = Region { x0: 0, y0: 0, x1: TILE - 1, y1: TILE - 1 };
    let mut regions = vec![Held { region: whole, means }];
    while regions.len() < count {
        let cuttable = regions.iter().enumerate().filter(|(_, held)| can_be_cut(held.region));
        // `max_by_key` returns the last of equal ones, so the order is reversed.
        let Some((fullest, _)) = cuttable.rev().max_by_key(|(_, held)| held.means.len()) else { break };
        let Held { region, means } = regions.remove(fullest);
        let across_x = cuts_across_x(region, &means);
        let [first, second] = if across_x { region.cut_across_x() } else { region.cut_across_y() };
        let before = |[x, y]: &[usize; 2]| if across_x { *x < second.x0 } else { *y < second.y0 };
        let (in_first, in_second) = means.into_iter().partition(before);
        regions.push(Held { region: first, means: in_first });
        regions.push(Held { region: second, means: in_second });
    }
    regions.into_iter().map(|held| held.region).collect()
}

fn can_be_cut(region: Region) -> bool {
    region.width() > STEP || region.height() > STEP
}

/// Halves the longer side. A square is cut along x, unless a mean lies on the line of that cut.
fn cuts_across_x(region: Region, means: &[[usize; 2]]) -> bool {
    let (width, height) = (region.width(), region.height());
    if width == height {
        let line = region.x0 + width / 2;
        return means.iter().all(|[x, _]| *x != line);
    }
    width > height
}
