//! The shape and the first weights of the discriminator, a network that tells decoded pictures from pictures of the folder.

use super::random::{Purpose, Random};
use splatgraph_sdk::{Result, Tensor};
use std::collections::BTreeMap;

/// The stride of each convolution.
pub const STRIDES: [usize; 5] = [2, 2, 2, 1, 1];

/// Numbers of channels: the input's, then each layer's output.
pub fn widths(channels: usize) -> [usize; 6] {
    [3, channels, 2 * channels, 4 * channels, 8 * channels, 1]
}

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

/// Whether a layer is normalised. All layers except the first and the last are.
pub fn is_normalised(layer: usize) -> bool {
    layer > 0 && layer + 1 < STRIDES.len()
}
