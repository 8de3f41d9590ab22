//! The result of a training step.

use super::{gradients::on_device, state::Learner};
use splatgraph_sdk::Result;
use std::collections::BTreeMap;

/// A network in training: its layers, and the learner that has its weights.
#[derive(Debug)]
pub struct InTraining<'a, N> {
    /// The network; its own weights are not used.
    pub network: &'a N,
    /// The weights by the names of the network's parameters.
    pub learner: &'a Learner,
}

impl<N> Clone for InTraining<'_, N> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<N> Copy for InTraining<'_, N> {}

/// The loss of a network in a step, and its gradients.
#[derive(Debug)]
pub struct Step<G = Gradients> {
    /// The loss.
    pub loss: f32,
    /// The gradients of the loss by the parameters' keys. A parameter that does not contribute to the loss has no gradient.
    pub gradients: G,
}

/// Gradients in the host's memory.
pub type HostGradients = BTreeMap<String, Vec<f32>>;

/// Gradients where they were computed.
#[derive(Debug)]
pub enum Gradients {
    /// In the host's memory.
    Host(HostGradients),
    /// On a device.
    Device(on_device::Gradients),
}

impl Gradients {
    /// The norm of all gradients together, as one vector.
    pub fn norm(&self) -> f64 {
        match self {
            Self::Host(gradients) => norm(gradients),
            Self::Device(gradients) => gradients.norm(),
        }
    }

    /// The gradients in the host's memory.
    ///
    /// # Errors
    /// The device failed.
    pub fn into_host(self) -> Result<HostGradients> {
        match self {
            Self::Host(gradients) => Ok(gradients),
            Self::Device(gradients) => gradients.numbers(),
        }
    }
}

impl<G> Step<G> {
    /// The step with its gradients as another type.
    pub fn map<H>(self, f: impl FnOnce(G) -> H) -> Step<H> {
        Step { loss: self.loss, gradients: f(self.gradients) }
    }
}

/// The step of the network, and the step of the discriminator if it learns.
pub type Steps<G = Gradients> = (Step<G>, Option<Step<G>>);

fn norm(gradients: &HostGradients) -> f64 {
    gradients.values().map(|g| g.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>()).sum::<f64>().sqrt()
}
