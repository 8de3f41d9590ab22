//! The gradients of two linear layers with a function between them.

use super::{Gradients, Tape, Value, linear::add_layer};
use crate::{
    checkpoint::Parameter,
    kernels::{
        activation::Activation,
        memory::Buffer,
        product::{pack, pack_transposed, panels_length},
        two_layers::{two_layers, two_layers_backward},
    },
    layers::{Host, Linear},
};

impl<'a> Tape<'a> {
    /// `second(f(first(x)))` for each token. The operation keeps `first(x)`, and computes the function again on the way back.
    pub fn two_layers(&mut self, layers: [&'a Linear; 2], activation: Activation, x: &Value<'a>) -> Value<'a> {
        self.two_layers_with(layers, activation, x, None)
    }

    /// `start + second(f(first(x)))`; see [`two_layers`](Self::two_layers).
    pub fn two_layers_onto(
        &mut self,
        start: &Value<'a>,
        layers: [&'a Linear; 2],
        activation: Activation,
        x: &Value<'a>,
    ) -> Value<'a> {
        self.two_layers_with(layers, activation, x, Some(start))
    }

    fn two_layers_with(
        &mut self,
        layers: [&'a Linear; 2],
        activation: Activation,
        x: &Value<'a>,
        start: Option<&Value<'a>>,
    ) -> Value<'a> {
        let host = self.host();
        let [first, second] = layers;
        let panels = layers.map(|layer| packed(host, pack, &layer.weight, [layer.outputs(), layer.inputs()]));
        let mut inner = host.map(x.size(), first.outputs());
        let mut out = start.map_or_else(|| host.map(x.size(), second.outputs()), Value::copied);
        let (of_inner, of_out) = (inner.values_mut(), out.values_mut());
        let (slices, biases) = (panels.each_ref().map(|panels| &**panels), [&*first.bias, &*second.bias]);
        let add = start.is_some();
        two_layers(host.level, activation, x.values(), slices, biases, of_inner, of_out, add, host.workspace);
        panels.into_iter().for_each(|panels| host.workspace.put(panels));
        let arguments: Vec<&Value<'a>> = std::iter::once(x).chain(start).collect();
        let (learns, from, start) = (self.learns(), x.clone(), start.cloned());
        self.push(out, &arguments, true, move |gradients: &mut Gradients<'a>, gradient| {
            let panels =
                layers.map(|layer| packed(host, pack_transposed, &layer.weight, [layer.inputs(), layer.outputs()]));
            let mut inner_gradient = host.map(inner.size, inner.channels);
            let mut back = from.has_gradient().then(|| host.map(from.size(), from.channels()));
            let (hidden, slices) = (inner.channels, panels.each_ref().map(|panels| &**panels));
            let of_inner = [inner.values_mut(), inner_gradient.values_mut()];
            let of_back = back.as_mut().map_or(&mut [][..], |back| back.values_mut());
            two_layers_backward(host.level, activation, gradient.values(), slices, of_inner, hidden, of_back);
            panels.into_iter().for_each(|panels| host.workspace.put(panels));
            if learns {
                add_layer(gradients, [&second.weight, &second.bias], [gradient.values(), inner.values()]);
                add_layer(gradients, [&first.weight, &first.bias], [inner_gradient.values(), from.values()]);
            }
            host.put(inner);
            host.put(inner_gradient);
            if let Some(back) = back {
                gradients.add(&from, back);
            }
            match &start {
                Some(start) => gradients.add(start, gradient),
                None => host.put(gradient),
            }
        })
    }
}

/// The weights of a layer as panels for `[outputs, inputs]`.
fn packed(
    host: Host<'_>,
    pack: fn(&[f32], usize, usize, &mut [f32]),
    weight: &Parameter,
    [outputs, inputs]: [usize; 2],
) -> Buffer {
    let mut panels = host.workspace.take(panels_length(outputs, inputs));
    pack(weight, outputs, inputs, &mut panels);
    panels
}
