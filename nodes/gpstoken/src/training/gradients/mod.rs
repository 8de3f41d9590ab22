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
    discriminator::Discriminator,
    generator,
    kernels::{cpu::Level, workspace::Workspace},
    layers::Host,
    lpips,
    on_device::Device,
    tokenizer::Network,
    training::{
        adversary::{Adversary, Geometry},
        batch::Batch,
        losses::Losses,
        samples,
        sheet::Example,
        state::State,
        step::{Gradients, InTraining, Step, Steps},
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

    /// Moves a training's state to where the steps compute.
    ///
    /// # Errors
    /// The device failed.
    pub fn place(&self, mut state: State) -> Result<State> {
        if let Self::Device(device) = self {
            state.move_to(device)?;
        }
        Ok(state)
    }

    /// The loss of a batch and its gradients. With a discriminator, returns its loss and gradients too, for the same pictures and with the
    /// weights from before the step. The tokenizer's loss leaves out the discriminator's judgement, so that losses of different steps are
    /// comparable; its gradients include the judgement.
    ///
    /// # Errors
    /// The training has other parameters than the networks, or has them elsewhere; or the device failed.
    pub fn tokenizer_step(
        &self,
        tokenizer: InTraining<'_, Network>,
        batch: &Batch,
        geometry: Geometry,
        losses: &Losses,
        perceptual: Option<&Perceptual>,
        adversary: Option<Adversary<'_>>,
    ) -> Result<Steps> {
        match self {
            Self::Host(workspace) => {
                let perceptual = perceptual.and_then(|network| match network {
                    Perceptual::Host(network) => Some(network),
                    Perceptual::Device(_) => None,
                });
                let network = tokenizer.learner.fill(|f| tokenizer.network.map(f))?;
                let fill =
                    |InTraining { network, learner }: InTraining<'_, Discriminator>| learner.fill(|f| network.map(f));
                let judge = adversary.map(|adversary| fill(adversary.discriminator)).transpose()?;
                let judge = judge.as_ref().zip(adversary.map(|adversary| adversary.weight));
                let (step, judged) =
                    tokenizer::step(host(workspace), &network, batch, geometry, losses, perceptual, judge);
                Ok((step.map(Gradients::Host), judged.map(|step| step.map(Gradients::Host))))
            }
            Self::Device(device) => {
                let perceptual = perceptual.and_then(|network| match network {
                    Perceptual::Host(_) => None,
                    Perceptual::Device(network) => Some(network),
                });
                let (step, judged) =
                    on_device::tokenizer_step(device, tokenizer, batch, geometry, losses, perceptual, adversary)?;
                Ok((step.map(Gradients::Device), judged.map(|step| step.map(Gradients::Device))))
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
    /// The training has other parameters than the network, or has them elsewhere; or the device failed.
    pub fn velocity_step(&self, generator: InTraining<'_, generator::Network>, batch: &samples::Batch) -> Result<Step> {
        match self {
            Self::Host(workspace) => {
                let network = generator.learner.fill(|f| generator.network.map(f))?;
                Ok(velocity::step(host(workspace), &network, batch).map(Gradients::Host))
            }
            Self::Device(device) => Ok(on_device::velocity_step(device, generator, batch)?.map(Gradients::Device)),
        }
    }
}

fn host(workspace: &Workspace) -> Host<'_> {
    Host { level: Level::best(), workspace }
}
