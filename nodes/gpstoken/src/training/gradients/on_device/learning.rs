//! Weights, averages and moments that stay on a device from one step of a training to the next.

use super::{Gradients, collect::numbers};
use crate::{
    checkpoint::Parameter as NetworkParameter,
    on_device::{Device, Parameter},
    training::{
        adam::{Adam, Moments},
        parameters::{self, fitting, known},
        state::Update,
    },
};
use burn::tensor::Tensor;
use splatgraph_sdk::Result;
use std::collections::BTreeMap;

/// The parameters of a network while it learns on a device.
#[derive(Clone, Debug)]
pub struct Learning {
    device: Device,
    parameters: BTreeMap<String, Kept>,
}

/// What stays on the device for a parameter, as one axis each.
#[derive(Clone, Debug)]
struct Kept {
    shape: Vec<usize>,
    weights: Tensor<1>,
    average: Option<Tensor<1>>,
    first: Tensor<1>,
    second: Tensor<1>,
}

impl Learning {
    /// Uploads parameters.
    ///
    /// # Errors
    /// The device failed.
    pub fn new(parameters: &BTreeMap<String, parameters::Parameter>, device: &Device) -> Result<Self> {
        let upload = |values: &[f32]| device.upload(values.to_vec(), [values.len()]);
        let kept = |(key, parameter): (&String, &parameters::Parameter)| {
            let kept = Kept {
                shape: parameter.shape.clone(),
                weights: upload(&parameter.weights)?,
                average: parameter.average.as_deref().map(upload).transpose()?,
                first: upload(&parameter.moments.first)?,
                second: upload(&parameter.moments.second)?,
            };
            Ok((key.clone(), kept))
        };
        Ok(Self { device: device.clone(), parameters: parameters.iter().map(kept).collect::<Result<_>>()? })
    }

    /// Downloads the parameters.
    ///
    /// # Errors
    /// The device failed.
    pub fn parameters(&self) -> Result<BTreeMap<String, parameters::Parameter>> {
        let downloaded = |(key, kept): (&String, &Kept)| {
            let moments = Moments { first: numbers(kept.first.clone())?, second: numbers(kept.second.clone())? };
            let average = kept.average.clone().map(numbers).transpose()?;
            let parameter = parameters::Parameter {
                shape: kept.shape.clone(),
                weights: numbers(kept.weights.clone())?,
                average,
                moments,
            };
            Ok((key.clone(), parameter))
        };
        self.device.run(|| self.parameters.iter().map(downloaded).collect())
    }

    /// A network with the current weights as leaves, whose gradients a backward pass keeps, and these leaves in the order of the network's
    /// `map`.
    ///
    /// # Errors
    /// The training has no such parameter, or one of another shape.
    pub(super) fn fill<N>(
        &self,
        map: impl FnOnce(&mut dyn FnMut(&NetworkParameter) -> Parameter) -> N,
    ) -> Result<(N, Vec<Parameter>)> {
        let (mut leaves, mut found) = (Vec::new(), Ok(()));
        let network = map(&mut |parameter| {
            let leaf = match fitting(&self.parameters, parameter, |kept| &kept.shape) {
                Ok(kept) => Parameter::shaped(parameter.key(), kept.weights.clone(), &kept.shape),
                Err(error) => {
                    found = Err(error);
                    Parameter::on(parameter, self.device.burn())
                }
            };
            let leaf = leaf.learning();
            leaves.push(leaf.clone());
            leaf
        });
        found.map(|()| (network, leaves))
    }

    /// [`Adam::update`] and the moving average on the device, with gradients that are multiplied by `factor`.
    ///
    /// # Errors
    /// The device failed, or a gradient belongs to no parameter.
    pub fn change(&mut self, gradients: &Gradients, step: u64, factor: f32, update: Update) -> Result<()> {
        for key in gradients.tensors.keys() {
            known(&self.parameters, key)?;
        }
        let forgotten = 1.0 - update.kept(step);
        let Adam { beta1, beta2, epsilon, weight_decay } = update.adam;
        let [correction1, correction2] = update.adam.corrections(step);
        let parameters = &mut self.parameters;
        self.device.run(|| {
            for (key, Kept { weights, average, first, second, .. }) in parameters {
                if let Some(gradient) = gradients.tensors.get(key) {
                    let gradient = gradient.clone() * factor;
                    *first = first.clone() * beta1 + gradient.clone() * (1.0 - beta1);
                    *second = second.clone() * beta2 + gradient.clone() * gradient * (1.0 - beta2);
                    let moved = first.clone() / correction1 / ((second.clone() / correction2).sqrt() + epsilon);
                    *weights = weights.clone() - (moved + weights.clone() * weight_decay) * update.rate;
                }
                if let Some(average) = average {
                    *average = average.clone() + (weights.clone() - average.clone()) * forgotten;
                }
            }
            Ok(())
        })
    }
}
