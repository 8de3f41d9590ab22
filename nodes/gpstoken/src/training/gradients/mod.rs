//! The steps of trainings: losses and their gradients, on the host's kernels or on a device through burn.

#[cfg(feature = "burn")]
pub mod on_device;
#[cfg(not(feature = "burn"))]
#[path = "../../without_burn/gradients.rs"]
pub mod on_device;
pub mod tokenizer;
pub mod velocity;

use crate::{
    device::Compute,
    kernels::{cpu::Level, workspace::Workspace},
    layers::Host,
    lpips,
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

/// Where a training computes.
#[derive(Debug)]
pub enum Trainer {
    /// On the host's kernels, with the memory that the steps reuse.
    Host(Workspace),
    /// On a device, through burn.
    Device(Device),
}

/// An LPIPS network whose weights do not change.
#[derive(Debug)]
pub enum Perceptual {
    /// In the host's memory.
    Host(lpips::Network),
    /// On a device.
    Device(on_device::Perceptual),
}

impl Trainer {
    /// A trainer on the processor or on a device.
    pub fn new(compute: &Compute) -> Self {
        match compute {
            Compute::Host => Self::Host(Workspace::default()),
            Compute::Device(device) => Self::Device(device.clone()),
        }
    }

    /// Builds an LPIPS network from tensors with the names of torchvision and lpips.
    ///
    /// # Errors
    /// The tensors are not those of such a network, or the device failed.
    pub fn perceptual(&self, tensors: BTreeMap<String, Tensor>) -> Result<Perceptual> {
        Ok(match self {
            Self::Host(_) => Perceptual::Host(lpips::Network::load(tensors)?),
            Self::Device(device) => Perceptual::Device(on_device::Perceptual::load(tensors, device)?),
        })
    }

    /// The loss of a batch and its gradients. With a discriminator, returns its loss and gradients too, for the same pictures and with the
    /// weights from before the step. The tokenizer's loss leaves out the discriminator's judgement, so that losses of different steps are
    /// comparable; its gradients include the judgement.
    ///
    /// # Errors
    /// The weights are not those of a tokenizer or of a discriminator, or the device failed.
    pub fn tokenizer_step(
        &self,
        weights: BTreeMap<String, Tensor>,
        batch: &Batch,
        geometry: Geometry,
        losses: &Losses,
        perceptual: Option<&Perceptual>,
        adversary: Option<Adversary>,
    ) -> Result<Steps> {
        match self {
            Self::Host(workspace) => {
                let perceptual = perceptual.and_then(|network| match network {
                    Perceptual::Host(network) => Some(network),
                    Perceptual::Device(_) => None,
                });
                tokenizer::step(host(workspace), weights, batch, geometry, losses, perceptual, adversary)
            }
            Self::Device(device) => {
                let perceptual = perceptual.and_then(|network| match network {
                    Perceptual::Host(_) => None,
                    Perceptual::Device(network) => Some(network),
                });
                on_device::tokenizer_step(device, weights, batch, geometry, losses, perceptual, adversary)
            }
        }
    }

    /// Reconstructs pictures one by one, with the network loaded once. Returns each as `[3, H, W]` with its height and width.
    ///
    /// # Errors
    /// The weights are not a tokenizer's, or the device failed.
    pub fn reconstruct(
        &self,
        weights: &BTreeMap<String, Tensor>,
        examples: Vec<Example>,
        geometry: Geometry,
    ) -> Result<Vec<(Vec<f32>, [usize; 2])>> {
        match self {
            Self::Host(workspace) => tokenizer::reconstruct(host(workspace), weights, examples, geometry),
            Self::Device(device) => on_device::reconstruct(device, weights, examples, geometry),
        }
    }

    /// The mean squared difference of the velocities of a batch of samples, and its gradients.
    ///
    /// # Errors
    /// The weights are not a generator's, or the device failed.
    pub fn velocity_step(
        &self,
        weights: BTreeMap<String, Tensor>,
        heads: usize,
        batch: &samples::Batch,
    ) -> Result<Step> {
        match self {
            Self::Host(workspace) => velocity::step(host(workspace), weights, heads, batch),
            Self::Device(device) => on_device::velocity_step(device, weights, heads, batch),
        }
    }
}

fn host(workspace: &Workspace) -> Host<'_> {
    Host { level: Level::best(), workspace }
}
