//! The parameters of a network while it learns, in the host's memory.

use super::{adam::Moments, state::Update, step::HostGradients};
use crate::checkpoint::Parameter as NetworkParameter;
use splatgraph_sdk::{Error, Result};
use std::collections::BTreeMap;

/// A parameter of a network while it learns.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// The length of each axis.
    pub shape: Vec<usize>,
    /// The weights, in row-major order.
    pub weights: Vec<f32>,
    /// The weights' moving average, which the checkpoint contains. A discriminator has none.
    pub average: Option<Vec<f32>>,
    /// The optimiser's moments.
    pub moments: Moments,
}

/// Changes parameters by a step of the optimiser with these gradients, multiplied by a factor.
///
/// # Errors
/// A gradient belongs to no parameter.
pub fn change(
    parameters: &mut BTreeMap<String, Parameter>,
    gradients: &HostGradients,
    step: u64,
    factor: f32,
    update: Update,
) -> Result<()> {
    for key in gradients.keys() {
        known(parameters, key)?;
    }
    let kept = update.kept(step);
    for (key, parameter) in parameters {
        if let Some(gradient) = gradients.get(key) {
            let gradient: Vec<f32> = gradient.iter().map(|v| v * factor).collect();
            let Parameter { weights, moments, .. } = parameter;
            update.adam.update(weights, moments, &gradient, update.rate, step);
        }
        for (average, weight) in parameter.average.iter_mut().flatten().zip(&parameter.weights) {
            *average += (1.0 - kept) * (weight - *average);
        }
    }
    Ok(())
}

/// What a training knows about a parameter.
///
/// # Errors
/// It knows none of this name.
pub fn known<'a, P>(parameters: &'a BTreeMap<String, P>, key: &str) -> Result<&'a P> {
    let missing = || {
        let known = parameters.keys().next().map_or("none", String::as_str);
        Error::new(format!(
            "training: expected the network's parameter `{key}` among those of the training, got others, such as `{known}`. Rename or remove the training's state to start again"
        ))
    };
    parameters.get(key).ok_or_else(missing)
}

/// What a training knows about a parameter of its network, whose shape `shape_of` returns.
///
/// # Errors
/// It knows none of this name, or one of another shape.
pub fn fitting<'a, P>(
    parameters: &'a BTreeMap<String, P>,
    parameter: &NetworkParameter,
    shape_of: impl Fn(&P) -> &[usize],
) -> Result<&'a P> {
    let found = known(parameters, parameter.key())?;
    let shape = shape_of(found);
    if shape == parameter.shape() {
        return Ok(found);
    }
    Err(Error::new(format!(
        "training: expected the parameter `{}` in the shape {:?} in the training's state, got {shape:?}. Rename or remove the state to start again",
        parameter.key(),
        parameter.shape()
    )))
}

/// The error for parameters and gradients in different places.
pub fn elsewhere() -> Error {
    Error::new("training: expected parameters and gradients in one place, got some on a device and others in memory")
}
