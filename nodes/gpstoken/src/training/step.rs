//! What a step of a training gives.

use std::collections::BTreeMap;

/// The loss of a network in a step, and its gradients.
#[derive(Debug)]
pub struct Step {
    /// The loss.
    pub loss: f32,
    /// The gradients of the loss by the parameters' keys; a parameter without a part in the loss has none.
    pub gradients: BTreeMap<String, Vec<f32>>,
}

/// What a network learns in a step, and what the discriminator learns where there is one.
pub type Steps = (Step, Option<Step>);
