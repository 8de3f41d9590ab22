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
    pub fn linear(&mut self, [weight, bias]: [&'a Parameter; 2], x: &Value<'a>) -> Value<'a> {
        let host = self.host();
        let (inputs, outputs) = (x.channels(), bias.len());
        let mut panels = host.workspace.take(panels_length(outputs, inputs));
        pack(weight, outputs, inputs, &mut panels);
        let mut out = host.map(x.size(), outputs);
        linear(host.level, rows(x.map()), &panels, bias, out.values_mut(), false);
        host.workspace.put(panels);
        let (learns, from) = (self.learns(), x.clone());
        self.push(out, &[x], true, move |gradients: &mut Gradients<'a>, gradient| {
            if learns {
                let sides = [gradient.values(), from.values()];
                let sums = gradients.parameter(weight);
                add_outer_product(host.level, sides, [outputs, inputs], sums, host.workspace);
                add_column_sums(gradient.values(), gradients.parameter(bias));
            }
            if from.has_gradient() {
                let back = linear_backward(host, weight, &gradient, inputs);
                gradients.add(&from, back);
            }
            host.put(gradient);
        })
    }
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

fn rows(map: &Map) -> Rows<'_> {
    let [height, width] = map.size;
    Rows { values: map.values(), stride: map.channels, count: height * width, inputs: map.channels }
}
