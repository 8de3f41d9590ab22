//! 3x3 convolutions on a tape, also of normalised and of doubled maps.

use super::{Gradients, Tape, Value};
use crate::{
    kernels::{
        convolution::{Source, read_doubled, read_plain},
        convolution_backward::{add_weight_gradient, convolve_backward},
        group_norm_backward::Activation,
    },
    layers::{Convolution, GroupNorm, Host, Map, Statistics},
};

impl<'a> Tape<'a> {
    /// A 3x3 convolution: `[H, W, in] -> [H, W, out]`
    pub fn convolve(&mut self, convolution: &'a Convolution, x: &Value<'a>) -> Value<'a> {
        let host = self.host();
        let out = host.convolve(convolution, x.map());
        let (learns, from) = (self.learns(), x.clone());
        self.push(out, &[x], true, move |gradients: &mut Gradients<'a>, gradient| {
            if learns {
                let read = read_plain(from.values(), from.size()[1], from.channels());
                let source = Source { size: from.size(), doubled: false, read: &read };
                weight_gradient(convolution, &source, from.channels(), &gradient, gradients);
            }
            if from.has_gradient() {
                let back = map_gradient(host, convolution, from.map(), &gradient);
                gradients.add(&from, back);
            }
            host.put(gradient);
        })
    }

    /// A 3x3 convolution of the map with each pixel doubled along both axes: `[H, W, in] -> [2 H, 2 W, out]`
    pub fn convolve_doubled(&mut self, convolution: &'a Convolution, x: &Value<'a>) -> Value<'a> {
        let host = self.host();
        let out = host.convolve_doubled(convolution, x.map());
        let (learns, from) = (self.learns(), x.clone());
        self.push(out, &[x], true, move |gradients: &mut Gradients<'a>, gradient| {
            if learns {
                let read = read_doubled(from.values(), from.size()[1], from.channels());
                let source = Source { size: gradient.size, doubled: true, read: &read };
                weight_gradient(convolution, &source, from.channels(), &gradient, gradients);
            }
            if from.has_gradient() {
                let back = map_gradient(host, convolution, from.map(), &gradient);
                gradients.add(&from, back);
            }
            host.put(gradient);
        })
    }

    /// `conv(silu(norm(x)))`, and added to `sum` if there is one: `[H, W, in] -> [H, W, out]`. Keeps only `x`; the way back computes the
    /// normalised map again.
    pub fn normalise_convolve(
        &mut self,
        norm: &'a GroupNorm,
        convolution: &'a Convolution,
        x: &Value<'a>,
        statistics: Statistics,
        sum: Option<&Value<'a>>,
    ) -> Value<'a> {
        let host = self.host();
        let moments = host.moments(x.map(), statistics);
        let mut out = sum.map_or_else(|| host.map(x.size(), convolution.outputs()), Value::copied);
        {
            let normalisation = host.normalisation(x.map(), norm.numbers(), &moments);
            let read = |y: usize, columns, out: &mut [f32]| normalisation.read(y, columns, true, out);
            let source = Source { size: x.size(), doubled: false, read: &read };
            host.convolve_source(convolution, &source, x.channels(), &mut out, sum.is_some());
        }
        let (learns, from, sum) = (self.learns(), x.clone(), sum.cloned());
        let inputs: Vec<&Value<'a>> = [x].into_iter().chain(&sum).collect();
        let sum = sum.clone();
        self.push(out, &inputs, true, move |gradients: &mut Gradients<'a>, gradient| {
            let normalisation = host.normalisation(from.map(), norm.numbers(), &moments);
            if learns {
                let read = |y: usize, columns, out: &mut [f32]| normalisation.read(y, columns, true, out);
                let source = Source { size: from.size(), doubled: false, read: &read };
                weight_gradient(convolution, &source, from.channels(), &gradient, gradients);
            }
            let mut back = map_gradient(host, convolution, from.map(), &gradient);
            let of_parameters = normalisation.backward(Activation::Silu, back.values_mut());
            if learns {
                gradients.add_parameters([&norm.weight, &norm.bias], &of_parameters);
            }
            gradients.add(&from, back);
            match &sum {
                Some(sum) => gradients.add(sum, gradient),
                None => host.put(gradient),
            }
        })
    }
}

fn weight_gradient(
    convolution: &Convolution,
    source: &Source<'_>,
    inputs: usize,
    gradient: &Map,
    gradients: &mut Gradients<'_>,
) {
    let host = gradients.host();
    let [weight, bias] = gradients.two_parameters([&convolution.weight, &convolution.bias]);
    add_weight_gradient(host.level, source, inputs, gradient.values(), [weight, bias], host.workspace);
}

/// The gradient of `map`, from which a convolution made a map of the same or of twice the size.
fn map_gradient(host: Host<'_>, convolution: &Convolution, map: &Map, gradient: &Map) -> Map {
    let mut back = host.map(map.size, map.channels);
    let shape = [gradient.channels, map.channels];
    let read = read_plain(gradient.values(), gradient.size[1], gradient.channels);
    let source = Source { size: gradient.size, doubled: false, read: &read };
    let doubled = gradient.size != map.size;
    convolve_backward(host.level, &convolution.weight, shape, &source, doubled, back.values_mut(), host.workspace);
    back
}
