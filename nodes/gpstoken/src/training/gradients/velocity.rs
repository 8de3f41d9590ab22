//! A step of a generator's training on the processor: the difference between its velocities and those along straight lines from noise to
//! data (flow matching, Lipman et al. 2023; SiT, Ma et al. 2024).

use crate::{
    generator::{Network, Sizes},
    gradients::{Gradients, Tape},
    layers::{Host, Map},
    training::{samples::Batch, step::Step},
};
use rayon::prelude::*;
use splatgraph_sdk::{Result, Tensor};
use std::{collections::BTreeMap, ops::Range};

/// Numbers of a token in a block that wait for the way back, in units of the network's width: 4 before and after the normalisations, 3
/// queries, keys and values, 1 after the attention, 4 in the feed-forward layer, 2 before the gates.
const KEPT: usize = 14;
/// The most numbers that wait for the way back: 256 MiB.
const MOST: usize = 1 << 26;

/// The mean squared difference of a batch's velocities, and its gradients. The samples go through the network in groups, so that the
/// memory does not grow with the batch.
///
/// # Errors
/// The weights are not a generator's.
pub fn step(host: Host<'_>, weights: BTreeMap<String, Tensor>, heads: usize, batch: &Batch) -> Result<Step> {
    let network = Network::load(weights, Some(heads))?;
    let [channels, tokens] = batch.shape;
    let count = batch.times.len();
    let mut gradients = Gradients::new(host);
    let mut sum = 0.0;
    let group = samples_together(&network.sizes, tokens);
    for first in (0..count).step_by(group) {
        let samples = first..(first + group).min(count);
        let mut tape = Tape::new(host);
        let points = tape.constant(tokens_of(host, &batch.points, samples.clone(), batch.shape));
        let layouts = (!batch.layouts.is_empty()).then(|| {
            let mut map = host.map([samples.len(), tokens], 5);
            map.values_mut().copy_from_slice(&batch.layouts[samples.start * tokens * 5..samples.end * tokens * 5]);
            tape.constant(map)
        });
        let (times, classes) = (&batch.times[samples.clone()], batch.classes[samples.clone()].to_vec());
        let out = network.learn(&mut tape, &points, times, classes, layouts.as_ref());
        let expected = tokens_of(host, &batch.velocities, samples, batch.shape);
        let mut gradient = host.map(out.size(), out.channels());
        // Learned sigmas, which follow the velocities, are not part of the loss.
        gradient.values_mut().fill(0.0);
        let factor = 2.0 / (count * channels * tokens) as f32;
        let rows =
            gradient.values_mut().chunks_exact_mut(out.channels()).zip(out.values().chunks_exact(out.channels()));
        for ((gradient, out), expected) in rows.zip(expected.values().chunks_exact(channels)) {
            for ((gradient, out), expected) in gradient.iter_mut().zip(out).zip(expected) {
                let difference = out - expected;
                sum += f64::from(difference) * f64::from(difference);
                *gradient = factor * difference;
            }
        }
        host.put(expected);
        tape.backward(vec![(out, gradient)], &mut gradients);
    }
    let loss = (sum / (count * channels * tokens) as f64) as f32;
    Ok(Step { loss, gradients: gradients.into_parameters() })
}

/// The number of samples that go through the network together: as many as the memory allows.
fn samples_together(sizes: &Sizes, tokens: usize) -> usize {
    (MOST / (KEPT * sizes.width * sizes.blocks * tokens).max(1)).max(1)
}

/// Samples `[B, C, N]` as tokens `[B, N]` with `C` channels.
fn tokens_of(host: Host<'_>, values: &[f32], samples: Range<usize>, [channels, tokens]: [usize; 2]) -> Map {
    let size = channels * tokens;
    let mut map = host.map([samples.len(), tokens], channels);
    let values = values[samples.start * size..samples.end * size].par_chunks_exact(size);
    map.values_mut().par_chunks_exact_mut(size).zip(values).for_each(|(map, values)| {
        for (token, map) in map.chunks_exact_mut(channels).enumerate() {
            map.iter_mut().zip(values[token..].iter().step_by(tokens)).for_each(|(to, value)| *to = *value);
        }
    });
    map
}
