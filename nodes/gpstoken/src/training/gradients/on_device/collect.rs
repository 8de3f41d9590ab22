//! The gradients of a loss as plain numbers, by the parameters' keys.

use crate::{on_device::Parameter, training::step::Step};
use burn::tensor::{FloatDType, Tensor};
use splatgraph_sdk::{Error, Result};
use std::collections::BTreeMap;

impl Step {
    /// Computes the gradients of the loss for all of these parameters that contribute to it.
    ///
    /// # Errors
    /// The device failed.
    pub fn of(loss: Tensor<1>, parameters: &[Parameter]) -> Result<Self> {
        let mut found = loss.backward();
        let loss = numbers(loss)?[0];
        let mut gradients = BTreeMap::new();
        for parameter in parameters {
            if let Some(gradient) = parameter.tensor::<1>().grad_remove(&mut found) {
                gradients.insert(parameter.key().to_owned(), numbers(gradient)?);
            }
        }
        Ok(Self { loss, gradients })
    }
}

/// Reads a tensor's numbers from its device.
///
/// # Errors
/// The device failed.
pub(super) fn numbers<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    let data = tensor.cast(FloatDType::F32).into_data();
    data.try_into_vec().map_err(|e| Error::new(format!("reading numbers from the device: {e:?}")))
}
