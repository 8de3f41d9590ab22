//! The node `gpstoken.KernelDistance`.

use crate::measures::{ImageFeatures, check_pair, kernel_distance as distance};
use splatgraph_sdk::{prelude::*, serde_json::json};

/// Compares two sets of pictures by a polynomial kernel of their features: KID (Bińkowski et al. 2018, arXiv:1801.01401).
///
/// Smaller is better. The estimate is unbiased, also for few pictures, and can be below 0. It takes all pairs; other programs take means over
/// random subsets, which estimate the same number with more noise.
#[node(
    category = "GPSToken/Measure",
    outputs(distance: "the kernel distance", about: "convention, network and weights of both sides, and their numbers of pictures")
)]
pub fn kernel_distance(
    /// The pictures to judge.
    features: ImageFeatures,
    /// The pictures to compare with.
    reference: ImageFeatures,
    ctx: &Ctx,
) -> Result<(f64, Json)> {
    let width = check_pair(&features, &reference)?;
    let (a, b) = (features.pool.as_slice()?, reference.pool.as_slice()?);
    let Some(distance) = ctx.on_threads(|| Ok(distance(a, b, width)))? else {
        let message =
            format!("expected at least 2 pictures on each side, got {} and {}", features.count(), reference.count());
        return Err(Error::input("features", message));
    };
    Ok((distance, Json(json!({ "features": features.facts(), "reference": reference.facts() }))))
}
