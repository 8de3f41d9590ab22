//! The replacement for `training/gradients` in a build without burn. It has the same names, but no trainer.

use crate::{
    device::Compute,
    on_device::FULL_BUILD,
    training::{
        adversary::{Adversary, Geometry},
        batch::Batch,
        losses::Losses,
        samples,
        sheet::Example,
        step::{Step, Steps},
    },
};
use splatgraph_sdk::{Error, Result, Tensor};
use std::collections::BTreeMap;

/// A type without values. A type with a field of this type has no values either.
#[derive(Clone, Debug)]
enum Never {}

/// The device of a training.
#[derive(Clone, Debug)]
pub struct Trainer(Never);

impl Trainer {
    /// Always fails.
    ///
    /// # Errors
    /// The message names the build that can train.
    pub fn new(_compute: &Compute) -> Result<Self> {
        Err(Error::missing(format!(
            "expected a build of the pack that can train, got one without burn. To train, {FULL_BUILD}"
        )))
    }
}

/// An LPIPS network whose weights do not change.
#[derive(Debug)]
pub struct Perceptual(Trainer);

impl Perceptual {
    /// Builds the network from a checkpoint's tensors.
    ///
    /// # Errors
    /// None.
    pub fn load(_tensors: BTreeMap<String, Tensor>, trainer: &Trainer) -> Result<Self> {
        match trainer.0 {}
    }
}

/// See `training/gradients/tokenizer.rs`.
///
/// # Errors
/// None.
pub fn tokenizer_step(
    trainer: &Trainer,
    _weights: BTreeMap<String, Tensor>,
    _batch: &Batch,
    _geometry: Geometry,
    _losses: &Losses,
    _perceptual: Option<&Perceptual>,
    _adversary: Option<Adversary>,
) -> Result<Steps> {
    match trainer.0 {}
}

/// See `training/gradients/tokenizer.rs`.
///
/// # Errors
/// None.
pub fn reconstruct(
    trainer: &Trainer,
    _weights: &BTreeMap<String, Tensor>,
    _examples: Vec<Example>,
    _geometry: Geometry,
) -> Result<Vec<(Vec<f32>, [usize; 2])>> {
    match trainer.0 {}
}

/// See `training/gradients/velocity.rs`.
///
/// # Errors
/// None.
pub fn velocity_step(
    trainer: &Trainer,
    _weights: BTreeMap<String, Tensor>,
    _heads: usize,
    _batch: &samples::Batch,
) -> Result<Step> {
    match trainer.0 {}
}
