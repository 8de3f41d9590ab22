//! The gradients of linear layers and 1x1 convolutions.

use super::{Gradients, Tape, Value};
use crate::{
    checkpoint::Parameter,
    kernels::{
        outer_product::{add_column_sums, add_outer_product},
        product::{Rows, linear, pack, pack_transposed, panels_length},
    },
    layers::{Host, Map},
};

impl<'a> Tape<'a> {
    /// `x W^T + bias` for each pixel or token: `[..., in] -> [..., out]`, with `weight` `[out, in]` (or `[out, in, 1, 1]`) and `bias`
    /// `[out]`.
    pub fn linear(&mut self, layer: [&'a Parameter; 2], x: &Value<'a>) -> Value<'a> {
        self.linear_with(layer, x, None)
    }

    /// `start + x W^T + bias`; see [`linear`](Self::linear).
    pub fn linear_onto(&mut self, start: &Value<'a>, layer: [&'a Parameter; 2], x: &Value<'a>) -> Value<'a> {
        self.linear_with(layer, x, Some(start))
    }

    fn linear_with(&mut self, layer: [&'a Parameter; 2], x: &Value<'a>, start: Option<&Value<'a>>) -> Value<'a> {
        let host = self.host();
        let [weight, bias] = layer;
        let (inputs, outputs) = (x.channels(), bias.len());
        let mut panels = host.workspace.take(panels_length(outputs, inputs));
        pack(weight, outputs, inputs, &mut panels);
        let mut out = start.map_or_else(|| host.map(x.size(), outputs), Value::copied);
        linear(host.level, rows(x.map()), &panels, bias, out.values_mut(), start.is_some());
        host.workspace.put(panels);
        let arguments: Vec<&Value<'a>> = std::iter::once(x).chain(start).collect();
        let (learns, from, start) = (self.learns(), x.clone(), start.cloned());
        self.push(out, &arguments, true, move |gradients: &mut Gradients<'a>, gradient| {
            if learns {
                add_layer(gradients, layer, [&gradient, from.map()].map(Map::values));
            }
            if from.has_gradient() {
                let back = linear_backward(host, weight, &gradient, inputs);
                gradients.add(&from, back);
            }
            match &start {
                Some(start) => gradients.add(start, gradient),
                None => host.put(gradient),
            }
        })
    }
}

/// Adds to the gradients of the weight `[out, in]` and the bias of a linear layer, from the gradient of its result and its argument.
pub(super) fn add_layer(gradients: &mut Gradients<'_>, [weight, bias]: [&Parameter; 2], sides: [&[f32]; 2]) {
    let host = gradients.host();
    let (outputs, inputs) = (bias.len(), weight.len() / bias.len().max(1));
    add_outer_product(host.level, sides, [outputs, inputs], gradients.parameter(weight), host.workspace);
    add_column_sums(sides[0], gradients.parameter(bias));
}

/// The gradient of the argument of a linear layer with `weight` `[out, in]`.
pub(super) fn linear_backward(host: Host<'_>, weight: &[f32], gradient: &Map, inputs: usize) -> Map {
    let outputs = gradient.channels;
    let mut panels = host.workspace.take(panels_length(inputs, outputs));
    pack_transposed(weight, inputs, outputs, &mut panels);
    let mut back = host.map(gradient.size, inputs);
    linear(host.level, rows(gradient), &panels, &vec![0.0; inputs], back.values_mut(), false);
    host.workspace.put(panels);
    back
}

/// A map's pixels or tokens as the left matrix of a product.
pub(super) fn rows(map: &Map) -> Rows<'_> {
    let [height, width] = map.size;
    Rows { values: map.values(), stride: map.channels, count: height * width, inputs: map.channels }
}
