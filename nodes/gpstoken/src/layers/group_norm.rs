//! Normalisation over groups of channels.

use crate::checkpoint::{Parameter, Weights};

/// Normalises groups of channels, with scale and shift for each channel.
#[derive(Clone, Debug)]
pub struct GroupNorm<P = Parameter> {
    /// Scale, `[channels]`
    pub weight: P,
    /// Shift, `[channels]`
    pub bias: P,
}

impl GroupNorm {
    /// Takes the parameters under `key`.
    pub fn load(weights: &mut Weights, key: &str, channels: usize) -> Self {
        Self {
            weight: weights.take(&format!("{key}.weight"), [channels]),
            bias: weights.take(&format!("{key}.bias"), [channels]),
        }
    }

    /// Scale and shift of each channel, for the kernels.
    pub fn numbers(&self) -> [&[f32]; 2] {
        [&self.weight, &self.bias]
    }
}

impl<P> GroupNorm<P> {
    /// The layer with every parameter mapped.
    pub fn map<Q>(&self, f: &mut dyn FnMut(&P) -> Q) -> GroupNorm<Q> {
        GroupNorm { weight: f(&self.weight), bias: f(&self.bias) }
    }
}
