//! The convolution layer.

use crate::checkpoint::{Parameter, Weights};

/// A convolution that keeps the size, with stride 1 and zeros around the border.
#[derive(Clone, Debug)]
pub struct Convolution<P = Parameter> {
    /// `[out, in, k, k]`
    pub weight: P,
    /// `[out]`
    pub bias: P,
}

impl Convolution {
    /// Takes the parameters under `key`.
    pub fn load(weights: &mut Weights, key: &str, input: usize, output: usize, kernel: usize) -> Self {
        Self {
            weight: weights.take(&format!("{key}.weight"), [output, input, kernel, kernel]),
            bias: weights.take(&format!("{key}.bias"), [output]),
        }
    }

    /// Number of output channels.
    pub fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// Weight `[out, in, k, k]` and bias `[out]`, for the kernels.
    pub fn numbers(&self) -> [&[f32]; 2] {
        [&self.weight, &self.bias]
    }
}

impl<P> Convolution<P> {
    /// The layer with every parameter mapped.
    pub fn map<Q>(&self, f: &mut dyn FnMut(&P) -> Q) -> Convolution<Q> {
        Convolution { weight: f(&self.weight), bias: f(&self.bias) }
    }
}
