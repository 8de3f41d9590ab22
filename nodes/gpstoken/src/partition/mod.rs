//! The entropy-driven partition of a tile into regions, one for each token (paper, section 3.2).
//!
//! The most complex region is cut in two until there are as many as asked for. Order and ties follow the authors' code,
//! because checkpoints and recorded runs depend on them.

pub mod calibration;
mod capacity;
mod complexity;
mod gaussians;

pub use capacity::capacity;
pub use complexity::{complexity, entropy};
pub use gaussians::{corners, gaussian};

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

    /// How many of its columns and rows are among the first `width` and `height`.
    pub fn visible(&self, [width, height]: [usize; 2]) -> [usize; 2] {
        [(self.x1 + 1).min(width).saturating_sub(self.x0), (self.y1 + 1).min(height).saturating_sub(self.y0)]
    }

    /// Left and right half; the left one is smaller by a column where the width is odd.
    pub fn cut_across_x(&self) -> [Region; 2] {
        let middle = self.x0 + self.width() / 2;
        [Region { x1: middle - 1, ..*self }, Region { x0: middle, ..*self }]
    }

    /// Upper and lower half; the upper one is smaller by a row where the height is odd.
    pub fn cut_across_y(&self) -> [Region; 2] {
        let middle = self.y0 + self.height() / 2;
        [Region { y1: middle - 1, ..*self }, Region { y0: middle, ..*self }]
    }

    fn can_be_cut(&self, min_region: usize) -> bool {
        self.width() > min_region + 1 || self.height() > min_region + 1
    }
}

/// How a tile is to be cut.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Number of regions, at least 1.
    pub tokens: usize,
    /// Exponent of the entropy: the larger, the more tokens textured places get.
    pub exponent: f64,
    /// A region whose sides are both at most this plus one is not cut any more. At least 1.
    pub min_region: usize,
}

/// More regions were asked for than the rules can yield.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverCapacity {
    /// What was asked for.
    pub tokens: usize,
    /// What the tile's size and `min_region` allow.
    pub capacity: usize,
}

/// Cuts `grey` (values -1..1) into regions. `visible` are the columns and rows of it that belong to the picture: what lies beyond
/// them is not worth a token. `added` is a weight for each pixel; its sum over a region adds to the region's complexity.
///
/// # Errors
/// [`OverCapacity`] when there is nothing left to cut before the number is reached.
pub fn partition(
    grey: &Plane,
    visible: [usize; 2],
    added: Option<&Plane>,
    rules: &Rules,
) -> Result<Vec<Region>, OverCapacity> {
    let parts = parts([grey.width, grey.height], visible, rules.tokens);
    let capacity = parts.iter().map(|part| capacity(part.width(), part.height(), rules.min_region)).sum();
    if rules.tokens > capacity {
        return Err(OverCapacity { tokens: rules.tokens, capacity });
    }
    let regions = cut(grey, visible, added, rules, f64::NEG_INFINITY);
    if regions.len() < rules.tokens {
        return Err(OverCapacity { tokens: rules.tokens, capacity: regions.len() });
    }
    Ok(regions)
}

/// How many regions there are once none that can be cut has a complexity above `threshold`; at most as many as the rules say.
pub fn regions_above(grey: &Plane, visible: [usize; 2], added: Option<&Plane>, rules: &Rules, threshold: f64) -> usize {
    cut(grey, visible, added, rules, threshold).len()
}

/// Cuts until there are as many regions as the rules say, or none that can be cut is above `threshold`.
fn cut(grey: &Plane, visible: [usize; 2], added: Option<&Plane>, rules: &Rules, threshold: f64) -> Vec<Region> {
    let value = |region: Region| Scored { value: complexity(grey, visible, added, region, rules.exponent), region };
    let parts = parts([grey.width, grey.height], visible, rules.tokens);
    let mut regions: Vec<Scored> = parts.into_iter().map(value).collect();
    while regions.len() < rules.tokens {
        // Stable: equal values keep their order. The two regions of the last cut stay unsorted at the end.
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

/// What is cut: all of it; or what is visible, and what lies to the right of that and below, each of which costs one token and no
/// more. What is only a few pixels wide, or would be, is not made a part of its own.
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
