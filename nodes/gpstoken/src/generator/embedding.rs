//! The embeddings of time and condition.

use crate::{
    checkpoint::{Parameter, Weights},
    kernels::{
        cpu::Level,
        rows::{linear_rows, silu_rows},
    },
    layers::Linear,
};

/// Two linear layers with SiLU between them.
#[derive(Clone, Debug)]
pub(crate) struct Embedding<P = Parameter> {
    pub(crate) first: Linear<P>,
    pub(crate) second: Linear<P>,
}

impl Embedding {
    pub(super) fn load(weights: &mut Weights, [first, second]: [&str; 2], input: usize, width: usize) -> Self {
        Self { first: Linear::load(weights, first, input, width), second: Linear::load(weights, second, width, width) }
    }

    /// Maps rows `[rows, inputs]` to `[rows, width]`.
    pub(super) fn forward(&self, level: Level, x: &[f32]) -> Vec<f32> {
        let mut hidden = linear_rows(level, self.first.numbers(), x);
        silu_rows(level, &mut hidden);
        linear_rows(level, self.second.numbers(), &hidden)
    }
}

impl<P> Embedding<P> {
    /// The embedding with every parameter mapped.
    pub(super) fn map<Q>(&self, f: &mut dyn FnMut(&P) -> Q) -> Embedding<Q> {
        Embedding { first: self.first.map(f), second: self.second.map(f) }
    }
}

/// The encoding of the time: cosines, then sines, of `t 10000^(-k / half)` for k from 0 to half - 1.
pub(crate) fn frequencies(t: f32, count: usize) -> Vec<f32> {
    let half = count / 2;
    let angle = |k: usize| t * ((-(1e4f64.ln()) as f32 * k as f32) / half as f32).exp();
    let of = |f: fn(f64) -> f64| (0..half).map(move |k| f(f64::from(angle(k))) as f32);
    of(f64::cos).chain(of(f64::sin)).collect()
}
