//! The node `gpstoken.InceptionScore`.

use crate::measures::{ImageFeatures, inception_score as score};
use splatgraph_sdk::prelude::*;

/// Measures how clear and how different generated pictures are (Salimans et al. 2016, arXiv:1606.03498).
///
/// Larger is better. The score is computed over equal parts of the pictures in their order, without shuffling. ADM's evaluator makes parts
/// of 5000 pictures, which are 10 parts of 50,000.
#[node(
    category = "GPSToken/Measure",
    outputs(score: "the mean over the parts", deviation: "the standard deviation over the parts", about: "convention, network, weights and number of pictures")
)]
pub fn inception_score(
    /// The pictures to judge.
    features: ImageFeatures,
    /// The number of parts.
    #[input(default = 10, min = 1, max = 65536)]
    splits: usize,
) -> Result<(f64, f64, Json)> {
    let classes = features.logits.shape()[1];
    let Some([mean, deviation]) = score(features.logits.as_slice()?, classes, splits) else {
        let message = format!("expected at most as many parts as pictures, {}, got {splits}", features.count());
        return Err(Error::input("splits", message));
    };
    Ok((mean, deviation, Json(features.facts())))
}
