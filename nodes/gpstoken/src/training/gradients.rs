//! The gradients of a loss, as plain numbers by the parameters' keys.

use burn::{
    module::{Module, ModuleVisitor, Param, ParamId},
    tensor::{Gradients, Tensor},
};
use splatgraph_sdk::Result;
use std::collections::{BTreeMap, HashMap};

/// What a step gives.
#[derive(Debug)]
pub struct Step {
    /// The loss.
    pub loss: f32,
    /// Of the loss, by the parameters' keys.
    pub gradients: BTreeMap<String, Vec<f32>>,
}

/// What a network learns in a step, and what the discriminator learns where there is one.
pub type Steps = (Step, Option<Step>);

impl Step {
    /// Goes back from the loss to all parameters of the network that have a part in it.
    ///
    /// # Errors
    /// The device failed.
    pub fn of(loss: Tensor<1>, network: &impl Module, keys: Vec<(String, ParamId)>) -> Result<Self> {
        let mut gradients = loss.backward();
        let loss = numbers(loss)?[0];
        let mut collect = Collect { gradients: &mut gradients, found: HashMap::new() };
        network.visit(&mut collect);
        let mut found = collect.found;
        let by_key = keys.into_iter().filter_map(|(key, id)| Some(found.remove(&id)?.map(|gradient| (key, gradient))));
        Ok(Self { loss, gradients: by_key.collect::<Result<_>>()? })
    }
}

struct Collect<'a> {
    gradients: &'a mut Gradients,
    found: HashMap<ParamId, Result<Vec<f32>>>,
}

impl ModuleVisitor for Collect<'_> {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        if let Some(gradient) = parameter.val().grad_remove(self.gradients) {
            self.found.insert(parameter.id, numbers(gradient));
        }
    }
}

/// A tensor's numbers, read from its device.
pub(super) fn numbers<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    let data = tensor.cast(burn::tensor::FloatDType::F32).into_data();
    data.try_into_vec().map_err(|e| splatgraph_sdk::Error::new(format!("reading numbers from the device: {e:?}")))
}
