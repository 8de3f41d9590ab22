//! The gradients of layer normalisation, with scale and shift of its own or of a modulation (adaLN).

use super::{Gradients, Tape, Value, gates::part_of};
use crate::{
    kernels::layer_norm::{normalise_rows, normalise_rows_backward},
    layers::{LayerNorm, NORM_EPSILON},
};

impl<'a> Tape<'a> {
    /// Normalises each token, then scales and shifts it.
    pub fn layer_norm(&mut self, norm: &'a LayerNorm, x: &Value<'a>) -> Value<'a> {
        let learns = self.learns();
        let tokens = x.size()[0] * x.size()[1];
        let parameters = [&*norm.weight, &*norm.bias].concat();
        self.normalise(NORM_EPSILON, tokens, parameters, x, &[], move |gradients, sums| {
            if learns {
                let (scale, shift) = sums.split_at(norm.weight.len());
                add(gradients.parameter(&norm.weight), scale);
                add(gradients.parameter(&norm.bias), shift);
            }
        })
    }

    /// `norm(x) (1 + scale) + shift` for samples of tokens `[B, N]`. Scale and shift are parts of the modulation `[1, B]` with channels
    /// `[parts, width]`; `shift` is the number of the shift's part, and the scale's part is the next one.
    pub fn modulated_norm(&mut self, epsilon: f32, modulation: &Value<'a>, shift: usize, x: &Value<'a>) -> Value<'a> {
        let (width, [_, tokens]) = (x.channels(), x.size());
        let rows = modulation.values().chunks_exact(modulation.channels());
        let parameters = rows.flat_map(|row| {
            let scale = part_of(row, shift + 1, width).iter().map(|scale| 1.0 + scale);
            scale.chain(part_of(row, shift, width).iter().copied())
        });
        let parameters: Vec<f32> = parameters.collect();
        let of = modulation.clone();
        self.normalise(epsilon, tokens, parameters, x, &[modulation], move |gradients, sums| {
            let channels = of.channels();
            let Some(rows) = gradients.of(&of) else { return };
            for (row, sums) in rows.chunks_exact_mut(channels).zip(sums.chunks_exact(2 * width)) {
                let (of_scale, of_shift) = sums.split_at(width);
                add(&mut row[shift * width..][..width], of_shift);
                add(&mut row[(shift + 1) * width..][..width], of_scale);
            }
        })
    }

    /// Normalises samples of `tokens` tokens with `parameters` `[samples, 2, width]`, the scales and the shifts. On the way back, `take`
    /// gets the gradients of the parameters.
    fn normalise(
        &mut self,
        epsilon: f32,
        tokens: usize,
        parameters: Vec<f32>,
        x: &Value<'a>,
        others: &[&Value<'a>],
        take: impl FnOnce(&mut Gradients<'a>, &[f32]) + 'a,
    ) -> Value<'a> {
        let host = self.host();
        let shape = [tokens, x.channels()];
        let mut out = host.map(x.size(), x.channels());
        let mut statistics = host.map(x.size(), 2);
        let (level, of_out, of_statistics) = (host.level, out.values_mut(), statistics.values_mut());
        normalise_rows(level, epsilon, shape, &parameters, x.values(), of_out, of_statistics);
        let arguments: Vec<&Value<'a>> = std::iter::once(x).chain(others.iter().copied()).collect();
        let from = x.clone();
        self.push(out, &arguments, others.is_empty(), move |gradients: &mut Gradients<'a>, mut gradient| {
            let mut sums = vec![0.0; parameters.len()];
            let (x, statistics_of) = (from.values(), statistics.values());
            let of_gradient = gradient.values_mut();
            normalise_rows_backward(
                level,
                shape,
                &parameters,
                x,
                statistics_of,
                of_gradient,
                &mut sums,
                host.workspace,
            );
            host.put(statistics);
            take(gradients, &sums);
            gradients.add(&from, gradient);
        })
    }
}

fn add(to: &mut [f32], from: &[f32]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
}
