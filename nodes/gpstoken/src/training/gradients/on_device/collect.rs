//! The gradients of a loss by the parameters' keys, on the device.

use crate::{
    on_device::{Parameter, learning_shader::sum},
    training::step::{HostGradients, Step},
};
use burn::tensor::{FloatDType, Tensor};
use splatgraph_sdk::{Error, Result};
use std::collections::BTreeMap;

/// Gradients on a device, as one axis each in f32, and their norm.
#[derive(Debug)]
pub struct Gradients {
    pub(super) tensors: BTreeMap<String, Tensor<1>>,
    norm: f64,
}

impl Gradients {
    /// The norm of all gradients together, as one vector.
    pub fn norm(&self) -> f64 {
        self.norm
    }

    /// Reads the gradients from the device.
    ///
    /// # Errors
    /// The device failed.
    pub fn numbers(self) -> Result<HostGradients> {
        self.tensors.into_iter().map(|(key, gradient)| Ok((key, numbers(gradient)?))).collect()
    }
}

impl Step<Gradients> {
    /// Computes the gradients of the loss for all of these parameters that contribute to it. Reads only the loss and the norm.
    ///
    /// # Errors
    /// The device failed.
    pub fn of(loss: Tensor<1>, parameters: &[Parameter]) -> Result<Self> {
        let mut found = loss.backward();
        let mut tensors = BTreeMap::new();
        let mut read = vec![loss.inner()];
        for parameter in parameters {
            if let Some(gradient) = parameter.take_gradient(&mut found) {
                let gradient = gradient.cast(FloatDType::F32);
                read.push(sum(gradient.clone() * gradient.clone()));
                tensors.insert(parameter.key().to_owned(), gradient);
            }
        }
        let read = numbers(Tensor::cat(read, 0))?;
        let norm = read[1..].iter().map(|square| f64::from(*square)).sum::<f64>().sqrt();
        Ok(Self { loss: read[0], gradients: Gradients { tensors, norm } })
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
