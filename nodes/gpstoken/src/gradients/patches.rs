//! The gradients of convolutions with any kernel, stride and padding.

use super::{Gradients, Tape, Value};
use crate::{
    kernels::{
        convolution::Weights,
        leaky::{leak, leak_backward},
        outer_product::add_column_sums,
        patches::{Kernel, convolve_patches},
        patches_backward::{add_patches_weight_gradient, convolve_patches_backward},
    },
    layers::Convolution,
};

impl<'a> Tape<'a> {
    /// A convolution, followed by leaky ReLU with this slope: 0 is ReLU, and 1 leaves the result as it is.
    pub fn convolve_patches(
        &mut self,
        convolution: &'a Convolution,
        kernel: Kernel,
        slope: f32,
        x: &Value<'a>,
    ) -> Value<'a> {
        let host = self.host();
        let (size, inputs, outputs) = (x.size(), x.channels(), convolution.outputs());
        let mut out = host.map(kernel.outputs(size), outputs);
        let [weight, bias] = convolution.numbers();
        let weights = Weights { weight, bias, inputs };
        convolve_patches(host.level, weights, kernel, x.values(), size, out.values_mut(), host.workspace);
        let is_leaky = slope != 1.0;
        if is_leaky {
            leak(host.level, slope, out.values_mut());
        }
        let out = self.constant(out);
        let (learns, from, held) = (self.learns(), x.clone(), is_leaky.then(|| out.clone()));
        self.push_value(out, &[x], true, move |gradients: &mut Gradients<'a>, mut gradient| {
            if let Some(out) = held {
                leak_backward(host.level, slope, out.values(), gradient.values_mut());
            }
            if learns {
                let (sums, map) = (gradients.parameter(&convolution.weight), (from.values(), size, inputs));
                add_patches_weight_gradient(host.level, kernel, gradient.values(), map, sums, host.workspace);
                add_column_sums(gradient.values(), gradients.parameter(&convolution.bias));
            }
            if from.has_gradient() {
                let mut back = host.map(size, inputs);
                let to = (back.values_mut(), size, inputs);
                let of = (gradient.values(), outputs);
                convolve_patches_backward(host.level, &convolution.weight, kernel, of, to, host.workspace);
                gradients.add(&from, back);
            }
            host.put(gradient);
        })
    }
}
