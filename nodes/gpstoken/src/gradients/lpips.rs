//! LPIPS as a loss: the distance of two pictures and its gradient. The network's weights stay as they are.

use super::{Gradients, Tape, Value};
use crate::{
    kernels::{
        convolution::Source, convolution_backward::convolve_backward, leaky::read_leak_backward,
        unit_difference::unit_difference,
    },
    layers::{Convolution, Host, Map},
    lpips::{
        Network,
        host::input,
        network::{EPSILON, SCALE, Stage},
    },
};
use std::ops::Range;

impl Network {
    /// The features of a picture `[H, W, 3]` with values 0..1 after each stage, for [`loss_to`](Self::loss_to). Sides are at least
    /// [`smallest`](crate::lpips::Backbone::smallest).
    pub fn features(&self, picture: &Map, host: Host<'_>) -> Vec<Map> {
        let input = input(picture.values(), picture.size, host);
        let mut features: Vec<Map> = Vec::new();
        for stage in &self.stages {
            let [next] = stage.forward([features.last().unwrap_or(&input)], host);
            features.push(next);
        }
        host.put(input);
        features
    }

    /// The distance of two pictures `[H, W, 3]` with values 0..1, and its gradient with respect to the first, `[H, W, 3]`.
    pub fn loss(&self, [decoded, expected]: [&Map; 2], host: Host<'_>) -> (f64, Map) {
        let expected = self.features(expected, host);
        let found = self.loss_to(decoded, &expected, host);
        expected.into_iter().for_each(|map| host.put(map));
        found
    }

    /// The distance of a picture from the one with these [`features`](Self::features), and its gradient.
    pub fn loss_to(&self, decoded: &Map, expected: &[Map], host: Host<'_>) -> (f64, Map) {
        let mut tape = Tape::frozen(host);
        let leaf = tape.leaf(input(decoded.values(), decoded.size, host));
        let (mut x, mut distance, mut ends) = (leaf.clone(), 0.0, Vec::new());
        for (stage, expected) in self.stages.iter().zip(expected) {
            x = stage.learn(&mut tape, &x);
            let pixels = (expected.size[0] * expected.size[1]) as f64;
            let mut gradient = host.map(expected.size, expected.channels);
            let (maps, factor) = ([x.values(), expected.values()], (1.0 / pixels) as f32);
            let sum = unit_difference(host.level, maps, &stage.head, EPSILON, factor, gradient.values_mut());
            distance += sum / pixels;
            ends.push((x.clone(), gradient));
        }
        drop(x);
        let mut gradients = Gradients::new(host);
        tape.backward(ends, &mut gradients);
        let mut gradient = gradients.take(&leaf).unwrap_or_else(|| host.map(decoded.size, 3));
        for pixel in gradient.values_mut().as_chunks_mut::<3>().0 {
            // The network's input is `(2 x - 1 - SHIFT) / SCALE`.
            *pixel = std::array::from_fn(|c| pixel[c] * 2.0 / SCALE[c]);
        }
        (distance, gradient)
    }
}

impl Stage {
    fn learn<'a>(&'a self, tape: &mut Tape<'a>, x: &Value<'a>) -> Value<'a> {
        let mut x = self.pool.map_or_else(|| x.clone(), |side| tape.halve_to_largest(side, x));
        for layer in &self.layers {
            x = if layer.is_plain() {
                tape.convolve_rectified(&layer.convolution, &x)
            } else {
                tape.convolve_patches(&layer.convolution, layer.kernel, 0.0, &x)
            };
        }
        x
    }
}

impl<'a> Tape<'a> {
    /// A 3x3 convolution whose parameters get no gradients, followed by ReLU. The way back applies the gradient of ReLU while the next
    /// convolution reads.
    fn convolve_rectified(&mut self, convolution: &'a Convolution, x: &Value<'a>) -> Value<'a> {
        let host = self.host();
        let [out] = host.convolve_rectified(convolution, [x.map()]);
        let (out, from) = (self.constant(out), x.clone());
        let held = out.clone();
        self.push_value(out, &[x], false, move |gradients: &mut Gradients<'a>, gradient| {
            let ([_, width], outputs) = (gradient.size, gradient.channels);
            let (out, gradient_values) = (held.values(), gradient.values());
            let read = |y: usize, columns: Range<usize>, to: &mut [f32]| {
                let part = (y * width + columns.start) * outputs..(y * width + columns.end) * outputs;
                read_leak_backward(host.level, 0.0, &out[part.clone()], &gradient_values[part], to);
            };
            let source = Source { size: gradient.size, doubled: false, read: &read };
            let mut back = host.map(from.size(), from.channels());
            let shape = [outputs, from.channels()];
            convolve_backward(
                host.level,
                &convolution.weight,
                shape,
                &source,
                false,
                back.values_mut(),
                host.workspace,
            );
            gradients.add(&from, back);
            host.put(gradient);
        })
    }
}
