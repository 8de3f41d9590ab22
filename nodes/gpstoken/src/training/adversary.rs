//! The geometry and the discriminator of a tokenizer's training.

use super::step::InTraining;
use crate::discriminator::Discriminator;

/// The map's size and the support of the tokenizer in training.
#[derive(Clone, Copy, Debug)]
pub struct Geometry {
    /// Columns and rows of a tile's map.
    pub map: [usize; 2],
    /// The reach of a token along each axis, in sigmas.
    pub support: f32,
}

/// The discriminator that judges the decoded pictures.
#[derive(Clone, Copy, Debug)]
pub struct Adversary<'a> {
    /// The discriminator.
    pub discriminator: InTraining<'a, Discriminator>,
    /// The weight of the discriminator's judgement in the tokenizer's loss. The weight is fixed. VQGAN computes it in each step, which
    /// needs the gradients of both losses separately, and so a second backward pass.
    pub weight: f32,
}
