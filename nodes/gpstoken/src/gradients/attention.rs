//! Attention between all places of a map on a tape, and the normalisation of maps.

use super::{Gradients, Tape, Value};
use crate::{
    kernels::{attention::attend, attention_backward::attend_backward, group_norm_backward::Activation, leaky::leak},
    layers::{GroupNorm, Statistics},
};
use rayon::prelude::*;

impl<'a> Tape<'a> {
    /// `activation(norm(x))`: `[H, W, C] -> [H, W, C]`
    pub fn normalise_map(
        &mut self,
        norm: &'a GroupNorm,
        x: &Value<'a>,
        statistics: Statistics,
        activation: Activation,
    ) -> Value<'a> {
        let host = self.host();
        let moments = host.moments(x.map(), statistics);
        let mut out = host.map(x.size(), x.channels());
        let width = x.size()[1];
        let normalisation = host.normalisation(x.map(), norm.numbers(), &moments);
        out.values_mut().par_chunks_mut((width * x.channels()).max(1)).enumerate().for_each(|(y, row)| {
            normalisation.read(y, 0..width, activation == Activation::Silu, row);
            if let Activation::Leaky(slope) = activation {
                leak(host.level, slope, row);
            }
        });
        let (learns, from) = (self.learns(), x.clone());
        self.push(out, &[x], true, move |gradients: &mut Gradients<'a>, mut gradient| {
            let normalisation = host.normalisation(from.map(), norm.numbers(), &moments);
            let of_parameters = normalisation.backward(activation, gradient.values_mut());
            if learns {
                gradients.add_parameters([&norm.weight, &norm.bias], &of_parameters);
            }
            gradients.add(&from, gradient);
        })
    }

    /// Attention with one head between the places of maps with query, key and value, all `[H, W, C]`.
    pub fn attend_map(&mut self, [query, key, value]: [&Value<'a>; 3]) -> Value<'a> {
        let (host, channels) = (self.host(), query.channels());
        let mut out = host.map(query.size(), channels);
        let places = [query.values(), key.values(), value.values()];
        let softened = attend(host.level, places, channels, out.values_mut(), host.workspace);
        let result = self.constant(out);
        let inputs = [query, key, value].map(Clone::clone);
        self.push_value(result.clone(), &[query, key, value], false, move |gradients: &mut Gradients<'a>, gradient| {
            let mut of_inputs = inputs.each_ref().map(|input| {
                let mut map = host.map(input.size(), channels);
                map.values_mut().fill(0.0);
                map
            });
            let values = inputs.each_ref().map(Value::values);
            let targets = of_inputs.each_mut().map(|map| map.values_mut());
            attend_backward(
                host.level,
                values,
                ([result.values(), gradient.values()], &softened),
                channels,
                targets,
                host.workspace,
            );
            host.put(gradient);
            for (input, of_input) in inputs.iter().zip(of_inputs) {
                gradients.add(input, of_input);
            }
        })
    }
}
