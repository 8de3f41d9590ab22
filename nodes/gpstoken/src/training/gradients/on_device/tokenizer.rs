//! A step of a tokenizer's training: the forward pass through all stages, and the gradients.

use super::{Gradients, Perceptual, collect::numbers};
use crate::{
    canvas::TILE,
    on_device::{Device, Parameter, roi_align, splat_tensor, upload},
    tokenizer::Network,
    training::{
        adversary::{Adversary, Geometry},
        batch::Batch,
        losses::Losses,
        sheet::Example,
        step::{InTraining, Step, Steps},
    },
};
use burn::{
    prelude::s,
    tensor::{Tensor, TensorData},
};
use splatgraph_sdk::{Result, Tensor as HostTensor};
use std::collections::BTreeMap;

/// The loss of a batch and its gradients. With a discriminator, returns its loss and gradients too, for the same pictures and with the
/// weights from before the step. The tokenizer's loss leaves out the discriminator's judgement, so that losses of different steps are
/// comparable; its gradients include the judgement.
///
/// # Errors
/// The training has not these parameters, or not on the device; or the device failed.
pub fn tokenizer_step(
    device: &Device,
    tokenizer: InTraining<'_, Network>,
    batch: &Batch,
    geometry: Geometry,
    losses: &Losses,
    perceptual: Option<&Perceptual>,
    adversary: Option<Adversary<'_>>,
) -> Result<Steps<Gradients>> {
    device.run(|| {
        let autodiff = device.burn().clone().autodiff();
        let (network, parameters) = tokenizer.learner.on_device()?.fill(|f| tokenizer.network.map(f))?;
        // The network computes with rounded weights. Gradients pass through the rounding to the weights in f32.
        let rounded = network.map(&mut |parameter| parameter.cast(device.float()));
        let pictures = batch.boxes.len();
        let upload = |values: &[f32], shape: [usize; 4]| {
            Tensor::<4>::from_data(TensorData::new(values.to_vec(), shape), &autodiff)
        };
        let tiles = upload(&batch.tiles, [pictures, 3, TILE, TILE]);
        let gaussians = upload(&batch.gaussians, [1, pictures, batch.tokens, 5]).reshape([pictures, batch.tokens, 5]);
        let decoded = through_all_stages(&rounded, tiles.clone(), gaussians, &batch.boxes, geometry)?;
        let loss = losses.of(decoded.clone(), tiles.clone(), perceptual)?;
        let Some(Adversary { discriminator: InTraining { network, learner }, weight }) = adversary else {
            return Ok((Step::of(loss, &parameters)?, None));
        };
        let (discriminator, its_parameters) = learner.on_device()?.fill(|f| network.map(f))?;
        let apart = discriminator.map(&mut Parameter::detached).adversarial(decoded.clone());
        let with_judgement = Step::of(loss.clone() + apart * weight, &parameters)?;
        let judged = Step::of(discriminator.loss(tiles, decoded.detach()), &its_parameters)?;
        // If the judgement is not finite, the gradients are not finite either, and the training reports them.
        Ok((Step { loss: numbers(loss)?[0], ..with_judgement }, Some(judged)))
    })
}

/// Reconstructs pictures one by one, with the network loaded once. Returns each as `[3, H, W]` with its height and width.
///
/// # Errors
/// The weights are not a tokenizer's, or the device failed.
pub fn reconstruct(
    device: &Device,
    weights: &BTreeMap<String, HostTensor>,
    examples: Vec<Example>,
    geometry: Geometry,
) -> Result<Vec<(Vec<f32>, [usize; 2])>> {
    device.run(|| {
        let network = Network::load(weights.clone())?.map(&mut upload(device));
        let reconstructed = examples.into_iter().map(|Example { picture, gaussians, boxes }| {
            let tiles = device.upload(picture, [1, 3, TILE, TILE])?;
            let gaussians = device.upload(gaussians, [1, boxes.len(), 5])?;
            let decoded = through_all_stages(&network, tiles, gaussians, &[boxes], geometry)?;
            let [_, _, height, width] = decoded.dims();
            Ok((numbers(decoded)?, [height, width]))
        });
        reconstructed.collect()
    })
}

/// Passes pictures `[B, 3, TILE, TILE]` through all stages.
///
/// # Errors
/// None. The stages return only errors of their watchers, and the watchers here never fail.
pub fn through_all_stages(
    network: &Network<Parameter>,
    tiles: Tensor<4>,
    gaussians: Tensor<3>,
    boxes: &[Vec<[f32; 4]>],
    geometry: Geometry,
) -> Result<Tensor<4>> {
    let features = network.stem.forward(tiles, &mut |_, _| Ok(()))?; // [B, stem, TILE, TILE]
    let regions = boxes.iter().enumerate().map(|(b, boxes)| {
        let map = features.clone().slice(s![b..b + 1, .., .., ..]).squeeze_dim::<3>(0);
        roi_align(map, boxes, network.sizes.bins).unsqueeze::<4>() // [1, N, stem, samples]
    });
    let regions = Tensor::cat(regions.collect(), 0);
    let (gaussians, textures) = network.transformer.forward(gaussians, regions, &mut |_, _| Ok(()))?;
    let map = splat_tensor(gaussians, textures, geometry.map, geometry.support);
    network.decoder.forward(map, [1, 1], &mut |_, _| Ok(()))
}
