//! The steps of trainings on a device, through burn's autodiff. `training/gradients` chooses between these and the host's kernels.

mod collect;
pub mod discriminator;
mod loss;
mod tokenizer;
mod velocity;

pub use tokenizer::{reconstruct, through_all_stages, tokenizer_step};
pub use velocity::velocity_step;

use crate::{
    checkpoint::Parameter as HostParameter,
    lpips,
    on_device::{Device, Parameter},
};
use splatgraph_sdk::{Result, Tensor};
use std::{cell::RefCell, collections::BTreeMap};

/// An LPIPS network whose weights do not change.
#[derive(Debug)]
pub struct Perceptual(lpips::Network<Parameter>);

impl Perceptual {
    /// Builds the network from tensors with the names of torchvision and lpips.
    ///
    /// # Errors
    /// The tensors are not those of such a network, or the device failed.
    pub fn load(tensors: BTreeMap<String, Tensor>, device: &Device) -> Result<Self> {
        let network = lpips::Network::load(tensors)?;
        device.run(|| {
            let device = device.burn().clone().autodiff();
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
