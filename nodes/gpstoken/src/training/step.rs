//! The result of a training step.

use std::collections::BTreeMap;

/// The loss of a network in a step, and its gradients.
#[derive(Debug)]
pub struct Step {
    /// The loss.
    pub loss: f32,
    /// The gradients of the loss by the parameters' keys. A parameter that does not contribute to the loss has no gradient.
    pub gradients: BTreeMap<String, Vec<f32>>,
}

/// The step of the network, and the step of the discriminator if it learns.
pub type Steps = (Step, Option<Step>);
