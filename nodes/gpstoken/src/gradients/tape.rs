//! The tape: records each operation of a forward pass, and computes gradients in the reverse order.
//!
//! An operation is a method of [`Tape`] that computes its result on the host's kernels and pushes a closure for the way back. The
//! closure gets the gradient of the result, and adds to the gradients of the arguments and of the parameters. It holds only the maps
//! that it needs; the memory of others returns to the workspace during the forward pass.

use crate::{
    checkpoint::Parameter,
    layers::{Host, Map},
};
use rayon::prelude::*;
use std::{
    collections::{BTreeMap, HashMap},
    rc::Rc,
};

/// The part of an operation that adds to gradients, from the gradient of the operation's result.
type Backward<'a> = Box<dyn FnOnce(&mut Gradients<'a>, Map) + 'a>;

/// The operations of a forward pass.
pub struct Tape<'a> {
    host: Host<'a>,
    learns: bool,
    /// By the number of the value. A leaf has none.
    operations: Vec<Option<Backward<'a>>>,
}

/// A map on a tape.
#[derive(Clone)]
pub struct Value<'a> {
    held: Rc<Held<'a>>,
    /// The value's number on the tape. A constant has none.
    number: Option<usize>,
}

/// A map whose memory returns to the workspace when no value and no operation holds it.
struct Held<'a> {
    host: Host<'a>,
    map: Option<Map>,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if let Some(map) = self.map.take() {
            self.host.put(map);
        }
    }
}

impl Value<'_> {
    /// A copy of the map, for an operation that adds to it.
    pub(super) fn copied(&self) -> Map {
        self.held.host.copy(self.map())
    }

    /// The map.
    pub fn map(&self) -> &Map {
        self.held.map.as_ref().expect("the map stays until the last owner is dropped")
    }

    /// The map's numbers.
    pub fn values(&self) -> &[f32] {
        self.map().values()
    }

    /// Height and width of the map.
    pub fn size(&self) -> [usize; 2] {
        self.map().size
    }

    /// Channels of the map.
    pub fn channels(&self) -> usize {
        self.map().channels
    }

    /// Whether its gradient is needed.
    pub fn has_gradient(&self) -> bool {
        self.number.is_some()
    }
}

impl<'a> Tape<'a> {
    /// A tape whose parameters get gradients.
    pub fn new(host: Host<'a>) -> Self {
        Self { host, learns: true, operations: Vec::new() }
    }

    /// A tape whose parameters get no gradients; only leaves do.
    pub fn frozen(host: Host<'a>) -> Self {
        Self { learns: false, ..Self::new(host) }
    }

    /// The host of the tape's operations.
    pub fn host(&self) -> Host<'a> {
        self.host
    }

    /// Whether parameters get gradients.
    pub fn learns(&self) -> bool {
        self.learns
    }

    /// A value without a gradient.
    pub fn constant(&self, map: Map) -> Value<'a> {
        Value { held: Rc::new(Held { host: self.host, map: Some(map) }), number: None }
    }

    /// A value whose gradient [`Gradients::take`] returns after the way back.
    pub fn leaf(&mut self, map: Map) -> Value<'a> {
        self.operations.push(None);
        Value { number: Some(self.operations.len() - 1), ..self.constant(map) }
    }

    /// Records an operation on `inputs` with the result `out`. `uses_parameters` tells whether it has parameters, which get gradients if the
    /// tape learns.
    pub fn push(
        &mut self,
        out: Map,
        inputs: &[&Value<'a>],
        uses_parameters: bool,
        backward: impl FnOnce(&mut Gradients<'a>, Map) + 'a,
    ) -> Value<'a> {
        self.push_value(self.constant(out), inputs, uses_parameters, backward)
    }

    /// [`push`](Self::push) for a result that `backward` holds too.
    pub fn push_value(
        &mut self,
        out: Value<'a>,
        inputs: &[&Value<'a>],
        uses_parameters: bool,
        backward: impl FnOnce(&mut Gradients<'a>, Map) + 'a,
    ) -> Value<'a> {
        let is_constant = inputs.iter().all(|input| !input.has_gradient());
        if is_constant && !(uses_parameters && self.learns) {
            return out;
        }
        self.operations.push(Some(Box::new(backward)));
        Value { number: Some(self.operations.len() - 1), ..out }
    }

    /// Computes all gradients, given those of the last values. Constants among them are left out.
    pub fn backward(self, ends: Vec<(Value<'a>, Map)>, gradients: &mut Gradients<'a>) {
        gradients.of_values.drain(..).flatten().for_each(|map| self.host.put(map));
        gradients.of_values.resize_with(self.operations.len(), || None);
        for (value, gradient) in ends {
            gradients.add(&value, gradient);
        }
        for (number, backward) in self.operations.into_iter().enumerate().rev() {
            let Some(backward) = backward else { continue };
            if let Some(gradient) = gradients.of_values[number].take() {
                backward(gradients, gradient);
            }
        }
    }
}

/// The gradients of values and parameters. Those of parameters add up over several tapes.
pub struct Gradients<'a> {
    host: Host<'a>,
    of_values: Vec<Option<Map>>,
    /// By key.
    parameters: HashMap<String, Vec<f32>>,
}

impl<'a> Gradients<'a> {
    /// No gradients yet.
    pub fn new(host: Host<'a>) -> Self {
        Self { host, of_values: Vec::new(), parameters: HashMap::new() }
    }

    /// The host of the operations.
    pub fn host(&self) -> Host<'a> {
        self.host
    }

    /// Adds to the gradient of a value. The gradient of a constant is dropped.
    pub fn add(&mut self, value: &Value<'a>, gradient: Map) {
        let Some(number) = value.number else { return self.host.put(gradient) };
        match &mut self.of_values[number] {
            Some(sum) => {
                const PART: usize = 1 << 14;
                let parts = sum.values_mut().par_chunks_mut(PART).zip(gradient.values().par_chunks(PART));
                parts.for_each(|(sum, part)| sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part));
                self.host.put(gradient);
            }
            none => *none = Some(gradient),
        }
    }

    /// The sum of a value's gradients so far. An operation that changes a part of it adds to this part. `None` for a constant.
    pub fn of(&mut self, value: &Value<'a>) -> Option<&mut [f32]> {
        let host = self.host;
        let sum = self.of_values[value.number?].get_or_insert_with(|| {
            let mut zeros = host.map(value.size(), value.channels());
            zeros.values_mut().fill(0.0);
            zeros
        });
        Some(sum.values_mut())
    }

    /// The sum of a parameter's gradients so far. An operation adds to it.
    pub fn parameter(&mut self, parameter: &Parameter) -> &mut [f32] {
        if !self.parameters.contains_key(parameter.key()) {
            self.parameters.insert(parameter.key().to_owned(), vec![0.0; parameter.len()]);
        }
        self.parameters.get_mut(parameter.key()).map_or(&mut [], Vec::as_mut_slice)
    }

    /// The sums of the gradients of a weight and a bias so far.
    pub fn two_parameters(&mut self, [weight, bias]: [&Parameter; 2]) -> [&mut [f32]; 2] {
        self.parameter(weight);
        self.parameter(bias);
        let [weight, bias] = self.parameters.get_disjoint_mut([weight.key(), bias.key()]);
        [weight, bias].map(|sum| sum.map_or(&mut [][..], Vec::as_mut_slice))
    }

    /// Adds to the gradients of two parameters.
    pub fn add_parameters(&mut self, parameters: [&Parameter; 2], more: &[Vec<f32>; 2]) {
        for (parameter, more) in parameters.into_iter().zip(more) {
            self.parameter(parameter).iter_mut().zip(more).for_each(|(sum, v)| *sum += v);
        }
    }

    /// The gradient of a value, once: of a leaf after the way back, or the sum so far. `None` if nothing depends on the value.
    pub fn take(&mut self, value: &Value<'a>) -> Option<Map> {
        self.of_values[value.number?].take()
    }

    /// The gradients of all parameters, by key.
    pub fn into_parameters(self) -> BTreeMap<String, Vec<f32>> {
        self.parameters.into_iter().collect()
    }
}
