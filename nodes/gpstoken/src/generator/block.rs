//! A block of the transformer, in tensor operations: attention between tokens and a feed-forward layer, both behind a
//! normalisation whose scale and shift, and whose weight in the sum, come from time and class (adaLN-zero).

use super::embedding::silu_layer;
use crate::{
    tokenizer::{Linear, attend},
    weights::Weights,
};
use burn::{
    module::Module,
    prelude::s,
    tensor::{Tensor, module::layer_norm},
};

/// Added to the variance in all normalisations.
pub(super) const EPSILON: f32 = 1e-6;

#[derive(Module, Debug)]
pub(super) struct Block {
    pub(super) modulation: Linear, // to shift, scale, weight of the attention, then of the feed-forward layer
    pub(super) projection: Linear, // to queries, keys, values
    pub(super) out: Linear,
    pub(super) widen: Linear,
    pub(super) narrow: Linear,
}

impl Block {
    pub(super) fn load(weights: &mut Weights, key: &str, width: usize, hidden: usize) -> Self {
        Self {
            modulation: Linear::load(weights, &format!("{key}.adaLN_modulation.1"), width, 6 * width),
            projection: Linear::load(weights, &format!("{key}.attn.qkv"), width, 3 * width),
            out: Linear::load(weights, &format!("{key}.attn.proj"), width, width),
            widen: Linear::load(weights, &format!("{key}.mlp.fc1"), width, hidden),
            narrow: Linear::load(weights, &format!("{key}.mlp.fc2"), hidden, width),
        }
    }

    /// `x` `[B, N, width]`, `condition` `[B, 1, width]`
    pub(super) fn forward(&self, x: Tensor<3>, condition: &Tensor<3>, heads: usize) -> Tensor<3> {
        let [batch, count, width] = x.dims();
        let modulation = silu_layer(&self.modulation, condition.clone()); // [B, 1, 6 width]
        let part = |i: usize| modulation.clone().slice(s![.., .., i * width..(i + 1) * width]);
        let joint = self.projection.forward(modulate(x.clone(), part(0), part(1))); // [B, N, 3 width]
        let head = |i: usize| {
            let part = joint.clone().slice(s![.., .., i * width..(i + 1) * width]);
            part.reshape([batch, count, heads, width / heads]).swap_dims(1, 2)
        };
        let attended = attend(head(0), head(1), head(2));
        let attended = self.out.forward(attended.swap_dims(1, 2).reshape([batch, count, width]));
        let x = x + part(2) * attended;
        let inner = tanh_gelu(self.widen.forward(modulate(x.clone(), part(3), part(4))));
        x + part(5) * self.narrow.forward(inner)
    }
}

/// `norm(x) (1 + scale) + shift`
pub(super) fn modulate(x: Tensor<3>, shift: Tensor<3>, scale: Tensor<3>) -> Tensor<3> {
    let width = x.dims()[2];
    let ones = Tensor::ones([width], &x.device());
    layer_norm(x, ones, None, f64::from(EPSILON)) * (scale + 1.0) + shift
}

/// `x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2`; burn's own takes a power, which shaders refuse for numbers below 0.
fn tanh_gelu(x: Tensor<3>) -> Tensor<3> {
    let cube = x.clone() * x.clone() * x.clone();
    let inner = (x.clone() + cube * 0.044715) * (2.0 / std::f64::consts::PI).sqrt();
    x * (inner.tanh() + 1.0) * 0.5
}
