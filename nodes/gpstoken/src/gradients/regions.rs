//! The gradients of a token transformer's regions.
//!
//! The authors project every sample of a region to the full width, then reduce the samples in each block. Both operations are linear. So
//! the samples are reduced for all blocks at once, at the stem's width, and each block projects its own numbers.

use super::{
    Gradients, Tape, Value,
    linear::{linear_backward, rows},
};
use crate::{
    checkpoint::Parameter,
    kernels::{
        outer_product::{add_column_sums, add_outer_product},
        product::{linear, pack, panels_length},
    },
    layers::{Host, Map},
};

impl<'a> Tape<'a> {
    /// Reduces the samples of regions, `[N, stem]` with the samples as channels, for all blocks: `[N, stem]` with a channel for each
    /// block. `layers` are the weights of the blocks, `[1, samples]` each. [`add_region`](Self::add_region) adds their biases.
    pub fn reduce_regions(&mut self, layers: Vec<&'a Parameter>, regions: &Value<'a>) -> Value<'a> {
        let host = self.host();
        let (blocks, samples) = (layers.len(), regions.channels());
        let weights: Vec<f32> = layers.iter().flat_map(|layer| layer.iter().copied()).collect(); // [blocks, samples]
        let mut panels = host.workspace.take(panels_length(blocks, samples));
        pack(&weights, blocks, samples, &mut panels);
        let mut reduced = host.map(regions.size(), blocks);
        linear(host.level, rows(regions.map()), &panels, &vec![0.0; blocks], reduced.values_mut(), false);
        host.workspace.put(panels);
        let (learns, from) = (self.learns(), regions.clone());
        self.push(reduced, &[regions], true, move |gradients: &mut Gradients<'a>, gradient| {
            if learns {
                let mut sums = vec![0.0; blocks * samples];
                let sides = [gradient.values(), from.values()];
                add_outer_product(host.level, sides, [blocks, samples], &mut sums, host.workspace);
                for (layer, sums) in layers.iter().zip(sums.chunks_exact(samples)) {
                    gradients.parameter(layer).iter_mut().zip(sums).for_each(|(to, sum)| *to += sum);
                }
            }
            if from.has_gradient() {
                let back = linear_backward(host, &weights, &gradient, samples);
                gradients.add(&from, back);
            }
            host.put(gradient);
        })
    }

    /// Adds to the tokens `x` `[1, N]` their regions, as block number `block` sees them: the projection of the sum of all samples with
    /// the weights of `layer`, plus its bias. `reduced` is the result of [`reduce_regions`](Self::reduce_regions). The projection's bias
    /// is in every sample, so it counts as many times as the weights add up to.
    pub fn add_region(
        &mut self,
        block: usize,
        [projection, layer]: [[&'a Parameter; 2]; 2],
        reduced: &Value<'a>,
        x: &Value<'a>,
    ) -> Value<'a> {
        let host = self.host();
        let ([weight, bias], [sample_weights, sample_bias]) = (projection, layer);
        let (stem, width) = (reduced.size()[1], x.channels());
        let total: f32 = sample_weights.iter().sum();
        let constant: Vec<f32> = bias.iter().map(|bias| bias * total + sample_bias[0]).collect();
        let mut panels = host.workspace.take(panels_length(width, stem));
        pack(weight, width, stem, &mut panels);
        let (of_block, mut out) = (channel(host, reduced.map(), block), x.copied());
        linear(host.level, rows(&of_block), &panels, &constant, out.values_mut(), true);
        host.workspace.put(panels);
        host.put(of_block);
        let (learns, reduced, from) = (self.learns(), reduced.clone(), x.clone());
        self.push(out, &[&reduced.clone(), x], true, move |gradients: &mut Gradients<'a>, gradient| {
            if learns {
                let of_block = channel(host, reduced.map(), block);
                let sides = [gradient.values(), of_block.values()];
                add_outer_product(host.level, sides, [width, stem], gradients.parameter(weight), host.workspace);
                host.put(of_block);
                let mut sums = vec![0.0; width];
                add_column_sums(gradient.values(), &mut sums);
                let of_bias = gradients.parameter(bias).iter_mut().zip(&sums);
                of_bias.for_each(|(to, sum)| *to += total * sum);
                let of_total: f32 = sums.iter().zip(bias.iter()).map(|(sum, bias)| sum * bias).sum();
                gradients.parameter(sample_weights).iter_mut().for_each(|to| *to += of_total);
                gradients.parameter(sample_bias)[0] += sums.iter().sum::<f32>();
            }
            if let Some(sums) = gradients.of(&reduced) {
                let back = linear_backward(host, weight, &gradient, stem);
                let of_block = sums.iter_mut().skip(block).step_by(reduced.channels());
                of_block.zip(back.values()).for_each(|(to, back)| *to += back);
                host.put(back);
            }
            gradients.add(&from, gradient);
        })
    }
}

/// One channel of a map `[N, stem]`, as tokens `[1, N]` with `stem` channels.
fn channel(host: Host<'_>, map: &Map, channel: usize) -> Map {
    let [tokens, stem] = map.size;
    let mut out = host.map([1, tokens], stem);
    let values = map.values().iter().skip(channel).step_by(map.channels);
    out.values_mut().iter_mut().zip(values).for_each(|(to, from)| *to = *from);
    out
}
