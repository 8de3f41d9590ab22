//! The replacement for `training/gradients/on_device` in a build without burn. It has the same names, but no device.

use crate::{
    generator,
    on_device::Device,
    tokenizer::Network,
    training::{
        adversary::{Adversary, Geometry},
        batch::Batch,
        losses::Losses,
        parameters::Parameter,
        samples,
        sheet::Example,
        state::Update,
        step::{HostGradients, InTraining, Step, Steps},
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

/// Parameters that stay on a device.
#[derive(Clone, Debug)]
pub struct Learning(Device);

impl Learning {
    /// Uploads parameters.
    ///
    /// # Errors
    /// None.
    pub fn new(_parameters: &BTreeMap<String, Parameter>, device: &Device) -> Result<Self> {
        device.never()
    }

    /// Downloads the parameters.
    ///
    /// # Errors
    /// None.
    pub fn parameters(&self) -> Result<BTreeMap<String, Parameter>> {
        self.0.never()
    }

    /// Takes a step of the optimiser.
    ///
    /// # Errors
    /// None.
    pub fn change(&mut self, _gradients: &Gradients, _step: u64, _factor: f32, _update: Update) -> Result<()> {
        self.0.never()
    }
}

/// Gradients on a device.
#[derive(Debug)]
pub struct Gradients(Device);

impl Gradients {
    /// The norm of all gradients together.
    pub fn norm(&self) -> f64 {
        self.0.never()
    }

    /// Reads the gradients from the device.
    ///
    /// # Errors
    /// None.
    pub fn numbers(self) -> Result<HostGradients> {
        self.0.never()
    }
}

/// A step of a tokenizer's training.
///
/// # Errors
/// None.
pub fn tokenizer_step(
    device: &Device,
    _tokenizer: InTraining<'_, Network>,
    _batch: &Batch,
    _geometry: Geometry,
    _losses: &Losses,
    _perceptual: Option<&Perceptual>,
    _adversary: Option<Adversary<'_>>,
) -> Result<Steps<Gradients>> {
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
    _generator: InTraining<'_, generator::Network>,
    _batch: &samples::Batch,
) -> Result<Step<Gradients>> {
    device.never()
}
