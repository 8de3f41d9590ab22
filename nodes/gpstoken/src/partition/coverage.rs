//! How much of a tile regions cover.

use crate::canvas::{Corners, TILE};

/// Shares of a tile's area, 0..1. A partition has 0 of both.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Coverage {
    /// The share in no region.
    pub uncovered: f64,
    /// The share in more than one region.
    pub repeated: f64,
}

/// How the regions cover the tile, pixel by pixel. Parts off the tile, and regions with coordinates that are not finite, cover
/// nothing.
pub fn coverage(regions: &[Corners]) -> Coverage {
    let mut covered = vec![0u32; TILE * TILE];
    // The pixels whose centres lie between two corners, which are the centres of a region's first and last pixels.
    let pixels = |first: f32, last: f32| {
        let at = |corner: f32| ((corner + 1.0) / 2.0 * (TILE - 1) as f32).round();
        let (first, end) = (at(first).max(0.0), at(last).min((TILE - 1) as f32) + 1.0);
        if first < end { first as usize..end as usize } else { 0..0 }
    };
    for [x0, y0, x1, y1] in regions {
        let columns = pixels(*x0, *x1);
        for row in pixels(*y0, *y1) {
            covered[row * TILE..][columns.clone()].iter_mut().for_each(|count| *count += 1);
        }
    }
    let share = |of: fn(u32) -> bool| covered.iter().filter(|count| of(**count)).count() as f64 / covered.len() as f64;
    Coverage { uncovered: share(|count| count == 0), repeated: share(|count| count > 1) }
}
