//! All that a training is: weights, their averages, the optimiser's moments, the losses so far. Saved as one file, from which it goes
//! on as if it had never stopped.

use super::adam::{Adam, Moments};
use splatgraph_sdk::{DType, Error, Result, Tensor, checkpoint, checkpoint::Checkpoint};
use std::{collections::BTreeMap, path::Path};

/// The state of a training.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Steps that were done.
    pub step: u64,
    /// The loss of each step.
    pub losses: Vec<f32>,
    /// What the training was started with, as text; a file is only gone on with under the same.
    pub settings: String,
    parameters: BTreeMap<String, Parameter>,
}

/// A parameter of the network.
#[derive(Clone, Debug, PartialEq)]
struct Parameter {
    shape: Vec<usize>,
    weights: Vec<f32>,
    /// The weights' moving average, which is what is kept in the end.
    average: Vec<f32>,
    moments: Moments,
}

/// How a step changes the weights.
#[derive(Clone, Copy, Debug)]
pub struct Update {
    /// The optimiser.
    pub adam: Adam,
    /// The learning rate.
    pub rate: f32,
    /// Gradients whose norm is larger are shortened to it; 0 leaves them.
    pub clip: f32,
    /// How much of the average is kept in a step, once that many steps were done; less at first.
    pub average: f32,
}

impl State {
    /// Before the first step.
    pub fn new(weights: &BTreeMap<String, Tensor>, settings: String) -> Self {
        let parameter = |tensor: &Tensor| {
            let weights = tensor.to_f32();
            let zeros = vec![0.0; weights.len()];
            let moments = Moments { first: zeros.clone(), second: zeros };
            Parameter { shape: tensor.shape().to_vec(), average: weights.clone(), weights, moments }
        };
        let parameters = weights.iter().map(|(key, tensor)| (key.clone(), parameter(tensor))).collect();
        Self { step: 0, losses: Vec::new(), settings, parameters }
    }

    /// The weights as they are now.
    pub fn weights(&self) -> Result<BTreeMap<String, Tensor>> {
        self.tensors(|parameter| &parameter.weights)
    }

    /// Their moving averages.
    pub fn averages(&self) -> Result<BTreeMap<String, Tensor>> {
        self.tensors(|parameter| &parameter.average)
    }

    fn tensors(&self, of: impl Fn(&Parameter) -> &Vec<f32>) -> Result<BTreeMap<String, Tensor>> {
        let tensor = |(key, parameter): (&String, &Parameter)| {
            Ok((key.clone(), Tensor::from_vec(parameter.shape.as_slice(), of(parameter).clone())?))
        };
        self.parameters.iter().map(tensor).collect()
    }

    /// Does a step with the gradients by key, whose [`norm`] is `norm`; parameters without one stay.
    pub fn update(&mut self, gradients: &BTreeMap<String, Vec<f32>>, loss: f32, norm: f64, update: Update) {
        let clip = f64::from(update.clip);
        let factor = if clip > 0.0 && norm > clip { (clip / norm) as f32 } else { 1.0 };
        self.step += 1;
        self.losses.push(loss);
        // As (1 + n) / (10 + n) at first, so that the beginning is forgotten soon.
        let keep = update.average.min((1 + self.step) as f32 / (10 + self.step) as f32);
        for (key, parameter) in &mut self.parameters {
            if let Some(gradient) = gradients.get(key) {
                let gradient: Vec<f32> = gradient.iter().map(|v| v * factor).collect();
                let Parameter { weights, moments, .. } = parameter;
                update.adam.update(weights, moments, &gradient, update.rate, self.step);
            }
            for (average, weight) in parameter.average.iter_mut().zip(&parameter.weights) {
                *average += (1.0 - keep) * (weight - *average);
            }
        }
    }

    /// What a checkpoint says about its training, as JSON.
    ///
    /// # Errors
    /// The settings are no JSON.
    pub fn about(&self) -> Result<String> {
        let settings: serde_json::Value = serde_json::from_str(&self.settings)?;
        Ok(serde_json::json!({"steps": self.step, "settings": settings}).to_string())
    }

    /// The average of the last hundred losses.
    pub fn recent_loss(&self) -> f32 {
        let recent = &self.losses[self.losses.len().saturating_sub(100)..];
        recent.iter().sum::<f32>() / recent.len().max(1) as f32
    }

    /// Writes the state as a whole.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let mut tensors = BTreeMap::new();
        for (key, parameter) in &self.parameters {
            let Parameter { shape, weights, average, moments } = parameter;
            for (part, values) in PARTS.iter().zip([weights, average, &moments.first, &moments.second]) {
                tensors.insert(format!("{part}.{key}"), Tensor::from_vec(shape.as_slice(), values.clone())?);
            }
        }
        tensors.insert("losses".to_owned(), Tensor::from_vec([self.losses.len()], self.losses.clone())?);
        let metadata = [("step", self.step.to_string()), ("settings", self.settings.clone())];
        let metadata = metadata.map(|(key, value)| (key.to_owned(), value)).into();
        Checkpoint { metadata, tensors }.save(path, DType::F32)
    }

    /// Reads what [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// The file can't be read, or is no state of a training.
    pub fn load(path: &Path) -> Result<Self> {
        let Checkpoint { metadata, mut tensors } = checkpoint::open(path)?;
        let broken = || {
            let message = "going on with a training: the state of one was expected in the file";
            Error::new(format!("{message}. Rename or remove it to begin anew: {}", path.display()))
        };
        let step = metadata.get("step").and_then(|step| step.parse().ok()).ok_or_else(broken)?;
        let settings = metadata.get("settings").cloned().ok_or_else(broken)?;
        let losses = tensors.remove("losses").ok_or_else(broken)?.into_vec::<f32>()?;
        let start = format!("{}.", PARTS[0]);
        let keys: Vec<String> = tensors.keys().filter_map(|key| Some(key.strip_prefix(&start)?.to_owned())).collect();
        let mut parameters = BTreeMap::new();
        for key in keys {
            let mut part = |part: &str| tensors.remove(&format!("{part}.{key}")).ok_or_else(broken);
            let weights = part(PARTS[0])?;
            let shape = weights.shape().to_vec();
            let [average, first, second] = [part(PARTS[1])?, part(PARTS[2])?, part(PARTS[3])?];
            if [&average, &first, &second].iter().any(|tensor| tensor.shape() != shape) {
                return Err(broken());
            }
            let moments = Moments { first: first.into_vec()?, second: second.into_vec()? };
            let parameter = Parameter { shape, weights: weights.into_vec()?, average: average.into_vec()?, moments };
            parameters.insert(key, parameter);
        }
        Ok(Self { step, losses, settings, parameters })
    }
}

/// The length of all gradients as one vector.
pub fn norm(gradients: &BTreeMap<String, Vec<f32>>) -> f64 {
    gradients.values().map(|g| g.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>()).sum::<f64>().sqrt()
}

/// What a parameter's tensors are called in the file.
const PARTS: [&str; 4] = ["weights", "average", "first_moment", "second_moment"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_saved_and_comes_back() {
        let weights =
            BTreeMap::from([("a.weight".to_owned(), Tensor::from_vec([2, 2], vec![1.0f32, 2.0, 3.0, 4.0]).unwrap())]);
        let mut state = State::new(&weights, "{}".to_owned());
        let adam = Adam::with_decay(0.1);
        let update = Update { adam, rate: 0.1, clip: 1.0, average: 0.9 };
        let gradients = BTreeMap::from([("a.weight".to_owned(), vec![3.0, 0.0, 0.0, 4.0])]);
        assert_eq!(norm(&gradients), 5.0);
        state.update(&gradients, 0.5, 5.0, update);
        assert_eq!((state.step, state.losses.as_slice()), (1, &[0.5f32][..]));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.safetensors");
        state.save(&path).unwrap();
        assert_eq!(State::load(&path).unwrap(), state);
        Checkpoint { tensors: weights, ..Checkpoint::default() }.save(&path, DType::F32).unwrap();
        let error = State::load(&path).unwrap_err().message.replace(path.to_str().unwrap(), "FILE");
        insta::assert_snapshot!(error, @"going on with a training: the state of one was expected in the file. Rename or remove it to begin anew: FILE");
    }
}
