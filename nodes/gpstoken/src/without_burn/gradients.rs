//! The replacement for `training/gradients/on_device` in a build without burn. It has the same names, but no device.

use crate::{
    on_device::Device,
    training::{
        adversary::{Adversary, Geometry},
        batch::Batch,
        losses::Losses,
        samples,
        sheet::Example,
        step::{Step, Steps},
    },
};
use splatgraph_sdk::{Result, Tensor};
use std::collections::BTreeMap;

/// An LPIPS network on a device.
#[derive(Debug)]
pub struct Perceptual(Device);

impl Perceptual {
    /// Builds the network on a device.
    ///
    /// # Errors
    /// None.
    pub fn load(_tensors: BTreeMap<String, Tensor>, device: &Device) -> Result<Self> {
        device.never()
    }
}

/// A step of a tokenizer's training.
///
/// # Errors
/// None.
pub fn tokenizer_step(
    device: &Device,
    _weights: BTreeMap<String, Tensor>,
    _batch: &Batch,
    _geometry: Geometry,
    _losses: &Losses,
    _perceptual: Option<&Perceptual>,
    _adversary: Option<Adversary>,
) -> Result<Steps> {
    device.never()
}

/// Reconstructs pictures.
///
/// # Errors
/// None.
pub fn reconstruct(
    device: &Device,
    _weights: &BTreeMap<String, Tensor>,
    _examples: Vec<Example>,
    _geometry: Geometry,
) -> Result<Vec<(Vec<f32>, [usize; 2])>> {
    device.never()
}

/// A step of a generator's training.
///
/// # Errors
/// None.
pub fn velocity_step(
    device: &Device,
    _weights: BTreeMap<String, Tensor>,
    _heads: usize,
    _batch: &samples::Batch,
) -> Result<Step> {
    device.never()
}
