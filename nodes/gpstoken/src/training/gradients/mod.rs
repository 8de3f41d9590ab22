//! Losses and their gradients through burn's autodiff: all that a training needs of burn. `without_burn/gradients.rs` has the same
//! names for a build without burn.

mod collect;
pub mod discriminator;
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

/// Where a training computes.
#[derive(Clone, Debug)]
pub struct Trainer {
    device: Device,
}

impl Trainer {
    /// On a device, or on the processor through burn.
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

    /// On this device.
    pub fn on(device: Device) -> Self {
        Self { device }
    }
}

/// An LPIPS network whose weights do not change.
#[derive(Debug)]
pub struct Perceptual(lpips::Network<Parameter>);

impl Perceptual {
    /// From tensors named as in torchvision and lpips.
    ///
    /// # Errors
    /// They are no such network, or the device failed.
    pub fn load(tensors: BTreeMap<String, Tensor>, trainer: &Trainer) -> Result<Self> {
        let network = lpips::Network::load(tensors)?;
        trainer.device.run(|| {
            let device = trainer.device.burn().clone().autodiff();
            Ok(Self(network.map(&mut |parameter| Parameter::on(parameter, &device))))
        })
    }
}

/// A network on a device that differentiates, with its parameters in the order of `map`, a network's own.
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
