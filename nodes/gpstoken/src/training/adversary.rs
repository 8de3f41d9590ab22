//! What a tokenizer's training decodes and judges with.

use splatgraph_sdk::Tensor;
use std::collections::BTreeMap;

/// The map's size and the support of a tokenizer that is trained.
#[derive(Clone, Copy, Debug)]
pub struct Geometry {
    /// Columns and rows of a tile's map.
    pub map: [usize; 2],
    /// How many sigmas a token reaches along each axis.
    pub support: f32,
}

/// Who judges the pictures.
#[derive(Clone, Debug)]
pub struct Adversary {
    /// The discriminator's weights.
    pub weights: BTreeMap<String, Tensor>,
    /// How much it counts in the tokenizer's loss that it tells its pictures from others. It is fixed: VQGAN's, which is found in each
    /// step, needs the gradients of both losses apart, and thus another way back.
    pub weight: f32,
}
