//! The embeddings of time and condition.

use crate::{
    kernels::{
        cpu::Level,
        rows::{linear_rows, silu_rows},
    },
    tokenizer::Linear,
    weights::Weights,
};
use burn::{
    module::Module,
    tensor::{Tensor, activation::silu},
};

/// Two layers with SiLU between.
#[derive(Module, Debug)]
pub(super) struct Embedding {
    first: Linear,
    second: Linear,
}

impl Embedding {
    pub(super) fn load(weights: &mut Weights, [first, second]: [&str; 2], input: usize, width: usize) -> Self {
        Self { first: Linear::load(weights, first, input, width), second: Linear::load(weights, second, width, width) }
    }

    /// `[..., inputs] -> [..., width]`
    pub(super) fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        silu_layer(&self.second, self.first.forward(x))
    }

    /// As `forward` on the CPU's kernels, for rows `[rows, inputs]`.
    pub(super) fn direct(&self, level: Level, x: &[f32]) -> Vec<f32> {
        let [weight, bias] = self.first.numbers();
        let mut hidden = linear_rows(level, [&weight, &bias], x);
        silu_rows(level, &mut hidden);
        let [weight, bias] = self.second.numbers();
        linear_rows(level, [&weight, &bias], &hidden)
    }

    /// Numbers that go in.
    pub(super) fn inputs(&self) -> usize {
        self.first.weight().dims()[1]
    }
}

/// `layer(silu(x))`
pub(super) fn silu_layer(layer: &Linear, x: Tensor<3>) -> Tensor<3> {
    layer.forward(silu(x))
}

/// The time as the network sees it: cosines, then sines, of `t 10000^(-k / half)` for k from 0 to half - 1.
pub(crate) fn frequencies(t: f32, count: usize) -> Vec<f32> {
    let half = count / 2;
    let angle = |k: usize| t * ((-(1e4f64.ln()) as f32 * k as f32) / half as f32).exp();
    let of = |f: fn(f64) -> f64| (0..half).map(move |k| f(f64::from(angle(k))) as f32);
    of(f64::cos).chain(of(f64::sin)).collect()
}
