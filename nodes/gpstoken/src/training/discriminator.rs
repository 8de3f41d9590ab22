//! The first weights of a discriminator.

use super::random::{Purpose, Random};
use crate::discriminator::{STRIDES, is_normalised, widths};
use splatgraph_sdk::{Result, Tensor};
use std::collections::BTreeMap;

/// Random weights for a discriminator with `channels` channels in the first layer. Their deviation is 0.02, as in Isola et al.
///
/// # Errors
/// The number of channels is 0.
pub fn first_weights(channels: usize, seed: u64) -> Result<BTreeMap<String, Tensor>> {
    let widths = widths(channels);
    let mut weights = BTreeMap::new();
    for layer in 0..STRIDES.len() {
        let (input, output) = (widths[layer], widths[layer + 1]);
        let mut random = Random::new(seed, Purpose::Discriminator, layer as u64, 0);
        let mut normal = |count: usize, mean: f32| -> Vec<f32> {
            random.normal(count).into_iter().map(|value| mean + 0.02 * value).collect()
        };
        let kernel = normal(16 * input * output, 0.0);
        weights.insert(format!("layers.{layer}.weight"), Tensor::from_vec([output, input, 4, 4], kernel)?);
        weights.insert(format!("layers.{layer}.bias"), Tensor::from_vec([output], vec![0.0; output])?);
        if is_normalised(layer) {
            weights.insert(format!("norms.{layer}.weight"), Tensor::from_vec([output], normal(output, 1.0))?);
            weights.insert(format!("norms.{layer}.bias"), Tensor::from_vec([output], vec![0.0; output])?);
        }
    }
    Ok(weights)
}
