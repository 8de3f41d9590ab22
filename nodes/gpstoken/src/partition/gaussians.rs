//! The starting gaussian and the corners of a region.

use super::Region;
use crate::canvas::{Corners, Gaussian};

/// The gaussian that covers a region of a `width` x `height` tile (paper, section 3.2, eq. 6).
pub fn gaussian(region: Region, width: usize, height: usize) -> Gaussian {
    // The authors' code counts the extent between pixel centres, but divides it by the full side.
    let sigma = |first: usize, last: usize, side: usize| (last - first) as f64 / side as f64 * 2.0 / 3.0;
    let centre = |first: usize, last: usize, side: usize| ((last + first) as f64 / 2.0 / last_pixel(side) - 0.5) * 2.0;
    [
        sigma(region.x0, region.x1, width) as f32,
        sigma(region.y0, region.y1, height) as f32,
        0.0,
        centre(region.x0, region.x1, width) as f32,
        centre(region.y0, region.y1, height) as f32,
    ]
}

/// The corners of a region of a `width` x `height` tile.
pub fn corners(region: Region, width: usize, height: usize) -> Corners {
    let at = |pixel: usize, side: usize| ((pixel as f64 / last_pixel(side) - 0.5) * 2.0) as f32;
    [at(region.x0, width), at(region.y0, height), at(region.x1, width), at(region.y1, height)]
}

fn last_pixel(side: usize) -> f64 {
    (side - 1) as f64
}
