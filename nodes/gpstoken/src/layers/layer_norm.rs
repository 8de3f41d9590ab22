//! Normalisation of a token.

use crate::checkpoint::{Parameter, Weights};

/// The number that [`LayerNorm`] adds to the variance.
pub const NORM_EPSILON: f32 = 1e-5;

/// Normalises the last axis, with scale and shift.
#[derive(Clone, Debug)]
pub struct LayerNorm<P = Parameter> {
    /// Scale, `[width]`
    pub weight: P,
    /// Shift, `[width]`
    pub bias: P,
}

impl LayerNorm {
    /// Takes the parameters under `key`.
    pub fn load(weights: &mut Weights, key: &str, width: usize) -> Self {
        Self {
            weight: weights.take(&format!("{key}.weight"), [width]),
            bias: weights.take(&format!("{key}.bias"), [width]),
        }
    }

    /// Scale and shift, for the kernels.
    pub fn numbers(&self) -> [&[f32]; 2] {
        [&self.weight, &self.bias]
    }
}

impl<P> LayerNorm<P> {
    /// The layer with every parameter mapped.
    pub fn map<Q>(&self, f: &mut dyn FnMut(&P) -> Q) -> LayerNorm<Q> {
        LayerNorm { weight: f(&self.weight), bias: f(&self.bias) }
    }
}
