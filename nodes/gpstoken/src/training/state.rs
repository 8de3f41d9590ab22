//! The state of a training: weights, their averages, the optimiser's moments and the losses so far, for the network and for the
//! discriminator, if there is one. The state is saved in one file. A training that continues from the file gives the same result as one
//! that never stopped.

use super::{
    adam::{Adam, Moments},
    gradients::on_device::Learning,
    parameters::{Parameter, change, elsewhere, fitting},
    step::Gradients,
};
use crate::{checkpoint::Parameter as NetworkParameter, on_device::Device};
use splatgraph_sdk::{DType, Error, Result, Tensor, checkpoint, checkpoint::Checkpoint};
use std::{borrow::Cow, collections::BTreeMap, path::Path};

/// The state of a training.
#[derive(Clone, Debug)]
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
#[derive(Clone, Debug)]
pub struct Learner {
    /// The loss of each step in which the network learned.
    pub losses: Vec<f32>,
    place: Place,
}

/// Where a learner's parameters are.
#[derive(Clone, Debug)]
enum Place {
    Host(BTreeMap<String, Parameter>),
    Device(Learning),
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

impl Update {
    /// What the gradients of this norm are multiplied by.
    pub fn factor(&self, norm: f64) -> f32 {
        let clip = f64::from(self.clip);
        if clip > 0.0 && norm > clip { (clip / norm) as f32 } else { 1.0 }
    }

    /// The part of the average that a step keeps; steps count from 1. The first steps keep only (1 + n) / (10 + n), so that the average
    /// soon forgets the first weights.
    pub fn kept(&self, step: u64) -> f32 {
        self.average.min((1 + step) as f32 / (10 + step) as f32)
    }
}

impl Learner {
    /// The learner before the first step, with an average of the weights if `averaged`.
    pub fn new(weights: &BTreeMap<String, Tensor>, averaged: bool) -> Self {
        let parameter = |tensor: &Tensor| {
            let weights = tensor.to_f32();
            let zeros = vec![0.0; weights.len()];
            let moments = Moments { first: zeros.clone(), second: zeros };
            let average = averaged.then(|| weights.clone());
            Parameter { shape: tensor.shape().to_vec(), average, weights, moments }
        };
        let parameters = weights.iter().map(|(key, tensor)| (key.clone(), parameter(tensor))).collect();
        Self { losses: Vec::new(), place: Place::Host(parameters) }
    }

    /// Moves the parameters to a device, where steps compute and change them.
    ///
    /// # Errors
    /// The device failed.
    pub fn move_to(&mut self, device: &Device) -> Result<()> {
        let learning = Learning::new(&*self.parameters()?, device)?;
        self.place = Place::Device(learning);
        Ok(())
    }

    /// The parameters, read from the device if they are on one.
    fn parameters(&self) -> Result<Cow<'_, BTreeMap<String, Parameter>>> {
        Ok(match &self.place {
            Place::Host(parameters) => Cow::Borrowed(parameters),
            Place::Device(learning) => Cow::Owned(learning.parameters()?),
        })
    }

    /// The parameters on the device.
    ///
    /// # Errors
    /// They are in the host's memory.
    pub fn on_device(&self) -> Result<&Learning> {
        match &self.place {
            Place::Device(learning) => Ok(learning),
            Place::Host(_) => Err(elsewhere()),
        }
    }

    /// A network with the current weights in the host's memory. `map` is the network's.
    ///
    /// # Errors
    /// The training has no such parameter or one of another shape, or the parameters are on a device.
    pub(crate) fn fill<N>(
        &self,
        map: impl FnOnce(&mut dyn FnMut(&NetworkParameter) -> NetworkParameter) -> N,
    ) -> Result<N> {
        let Place::Host(parameters) = &self.place else { return Err(elsewhere()) };
        let mut found = Ok(());
        let network = map(&mut |parameter| {
            let filled = fitting(parameters, parameter, |known| &known.shape).and_then(
                |Parameter { shape, weights, .. }| NetworkParameter::of_values(parameter.key(), shape, weights.clone()),
            );
            filled.unwrap_or_else(|error| {
                found = Err(error);
                parameter.clone()
            })
        });
        found.map(|()| network)
    }

    /// The current weights.
    ///
    /// # Errors
    /// The device failed.
    pub fn weights(&self) -> Result<BTreeMap<String, Tensor>> {
        self.tensors(|parameter| &parameter.weights)
    }

    /// The moving averages of the weights.
    ///
    /// # Errors
    /// The device failed.
    pub fn averages(&self) -> Result<BTreeMap<String, Tensor>> {
        self.tensors(|parameter| parameter.average.as_ref().unwrap_or(&parameter.weights))
    }

    fn tensors(&self, of: impl Fn(&Parameter) -> &Vec<f32>) -> Result<BTreeMap<String, Tensor>> {
        let tensor = |(key, parameter): (&String, &Parameter)| {
            Ok((key.clone(), Tensor::from_vec(parameter.shape.as_slice(), of(parameter).clone())?))
        };
        self.parameters()?.iter().map(tensor).collect()
    }

    /// Takes a step with gradients of this norm. Parameters without a gradient stay the same.
    ///
    /// # Errors
    /// The device failed, a gradient belongs to no parameter, or the gradients are elsewhere than the parameters.
    pub fn update(&mut self, gradients: &Gradients, loss: f32, norm: f64, update: Update) -> Result<()> {
        self.losses.push(loss);
        let step = self.losses.len() as u64;
        match (&mut self.place, gradients) {
            (Place::Host(parameters), Gradients::Host(gradients)) => {
                change(parameters, gradients, step, update.factor(norm), update)
            }
            (Place::Device(learning), Gradients::Device(gradients)) => {
                learning.change(gradients, step, update.factor(norm), update)
            }
            _ => Err(elsewhere()),
        }
    }

    /// The average of the last hundred losses.
    pub fn recent_loss(&self) -> f32 {
        let recent = &self.losses[self.losses.len().saturating_sub(100)..];
        recent.iter().sum::<f32>() / recent.len().max(1) as f32
    }

    /// Adds the learner to the tensors of a file, under keys that begin with `prefix`.
    fn write(&self, prefix: &str, tensors: &mut BTreeMap<String, Tensor>) -> Result<()> {
        for (key, Parameter { shape, weights, average, moments }) in self.parameters()?.iter() {
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
        Ok(Some(Self { losses, place: Place::Host(parameters) }))
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

    /// Moves the networks to a device.
    ///
    /// # Errors
    /// The device failed.
    pub fn move_to(&mut self, device: &Device) -> Result<()> {
        self.network.move_to(device)?;
        self.discriminator.as_mut().map_or(Ok(()), |discriminator| discriminator.move_to(device))
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
        let gradients = Gradients::Host(BTreeMap::from([("a.weight".to_owned(), vec![3.0, 0.0, 0.0, 4.0])]));
        assert_eq!(gradients.norm(), 5.0);
        state.network.update(&gradients, 0.5, 5.0, update).unwrap();
        state.step += 1;
        assert_eq!(state.network.losses, [0.5]);
        let parameters = |learner: &Learner| learner.parameters().unwrap().into_owned();
        assert_ne!(parameters(&state.network), parameters(state.discriminator.as_ref().unwrap()));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.safetensors");
        for discriminator in [state.discriminator.clone(), None] {
            state.discriminator = discriminator;
            state.save(&path).unwrap();
            let loaded = State::load(&path).unwrap();
            assert_eq!((loaded.step, &loaded.settings), (1, &state.settings));
            let all = |state: &State| {
                let learners = [Some(&state.network), state.discriminator.as_ref()].into_iter().flatten();
                learners.map(|learner| (learner.losses.clone(), parameters(learner))).collect::<Vec<_>>()
            };
            assert_eq!(all(&loaded), all(&state));
        }

        let unknown = Gradients::Host(BTreeMap::from([("b.weight".to_owned(), vec![1.0])]));
        let error = state.network.update(&unknown, 0.5, 1.0, update).unwrap_err();
        insta::assert_snapshot!(error, @"training: expected the network's parameter `b.weight` among those of the training, got others, such as `a.weight`. Rename or remove the training's state to start again");
        Checkpoint { tensors: weights, ..Checkpoint::default() }.save(&path, DType::F32).unwrap();
        let error = State::load(&path).unwrap_err().message.replace(path.to_str().unwrap(), "FILE");
        insta::assert_snapshot!(error, @"continuing a training: expected a training's state in the file, got something else. Rename or remove the file to start again: FILE");
    }
}
