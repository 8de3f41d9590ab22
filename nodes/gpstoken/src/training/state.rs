//! The state of a training: weights, their averages, the optimiser's moments and the losses so far, for the network and for the
//! discriminator, if there is one. The state is saved in one file. A training that continues from the file gives the same result as one
//! that never stopped.

use super::adam::{Adam, Moments};
use splatgraph_sdk::{DType, Error, Result, Tensor, checkpoint, checkpoint::Checkpoint};
use std::{collections::BTreeMap, path::Path};

/// The state of a training.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Number of finished steps.
    pub step: u64,
    /// The training's settings, as text. A later run can continue the training only with the same settings.
    pub settings: String,
    /// The network in training.
    pub network: Learner,
    /// The discriminator, which learns from some step on.
    pub discriminator: Option<Learner>,
}

/// A network while it learns.
#[derive(Clone, Debug, PartialEq)]
pub struct Learner {
    /// The loss of each step in which the network learned.
    pub losses: Vec<f32>,
    parameters: BTreeMap<String, Parameter>,
}

/// A parameter of the network.
#[derive(Clone, Debug, PartialEq)]
struct Parameter {
    shape: Vec<usize>,
    weights: Vec<f32>,
    /// The weights' moving average, which the checkpoint contains. A discriminator has none.
    average: Option<Vec<f32>>,
    moments: Moments,
}

/// The settings for changing the weights in a step.
#[derive(Clone, Copy, Debug)]
pub struct Update {
    /// The optimiser.
    pub adam: Adam,
    /// The learning rate.
    pub rate: f32,
    /// The largest norm of the gradients. Longer gradients are shortened to it; 0 leaves all gradients as they are.
    pub clip: f32,
    /// The part of the average that a step keeps. The first steps keep less.
    pub average: f32,
}

impl Learner {
    /// The learner before the first step, with an average of the weights if `averaged`.
    fn new(weights: &BTreeMap<String, Tensor>, averaged: bool) -> Self {
        let parameter = |tensor: &Tensor| {
            let weights = tensor.to_f32();
            let zeros = vec![0.0; weights.len()];
            let moments = Moments { first: zeros.clone(), second: zeros };
            let average = averaged.then(|| weights.clone());
            Parameter { shape: tensor.shape().to_vec(), average, weights, moments }
        };
        let parameters = weights.iter().map(|(key, tensor)| (key.clone(), parameter(tensor))).collect();
        Self { losses: Vec::new(), parameters }
    }

    /// The current weights.
    pub fn weights(&self) -> Result<BTreeMap<String, Tensor>> {
        self.tensors(|parameter| &parameter.weights)
    }

    /// The moving averages of the weights.
    pub fn averages(&self) -> Result<BTreeMap<String, Tensor>> {
        self.tensors(|parameter| parameter.average.as_ref().unwrap_or(&parameter.weights))
    }

    fn tensors(&self, of: impl Fn(&Parameter) -> &Vec<f32>) -> Result<BTreeMap<String, Tensor>> {
        let tensor = |(key, parameter): (&String, &Parameter)| {
            Ok((key.clone(), Tensor::from_vec(parameter.shape.as_slice(), of(parameter).clone())?))
        };
        self.parameters.iter().map(tensor).collect()
    }

    /// Takes a step with the gradients by key, whose [`norm`] is `norm`. Parameters without a gradient stay the same.
    pub fn update(&mut self, gradients: &BTreeMap<String, Vec<f32>>, loss: f32, norm: f64, update: Update) {
        let clip = f64::from(update.clip);
        let factor = if clip > 0.0 && norm > clip { (clip / norm) as f32 } else { 1.0 };
        self.losses.push(loss);
        let step = self.losses.len() as u64;
        // The first steps keep only (1 + n) / (10 + n), so that the average soon forgets the first weights.
        let keep = update.average.min((1 + step) as f32 / (10 + step) as f32);
        for (key, parameter) in &mut self.parameters {
            if let Some(gradient) = gradients.get(key) {
                let gradient: Vec<f32> = gradient.iter().map(|v| v * factor).collect();
                let Parameter { weights, moments, .. } = parameter;
                update.adam.update(weights, moments, &gradient, update.rate, step);
            }
            for (average, weight) in parameter.average.iter_mut().flatten().zip(&parameter.weights) {
                *average += (1.0 - keep) * (weight - *average);
            }
        }
    }

    /// The average of the last hundred losses.
    pub fn recent_loss(&self) -> f32 {
        let recent = &self.losses[self.losses.len().saturating_sub(100)..];
        recent.iter().sum::<f32>() / recent.len().max(1) as f32
    }

    /// Adds the learner to the tensors of a file, under keys that begin with `prefix`.
    fn write(&self, prefix: &str, tensors: &mut BTreeMap<String, Tensor>) -> Result<()> {
        for (key, Parameter { shape, weights, average, moments }) in &self.parameters {
            let parts = [Some(weights), average.as_ref(), Some(&moments.first), Some(&moments.second)];
            for (part, values) in PARTS.iter().zip(parts) {
                if let Some(values) = values {
                    let tensor = Tensor::from_vec(shape.as_slice(), values.clone())?;
                    tensors.insert(format!("{prefix}{part}.{key}"), tensor);
                }
            }
        }
        let losses = Tensor::from_vec([self.losses.len()], self.losses.clone())?;
        tensors.insert(format!("{prefix}{LOSSES}"), losses);
        Ok(())
    }

    /// Takes the tensors that [`write`](Self::write) added. Returns `None` if a part is missing or does not fit.
    fn read(prefix: &str, averaged: bool, tensors: &mut BTreeMap<String, Tensor>) -> Result<Option<Self>> {
        let Some(losses) = tensors.remove(&format!("{prefix}{LOSSES}")) else { return Ok(None) };
        let losses = losses.into_vec::<f32>()?;
        let start = format!("{prefix}{}.", PARTS[0]);
        let keys: Vec<String> = tensors.keys().filter_map(|key| Some(key.strip_prefix(&start)?.to_owned())).collect();
        let mut parameters = BTreeMap::new();
        for key in keys {
            let mut part = |part: usize| tensors.remove(&format!("{prefix}{}.{key}", PARTS[part]));
            let Some(weights) = part(0) else { return Ok(None) };
            let shape = weights.shape().to_vec();
            let average = if averaged { part(1) } else { None };
            let (Some(first), Some(second)) = (part(2), part(3)) else { return Ok(None) };
            let misshapen = [Some(&first), Some(&second), average.as_ref()].into_iter().flatten();
            if average.is_some() != averaged || misshapen.into_iter().any(|tensor| tensor.shape() != shape) {
                return Ok(None);
            }
            let moments = Moments { first: first.into_vec()?, second: second.into_vec()? };
            let average = average.map(Tensor::into_vec).transpose()?;
            parameters.insert(key, Parameter { shape, weights: weights.into_vec()?, average, moments });
        }
        Ok(Some(Self { losses, parameters }))
    }
}

impl State {
    /// The state before the first step, from the weights of the network and of its discriminator, if there is one.
    pub fn new(
        weights: &BTreeMap<String, Tensor>,
        discriminator: Option<&BTreeMap<String, Tensor>>,
        settings: String,
    ) -> Self {
        let discriminator = discriminator.map(|weights| Learner::new(weights, false));
        Self { step: 0, settings, network: Learner::new(weights, true), discriminator }
    }

    /// The description of the training in a checkpoint, as JSON.
    ///
    /// # Errors
    /// The settings are not JSON.
    pub fn about(&self) -> Result<String> {
        let settings: serde_json::Value = serde_json::from_str(&self.settings)?;
        Ok(serde_json::json!({"steps": self.step, "settings": settings}).to_string())
    }

    /// Writes the state to a file.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let mut tensors = BTreeMap::new();
        self.network.write("", &mut tensors)?;
        if let Some(discriminator) = &self.discriminator {
            discriminator.write(DISCRIMINATOR, &mut tensors)?;
        }
        let metadata = [("step", self.step.to_string()), ("settings", self.settings.clone())];
        let metadata = metadata.map(|(key, value)| (key.to_owned(), value)).into();
        Checkpoint { metadata, tensors }.save(path, DType::F32)
    }

    /// Reads a state that [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// The file can't be read, or is not a training's state.
    pub fn load(path: &Path) -> Result<Self> {
        let Checkpoint { metadata, mut tensors } = checkpoint::open(path)?;
        let broken = || {
            let message = "continuing a training: expected a training's state in the file, got something else";
            Error::new(format!("{message}. Rename or remove the file to start again: {}", path.display()))
        };
        let step = metadata.get("step").and_then(|step| step.parse().ok()).ok_or_else(broken)?;
        let settings = metadata.get("settings").cloned().ok_or_else(broken)?;
        let network = Learner::read("", true, &mut tensors)?.ok_or_else(broken)?;
        let there = tensors.contains_key(&format!("{DISCRIMINATOR}{LOSSES}"));
        let discriminator = Learner::read(DISCRIMINATOR, false, &mut tensors)?;
        if there && discriminator.is_none() {
            return Err(broken());
        }
        Ok(Self { step, settings, network, discriminator })
    }
}

/// The norm of all gradients together, as one vector.
pub fn norm(gradients: &BTreeMap<String, Vec<f32>>) -> f64 {
    gradients.values().map(|g| g.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>()).sum::<f64>().sqrt()
}

/// Names of a parameter's tensors in the file.
const PARTS: [&str; 4] = ["weights", "average", "first_moment", "second_moment"];
/// Name of the losses in the file.
const LOSSES: &str = "losses";
/// Prefix of a discriminator's keys in the file.
const DISCRIMINATOR: &str = "discriminator.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saved_state_loads_unchanged() {
        let weights =
            BTreeMap::from([("a.weight".to_owned(), Tensor::from_vec([2, 2], vec![1.0f32, 2.0, 3.0, 4.0]).unwrap())]);
        let mut state = State::new(&weights, Some(&weights), "{}".to_owned());
        let adam = Adam::with_decay(0.1);
        let update = Update { adam, rate: 0.1, clip: 1.0, average: 0.9 };
        let gradients = BTreeMap::from([("a.weight".to_owned(), vec![3.0, 0.0, 0.0, 4.0])]);
        assert_eq!(norm(&gradients), 5.0);
        state.network.update(&gradients, 0.5, 5.0, update);
        state.step += 1;
        assert_eq!(state.network.losses, [0.5]);
        assert_ne!(state.network.parameters, state.discriminator.as_ref().unwrap().parameters);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.safetensors");
        state.save(&path).unwrap();
        assert_eq!(State::load(&path).unwrap(), state);
        state.discriminator = None;
        state.save(&path).unwrap();
        assert_eq!(State::load(&path).unwrap(), state);
        Checkpoint { tensors: weights, ..Checkpoint::default() }.save(&path, DType::F32).unwrap();
        let error = State::load(&path).unwrap_err().message.replace(path.to_str().unwrap(), "FILE");
        insta::assert_snapshot!(error, @"continuing a training: expected a training's state in the file, got something else. Rename or remove the file to start again: FILE");
    }
}
