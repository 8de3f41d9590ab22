//! Weights that draw the cuts of the partition to places of the user's choice.

use super::Region;
use crate::canvas::plane::Plane;
use splatgraph_sdk::Choice;

/// How weights change the complexity of a region.
#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightMode {
    /// Adds the sum of the weights over the region: flat places get more tokens too.
    Add,
    /// Multiplies by 1 plus the mean of the weights over the region: flat places stay as they are.
    Multiply,
}

/// A weight for each pixel of a tile.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a> {
    /// The weights; 0 changes nothing.
    pub map: &'a Plane,
    /// How they change the complexity of a region.
    pub mode: WeightMode,
}

impl Weights<'_> {
    /// The complexity of a region with `pixels` visible pixels, whose own complexity is `own`.
    pub(super) fn apply(self, own: f64, region: Region, pixels: usize) -> f64 {
        let rows = (region.y0..=region.y1).map(|y| self.map.row(y, region.x0, region.x1));
        let sum: f64 = rows.flatten().map(|&v| f64::from(v)).sum();
        match self.mode {
            WeightMode::Add => own + sum,
            WeightMode::Multiply => own * (1.0 + sum / pixels.max(1) as f64),
        }
    }
}
