//! The linear layer.

use crate::checkpoint::{Parameter, Weights};

/// `y = x W^T + b`
#[derive(Clone, Debug)]
pub struct Linear<P = Parameter> {
    /// `[out, in]`
    pub weight: P,
    /// `[out]`
    pub bias: P,
}

impl Linear {
    /// Takes the parameters under `key`.
    pub fn load(weights: &mut Weights, key: &str, input: usize, output: usize) -> Self {
        Self {
            weight: weights.take(&format!("{key}.weight"), [output, input]),
            bias: weights.take(&format!("{key}.bias"), [output]),
        }
    }

    /// Weight `[out, in]` and bias `[out]`, for the kernels.
    pub fn numbers(&self) -> [&[f32]; 2] {
        [&self.weight, &self.bias]
    }

    /// Weight and bias.
    pub fn parameters(&self) -> [&Parameter; 2] {
        [&self.weight, &self.bias]
    }

    /// Number of inputs.
    pub fn inputs(&self) -> usize {
        self.weight.shape()[1]
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.bias.len()
    }
}

impl<P> Linear<P> {
    /// The layer with every parameter mapped.
    pub fn map<Q>(&self, f: &mut dyn FnMut(&P) -> Q) -> Linear<Q> {
        Linear { weight: f(&self.weight), bias: f(&self.bias) }
    }
}
