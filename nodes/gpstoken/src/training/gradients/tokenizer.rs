//! A step of a tokenizer's training on the host's kernels. One picture is passed through all stages and back at a time, so the memory
//! does not grow with the number of pictures.

use crate::{
    canvas::TILE,
    discriminator::Discriminator,
    gradients::{Gradients, Tape, Value, losses::Differences},
    layers::{Host, Map},
    lpips,
    tokenizer::Network,
    training::{
        adversary::Geometry,
        batch::Batch,
        losses::Losses,
        sheet::Example,
        step::{HostGradients, Step, Steps},
    },
};
use splatgraph_sdk::{Result, Tensor};
use std::collections::BTreeMap;

/// See [`Trainer::tokenizer_step`](super::Trainer::tokenizer_step). The discriminator comes with the weight of its judgement.
pub fn step(
    host: Host<'_>,
    network: &Network,
    batch: &Batch,
    geometry: Geometry,
    losses: &Losses,
    perceptual: Option<&lpips::Network>,
    judge: Option<(&Discriminator, f32)>,
) -> Steps<HostGradients> {
    let Losses { absolute, squared, gradient, perceptual: perceptual_weight } = *losses;
    let differences = Differences { absolute, squared, gradient };
    let perceptual = perceptual.filter(|_| perceptual_weight > 0.0);
    let (mut gradients, mut of_judge) = (Gradients::new(host), Gradients::new(host));
    let (mut loss, mut loss_of_judge) = (0.0, 0.0);
    let pictures = batch.boxes.len();
    for (b, boxes) in batch.boxes.iter().enumerate() {
        let expected = host.interleave(&batch.tiles[b * 3 * TILE * TILE..][..3 * TILE * TILE], [TILE, TILE]);
        let gaussians = &batch.gaussians[b * batch.tokens * 5..][..batch.tokens * 5];
        let mut tape = Tape::new(host);
        let picture = tape.constant(host.copy(&expected));
        let decoded = through_all_stages(network, &mut tape, &picture, gaussians, boxes, geometry);
        let (part, mut gradient) = differences.of([decoded.map(), &expected], pictures, host);
        loss += part;
        if let Some(network) = perceptual {
            let weight = perceptual_weight / pictures as f32;
            let unit = [decoded.map(), &expected].map(|map| to_unit(map, host));
            let (part, more) = network.loss(unit.each_ref(), host);
            loss += f64::from(weight) * part;
            // The unit range is half as wide.
            add_times(&mut gradient, 0.5 * weight, more, host);
            unit.into_iter().for_each(|map| host.put(map));
        }
        if let Some((judge, weight)) = judge {
            let (_, more) = judge.adversarial(host.copy(decoded.map()), pictures, host);
            add_times(&mut gradient, weight, more, host);
            for (map, is_real) in [(&expected, true), (decoded.map(), false)] {
                loss_of_judge += judge.judge(host.copy(map), is_real, pictures, &mut of_judge);
            }
        }
        tape.backward(vec![(decoded, gradient)], &mut gradients);
        host.put(expected);
    }
    host.workspace.trim();
    let step = |loss: f64, gradients: Gradients<'_>| Step { loss: loss as f32, gradients: gradients.into_parameters() };
    let judged = judge.is_some().then(|| step(loss_of_judge, of_judge));
    (step(loss, gradients), judged)
}

/// Passes a picture `[TILE, TILE, 3]` through all stages: `[H, W, 3]`.
pub(super) fn through_all_stages<'a>(
    network: &'a Network,
    tape: &mut Tape<'a>,
    picture: &Value<'a>,
    gaussians: &[f32],
    boxes: &[[f32; 4]],
    geometry: Geometry,
) -> Value<'a> {
    let features = network.stem.learn(tape, picture); // [TILE, TILE, stem]
    let regions = tape.roi_align(&features, boxes, network.sizes.bins); // [N, stem] of bins^2
    drop(features);
    let host = tape.host();
    let mut layout = host.map([1, boxes.len()], 5);
    layout.values_mut().copy_from_slice(gaussians);
    let layout = tape.constant(layout);
    let [gaussians, textures] = network.transformer.learn(tape, &layout, &regions);
    let map = tape.splat(&gaussians, &textures, geometry.map, geometry.support);
    network.decoder.learn(tape, &map, [1, 1])
}

/// See [`Trainer::reconstruct`](super::Trainer::reconstruct).
pub(super) fn reconstruct(
    host: Host<'_>,
    weights: &BTreeMap<String, Tensor>,
    examples: Vec<Example>,
    geometry: Geometry,
) -> Result<Vec<(Vec<f32>, [usize; 2])>> {
    let network = Network::load(weights.clone())?;
    let reconstructed = examples.into_iter().map(|Example { picture, gaussians, boxes }| {
        let mut tape = Tape::frozen(host);
        let picture = tape.constant(host.interleave(&picture, [TILE, TILE]));
        let decoded = through_all_stages(&network, &mut tape, &picture, &gaussians, &boxes, geometry);
        let pixels = decoded.values().as_chunks::<3>().0;
        let planes = (0..3).flat_map(|channel| pixels.iter().map(move |pixel| pixel[channel]));
        (planes.collect(), decoded.size())
    });
    Ok(reconstructed.collect())
}

/// A picture with values -1..1 as one with values 0..1.
fn to_unit(map: &Map, host: Host<'_>) -> Map {
    let mut unit = host.copy(map);
    unit.values_mut().iter_mut().for_each(|v| *v = (*v + 1.0) / 2.0);
    unit
}

fn add_times(sum: &mut Map, weight: f32, more: Map, host: Host<'_>) {
    sum.values_mut().iter_mut().zip(more.values()).for_each(|(sum, v)| *sum += weight * v);
    host.put(more);
}
