//! Losses and their gradients through burn's autodiff. A training needs nothing else of burn. `without_burn/gradients.rs` provides the
//! same names for a build without burn.

mod collect;
mod discriminator;
mod loss;
mod tokenizer;
mod velocity;

pub use tokenizer::{reconstruct, through_all_stages, tokenizer_step};
pub use velocity::velocity_step;

use crate::{
    checkpoint::Parameter as HostParameter,
    device::Compute,
    lpips,
    on_device::{Device, Parameter},
};
use splatgraph_sdk::{Result, Tensor};
use std::{cell::RefCell, collections::BTreeMap};

/// The device of a training.
#[derive(Clone, Debug)]
pub struct Trainer {
    device: Device,
}

impl Trainer {
    /// A trainer on a device, or on the processor through burn.
    ///
    /// # Errors
    /// None in this build.
    pub fn new(compute: &Compute) -> Result<Self> {
        let device = match compute {
            Compute::Host => Device::processor(),
            Compute::Device(device) => device.clone(),
        };
        Ok(Self { device })
    }

    /// A trainer on this device.
    pub fn on(device: Device) -> Self {
        Self { device }
    }
}

/// An LPIPS network whose weights do not change.
#[derive(Debug)]
pub struct Perceptual(lpips::Network<Parameter>);

impl Perceptual {
    /// Builds the network from tensors with the names of torchvision and lpips.
    ///
    /// # Errors
    /// The tensors are not those of such a network, or the device failed.
    pub fn load(tensors: BTreeMap<String, Tensor>, trainer: &Trainer) -> Result<Self> {
        let network = lpips::Network::load(tensors)?;
        trainer.device.run(|| {
            let device = trainer.device.burn().clone().autodiff();
            Ok(Self(network.map(&mut |parameter| Parameter::on(parameter, &device))))
        })
    }
}

/// Uploads a network to a device for differentiation. Returns the parameters too, in the order of the network's `map`.
fn learning<N>(
    map: impl FnOnce(&mut dyn FnMut(&HostParameter) -> Parameter) -> N,
    device: &burn::prelude::Device,
) -> (N, Vec<Parameter>) {
    let parameters = RefCell::new(Vec::new());
    let network = map(&mut |parameter| {
        let parameter = Parameter::on(parameter, device).with_gradient();
        parameters.borrow_mut().push(parameter.clone());
        parameter
    });
    (network, parameters.into_inner())
}
