//! A block of the transformer: attention between tokens, then a feed-forward layer. Each follows a normalisation. Time and
//! class give the scale and shift of the normalisation and the weight in the sum (adaLN-zero).

use crate::{
    checkpoint::{Parameter, Weights},
    layers::Linear,
};

/// The number added to the variance in all normalisations.
pub(crate) const EPSILON: f32 = 1e-6;

/// A block of the transformer.
#[derive(Clone, Debug)]
pub(crate) struct Block<P = Parameter> {
    /// Makes shift, scale and weight of the attention, then of the feed-forward layer.
    pub(crate) modulation: Linear<P>,
    /// Makes queries, keys and values.
    pub(crate) projection: Linear<P>,
    pub(crate) out: Linear<P>,
    pub(crate) widen: Linear<P>,
    pub(crate) narrow: Linear<P>,
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
}

impl<P> Block<P> {
    /// The block with every parameter mapped.
    pub(super) fn map<Q>(&self, f: &mut dyn FnMut(&P) -> Q) -> Block<Q> {
        Block {
            modulation: self.modulation.map(f),
            projection: self.projection.map(f),
            out: self.out.map(f),
            widen: self.widen.map(f),
            narrow: self.narrow.map(f),
        }
    }
}
