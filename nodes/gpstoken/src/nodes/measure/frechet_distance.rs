//! The node `gpstoken.FrechetDistance`.

use crate::measures::{Statistics, frechet_distance as distance};
use splatgraph_sdk::{prelude::*, serde_json::json};

/// Which features to compare.
#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The features of whole pictures: FID.
    Pool,
    /// A part of a middle map, which knows places: sFID (Nash et al. 2021, arXiv:2103.03841).
    Spatial,
}

/// Compares two sets of pictures by the statistics of their features: FID (Heusel et al. 2017, arXiv:1706.08500) or sFID.
///
/// Smaller is better, and 0 means equal statistics. The distance falls with the number of pictures: papers use 50,000 generated ones. Both
/// statistics must have one convention, one network and one file of weights.
#[node(
    category = "GPSToken/Measure",
    outputs(distance: "the Fréchet distance", about: "convention, network and weights of both sides, and their numbers of pictures")
)]
pub fn frechet_distance(
    /// The pictures to judge.
    statistics: Statistics,
    /// The pictures to compare with.
    reference: Statistics,
    /// The features to compare.
    #[input(default = Which::Pool)]
    features: Which,
    ctx: &Ctx,
) -> Result<(f64, Json)> {
    statistics.source.check_same(&reference.source, "reference")?;
    let moments = |side: &Statistics, input: &str| {
        if side.count.is_some_and(|count| count < 2) {
            return Err(Error::input(input, "expected statistics of at least 2 pictures, got fewer"));
        }
        let part = match features {
            Which::Pool => Some(&side.pool),
            Which::Spatial => side.spatial.as_ref(),
        };
        let none = || {
            Error::input(
                input,
                "expected statistics with spatial features, got none. Only ADM's files and statistics of this pack have them; set features to \"pool\"",
            )
        };
        Ok(part.ok_or_else(none)?.moments())
    };
    let (a, b) = (moments(&statistics, "statistics")?, moments(&reference, "reference")?);
    if a.mean.len() != b.mean.len() {
        let message = format!("expected statistics of {} features, got {}", a.mean.len(), b.mean.len());
        return Err(Error::input("reference", message));
    }
    let about = json!({ "statistics": statistics.facts(), "reference": reference.facts() });
    Ok((ctx.on_threads(|| Ok(distance(&a, &b)))?, Json(about)))
}
