//! The steps of trainings on a device, through burn's autodiff. `training/gradients` chooses between these and the host's kernels.

mod collect;
pub mod discriminator;
mod learning;
mod loss;
mod tokenizer;
mod velocity;

pub use collect::Gradients;
pub use learning::Learning;
pub use tokenizer::{reconstruct, through_all_stages, tokenizer_step};
pub use velocity::velocity_step;

use crate::{
    lpips,
    on_device::{Device, Parameter},
};
use splatgraph_sdk::{Result, Tensor};
use std::collections::BTreeMap;

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
