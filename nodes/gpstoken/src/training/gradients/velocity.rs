//! A step of a generator's training on the processor: the difference between its velocities and those along straight lines from noise to
//! data (flow matching, Lipman et al. 2023; SiT, Ma et al. 2024).

use crate::{
    generator::{Network, Sizes},
    gradients::{Gradients, Tape},
    layers::{Host, Map},
    training::{
        samples::Batch,
        step::{HostGradients, Step},
    },
};
use rayon::prelude::*;
use std::ops::Range;

/// Numbers of a token in a block that wait for the way back, in units of the network's width: 4 before and after the normalisations, 3
/// queries, keys and values, 1 after the attention, 4 in the feed-forward layer, 2 before the gates.
const KEPT: usize = 14;
/// The most numbers that wait for the way back: 128 MiB. Larger groups are no faster (measured with 4 to 32 samples of TrainTexture).
const MOST: usize = 1 << 25;

/// The mean squared difference of a batch's velocities, and its gradients. The samples go through the network in groups, so that the
/// memory does not grow with the batch.
pub fn step(host: Host<'_>, network: &Network, batch: &Batch) -> Step<HostGradients> {
    let group = samples_together(&network.sizes, batch.shape[1], batch.times.len());
    step_in_groups(host, network, batch, group)
}

/// A step with groups of at most `group` samples.
fn step_in_groups(host: Host<'_>, network: &Network, batch: &Batch, group: usize) -> Step<HostGradients> {
    let [channels, tokens] = batch.shape;
    let count = batch.times.len();
    let numbers = count * channels * tokens;
    let mut gradients = Gradients::new(host);
    let mut squares = 0.0;
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
        let gradient = difference(host, out.map(), &expected, 2.0 / numbers as f32, &mut squares);
        host.put(expected);
        tape.backward(vec![(out, gradient)], &mut gradients);
    }
    Step { loss: (squares / numbers as f64) as f32, gradients: gradients.into_parameters() }
}

/// Adds the squares of the differences between velocities and expected ones to `squares`. Returns the gradient of `factor / 2` times their
/// sum. Learned sigmas, which follow the velocities of a token, are not part of it.
fn difference(host: Host<'_>, out: &Map, expected: &Map, factor: f32, squares: &mut f64) -> Map {
    let mut gradient = host.map(out.size, out.channels);
    gradient.values_mut().fill(0.0);
    let rows = gradient.values_mut().chunks_exact_mut(out.channels).zip(out.values().chunks_exact(out.channels));
    for ((gradient, out), expected) in rows.zip(expected.values().chunks_exact(expected.channels)) {
        for ((gradient, out), expected) in gradient.iter_mut().zip(out).zip(expected) {
            let difference = out - expected;
            *squares += f64::from(difference) * f64::from(difference);
            *gradient = factor * difference;
        }
    }
    gradient
}

/// The number of samples that go through the network together: as many as the memory allows, in groups of about the same size.
fn samples_together(sizes: &Sizes, tokens: usize, count: usize) -> usize {
    let most = (MOST / (KEPT * sizes.width * sizes.blocks * tokens).max(1)).max(1);
    count.div_ceil(count.div_ceil(most).max(1)).max(1)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        kernels::{cpu::Level, workspace::Workspace},
        training::{
            generator_sizes::GeneratorSizes,
            random::{Purpose, Random},
        },
    };
    use splatgraph_sdk::Tensor;
    use std::collections::BTreeMap;

    #[test]
    fn groups_add_up_to_the_whole_batch() {
        let sizes =
            GeneratorSizes { depth: 1, width: 16, heads: 2, channels: 6, tokens: 3, classes: 2, condition: true };
        let normal = |stream: u32, count: usize| Random::new(5, Purpose::Weights, 0, stream).normal(count);
        // Fresh weights have modulations of 0, which hide most gradients.
        let mut fill = |(stream, (key, shape)): (u32, (String, Vec<usize>))| {
            let values = normal(stream, shape.iter().product()).iter().map(|v| 0.3 * v).collect();
            (key, Tensor::from_vec(shape, values).unwrap())
        };
        let weights: BTreeMap<_, _> = (0..).zip(sizes.shapes()).map(&mut fill).collect();
        let network = Network::load(weights, Some(2)).unwrap();
        let batch = Batch {
            shape: [6, 3],
            points: normal(100, 5 * 18),
            velocities: normal(101, 5 * 18),
            times: vec![0.1, 0.3, 0.5, 0.7, 0.9],
            classes: vec![0, 1, 2, 0, 1],
            layouts: normal(102, 5 * 15),
        };
        let workspace = Workspace::default();
        let host = Host { level: Level::best(), workspace: &workspace };
        let whole = step_in_groups(host, &network, &batch, 5);
        for group in [1, 2, 4] {
            let groups = step_in_groups(host, &network, &batch, group);
            assert!((groups.loss - whole.loss).abs() < 1e-6 * whole.loss, "{} {}", groups.loss, whole.loss);
            for (key, expected) in &whole.gradients {
                let largest = expected.iter().fold(0.0f32, |largest, v| largest.max(v.abs()));
                for (actual, expected) in groups.gradients[key].iter().zip(expected) {
                    assert!((actual - expected).abs() <= 1e-5 * largest, "{key}: {actual} {expected}");
                }
            }
        }
    }

    #[test]
    fn the_memory_of_a_group_is_bounded() {
        let sizes =
            GeneratorSizes { depth: 2, width: 16, heads: 2, channels: 6, tokens: 64, classes: 2, condition: true };
        let sizes = Network::load(sizes.weights(0).unwrap(), Some(2)).unwrap().sizes;
        // 14 numbers for each of 16 channels, 2 blocks and 64 tokens.
        let most = MOST / 28_672;
        assert_eq!(samples_together(&sizes, 64, 5), 5);
        assert_eq!(samples_together(&sizes, 64, most), most);
        assert_eq!(samples_together(&sizes, 64, most + 1), most / 2 + 1);
        assert_eq!(samples_together(&sizes, MOST, 5), 1);
    }
}
