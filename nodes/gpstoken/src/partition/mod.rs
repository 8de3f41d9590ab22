//! The entropy-driven partition of a tile into regions, one for each token (paper, section 3.2).
//!
//! The partition cuts the most complex region in two until there are enough regions. Order and ties follow the authors' code,
//! because checkpoints and recorded runs depend on them.

pub mod calibration;
mod capacity;
mod complexity;
mod coverage;
mod gaussians;
mod weights;

pub use capacity::capacity;
pub use complexity::{complexity, entropy};
pub use coverage::{Coverage, coverage};
pub use gaussians::{corners, gaussian};
pub use weights::{WeightMode, Weights};

use crate::canvas::plane::Plane;

/// A rectangle of pixels; the last column and row belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// First column.
    pub x0: usize,
    /// First row.
    pub y0: usize,
    /// Last column.
    pub x1: usize,
    /// Last row.
    pub y1: usize,
}

impl Region {
    /// Number of columns.
    pub fn width(&self) -> usize {
        self.x1 - self.x0 + 1
    }

    /// Number of rows.
    pub fn height(&self) -> usize {
        self.y1 - self.y0 + 1
    }

    /// The number of its columns and rows among the first `width` columns and `height` rows.
    pub fn visible(&self, [width, height]: [usize; 2]) -> [usize; 2] {
        [(self.x1 + 1).min(width).saturating_sub(self.x0), (self.y1 + 1).min(height).saturating_sub(self.y0)]
    }

    /// The left and the right half; the left one is a column smaller if the width is odd.
    pub fn cut_across_x(&self) -> [Region; 2] {
        let middle = self.x0 + self.width() / 2;
        [Region { x1: middle - 1, ..*self }, Region { x0: middle, ..*self }]
    }

    /// The upper and the lower half; the upper one is a row smaller if the height is odd.
    pub fn cut_across_y(&self) -> [Region; 2] {
        let middle = self.y0 + self.height() / 2;
        [Region { y1: middle - 1, ..*self }, Region { y0: middle, ..*self }]
    }

    fn can_be_cut(&self, min_region: usize) -> bool {
        self.width() > min_region + 1 || self.height() > min_region + 1
    }
}

/// How to cut a tile.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Number of regions, at least 1.
    pub tokens: usize,
    /// Exponent of the entropy; a larger exponent gives textured places more tokens.
    pub exponent: f64,
    /// A region is not cut if both sides are at most this plus one. At least 1.
    pub min_region: usize,
}

/// More regions were requested than the rules allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverCapacity {
    /// The requested number of regions.
    pub tokens: usize,
    /// The number that the size of the tile and `min_region` allow.
    pub capacity: usize,
}

/// Cuts `grey` (values -1..1) into regions. `visible` is the number of its columns and rows that belong to the picture;
/// pixels beyond them get no tokens of their own. `weights` change the complexity of a region.
///
/// # Errors
/// [`OverCapacity`] if no region can be cut before the number is reached.
pub fn partition(
    grey: &Plane,
    visible: [usize; 2],
    weights: Option<Weights<'_>>,
    rules: &Rules,
) -> Result<Vec<Region>, OverCapacity> {
    let parts = parts([grey.width, grey.height], visible, rules.tokens);
    let capacity = parts.iter().map(|part| capacity(part.width(), part.height(), rules.min_region)).sum();
    if rules.tokens > capacity {
        return Err(OverCapacity { tokens: rules.tokens, capacity });
    }
    let regions = cut(grey, visible, weights, rules, f64::NEG_INFINITY);
    if regions.len() < rules.tokens {
        return Err(OverCapacity { tokens: rules.tokens, capacity: regions.len() });
    }
    Ok(regions)
}

/// The number of regions after cutting until no region that can be cut has a complexity above `threshold`; at most the number
/// in the rules.
pub fn regions_above(
    grey: &Plane,
    visible: [usize; 2],
    weights: Option<Weights<'_>>,
    rules: &Rules,
    threshold: f64,
) -> usize {
    cut(grey, visible, weights, rules, threshold).len()
}

/// Cuts until there are as many regions as in the rules, or until no region that can be cut is above `threshold`.
fn cut(grey: &Plane, visible: [usize; 2], weights: Option<Weights<'_>>, rules: &Rules, threshold: f64) -> Vec<Region> {
    let value = |region: Region| Scored { value: complexity(grey, visible, weights, region, rules.exponent), region };
    let parts = parts([grey.width, grey.height], visible, rules.tokens);
    let mut regions: Vec<Scored> = parts.into_iter().map(value).collect();
    while regions.len() < rules.tokens {
        // The sort is stable: equal values keep their order. The two regions of the last cut stay unsorted at the end.
        regions.sort_by(|a, b| b.value.total_cmp(&a.value));
        let next = regions.iter().position(|scored| scored.region.can_be_cut(rules.min_region));
        let Some(next) = next.filter(|next| regions[*next].value > threshold) else { break };
        let region = regions.remove(next).region;
        let halves = match region.width().cmp(&region.height()) {
            std::cmp::Ordering::Greater => region.cut_across_x().map(value),
            std::cmp::Ordering::Less => region.cut_across_y().map(value),
            std::cmp::Ordering::Equal => {
                let (x, y) = (region.cut_across_x().map(value), region.cut_across_y().map(value));
                if lower(&x) < lower(&y) { x } else { y }
            }
        };
        regions.extend(halves);
    }
    regions.into_iter().map(|scored| scored.region).collect()
}

/// The parts to start with: the whole tile, or the visible part and the parts to the right of it and below it. Each invisible
/// part costs exactly one token. A part of only a few pixels is not separated.
fn parts([width, height]: [usize; 2], visible: [usize; 2], tokens: usize) -> Vec<Region> {
    const NARROW: usize = 8;
    let border = |side: usize, visible: usize| if visible < NARROW || side - visible < NARROW { side } else { visible };
    let [right, lower] = [border(width, visible[0]), border(height, visible[1])];
    let whole = Region { x0: 0, y0: 0, x1: width - 1, y1: height - 1 };
    let count = 1 + usize::from(right < width) + usize::from(lower < height);
    if count == 1 || tokens <= count {
        return vec![whole];
    }
    let mut parts = vec![Region { x1: right - 1, y1: lower - 1, ..whole }];
    if right < width {
        parts.push(Region { x0: right, y1: lower - 1, ..whole });
    }
    if lower < height {
        parts.push(Region { y0: lower, ..whole });
    }
    parts
}

/// A region with its complexity.
struct Scored {
    value: f64,
    region: Region,
}

fn lower([a, b]: &[Scored; 2]) -> f64 {
    a.value.min(b.value)
}
