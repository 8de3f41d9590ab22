//! A checkpoint's tensors. A network takes them one by one during its construction; at the end, [`Weights::finish`] reports all
//! tensors that do not fit.

use super::Parameter;
use crate::names::counted;
use splatgraph_sdk::{Error, Result};
use std::{collections::BTreeMap, fmt::Write};

/// The length of an axis whose keys are missing. It fits any length but 0, which no parameter has.
const UNKNOWN: usize = 0;

/// Part of the keys that the authors' checkpoints contain but never use.
const UNUSED: &str = ".temb_proj.";

/// The tensors of a checkpoint under the authors' names, without a prefix.
pub struct Weights {
    model: &'static str,
    tensors: BTreeMap<String, splatgraph_sdk::Tensor>,
    taken: usize,
    missing: Vec<String>,
    misshapen: Vec<String>,
    not_finite: Vec<String>,
}

impl Weights {
    /// Selects the model's tensors from a checkpoint. `model` is the name in messages, such as `a GPSToken tokenizer`.
    ///
    /// A checkpoint of a training may hold several models under prefixes (`ema_model.`, `ema.`, `model.`, ...) beside other state.
    /// Every model has at least one of the keys `roots`. Averaged weights (`ema`) take precedence over others.
    pub fn new(model: &'static str, mut tensors: BTreeMap<String, splatgraph_sdk::Tensor>, roots: &[&str]) -> Self {
        let prefixes = tensors.keys().filter_map(|key| roots.iter().find_map(|root| key.strip_suffix(root)));
        let prefixes = prefixes.filter(|prefix| prefix.is_empty() || prefix.ends_with('.'));
        let best = prefixes.min_by_key(|prefix| (!prefix.contains("ema"), prefix.len())).unwrap_or("").to_owned();
        if !best.is_empty() {
            tensors = tensors.into_iter().filter_map(|(k, t)| Some((k.strip_prefix(&best)?.to_owned(), t))).collect();
        }
        tensors.retain(|key, _| !key.contains(UNUSED));
        Self { model, tensors, taken: 0, missing: Vec::new(), misshapen: Vec::new(), not_finite: Vec::new() }
    }

    /// The length of an axis, read from the first of these keys that the checkpoint has.
    pub fn side(&self, keys: &[(&str, usize)]) -> usize {
        let found = keys.iter().find_map(|(key, axis)| self.tensors.get(*key)?.shape().get(*axis).copied());
        found.unwrap_or(UNKNOWN)
    }

    /// Whether the checkpoint has this key.
    pub fn contains(&self, key: &str) -> bool {
        self.tensors.contains_key(key)
    }

    /// The number of layers `prefix.0.`, `prefix.1.`, ... up to the first missing one.
    pub fn count(&self, prefix: &str) -> usize {
        let there = |index: &usize| {
            let start = format!("{prefix}.{index}.");
            self.tensors.range(start.clone()..).next().is_some_and(|(key, _)| key.starts_with(&start))
        };
        (0..).take_while(there).count()
    }

    /// Takes a parameter and converts it to f32. If the parameter does not fit, records that and returns a small stand-in.
    pub fn take<const D: usize>(&mut self, key: &str, shape: [usize; D]) -> Parameter {
        match self.tensors.remove(key) {
            None => self.missing.push(key.to_owned()),
            Some(tensor) if fits(tensor.shape(), &shape) => {
                let parameter = Parameter::new(key, tensor);
                if let Some(value) = parameter.iter().find(|value| !value.is_finite()) {
                    self.not_finite.push(format!("{key}: {value}"));
                }
                self.taken += 1;
                return parameter;
            }
            Some(tensor) => {
                self.misshapen.push(format!("{key}: expected {}, got {:?}", shape_text(&shape), tensor.shape()));
                self.taken += 1;
            }
        }
        Parameter::placeholder(key, D)
    }

    /// Finishes the loading.
    ///
    /// # Errors
    /// The message lists every key that is missing, unknown, of the wrong shape, or has numbers that are not finite.
    pub fn finish(self) -> Result<()> {
        let Self { model, tensors, taken: known, missing, misshapen, not_finite } = self;
        let extra: Vec<String> = tensors.into_keys().collect();
        if known == 0 {
            let first: Vec<&str> = extra.iter().take(3).map(String::as_str).collect();
            return Err(Error::new(format!(
                "expected {model}, but the file has none of its parameters. It holds {} ({}, ...)",
                counted(extra.len(), "tensor"),
                first.join(", ")
            )));
        }
        let kinds = [
            ("missing", missing),
            ("not known", extra),
            ("of the wrong shape", misshapen),
            ("with numbers that are not finite", not_finite),
        ];
        if kinds.iter().all(|(_, keys)| keys.is_empty()) {
            return Ok(());
        }
        let mut message =
            format!("expected {model}. The file has {known} of its parameters, but they do not make a whole model:");
        for (kind, keys) in kinds.iter().filter(|(_, keys)| !keys.is_empty()) {
            let _ = write!(message, "\n  {} {kind}:", keys.len());
            for key in keys {
                let _ = write!(message, "\n    {key}");
            }
        }
        Err(Error::new(message))
    }
}

fn fits(actual: &[usize], expected: &[usize]) -> bool {
    actual.len() == expected.len() && actual.iter().zip(expected).all(|(a, e)| *a > 0 && (a == e || *e == UNKNOWN))
}

fn shape_text(shape: &[usize]) -> String {
    let sides = shape.iter().map(|&side| if side == UNKNOWN { "?".to_owned() } else { side.to_string() });
    format!("[{}]", sides.collect::<Vec<_>>().join(", "))
}
