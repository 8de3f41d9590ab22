//! The node `gpstoken.PrecisionRecall`.

use crate::measures::{ImageFeatures, check_pair, precision_recall as measure};
use splatgraph_sdk::{prelude::*, serde_json::json};

/// Measures how many generated pictures look real, and how many kinds of real pictures are generated (Kynkäänniemi et al. 2019,
/// arXiv:1904.06991).
///
/// Precision is the share of generated pictures inside the balls around real ones, and recall the share of real pictures inside the balls
/// around generated ones. A ball reaches to a neighbour of its own set. Papers compare 10,000 real with 50,000 generated pictures, or 10,000
/// with 10,000; the numbers depend on that.
#[node(
    category = "GPSToken/Measure",
    outputs(precision: "the share of real-looking pictures, 0..1", recall: "the share of real pictures that are covered, 0..1", about: "convention, network and weights of both sides, and their numbers of pictures")
)]
pub fn precision_recall(
    /// The generated pictures.
    features: ImageFeatures,
    /// The real pictures.
    reference: ImageFeatures,
    /// The neighbour to which a ball reaches.
    #[input(default = 3, min = 1, max = 1024)]
    neighbours: usize,
    ctx: &Ctx,
) -> Result<(f64, f64, Json)> {
    let width = check_pair(&features, &reference)?;
    let (generated, real) = (features.pool.as_slice()?, reference.pool.as_slice()?);
    let Some([precision, recall]) = ctx.on_threads(|| Ok(measure(real, generated, width, neighbours)))? else {
        let (a, b) = (features.count(), reference.count());
        let message = format!("expected fewer neighbours than pictures on each side, {a} and {b}, got {neighbours}");
        return Err(Error::input("neighbours", message));
    };
    Ok((precision, recall, Json(json!({ "features": features.facts(), "reference": reference.facts() }))))
}
