//! A step of a tokenizer's training: forward through all stages, and the gradients back.

use super::{
    batch::Batch,
    discriminator::Discriminator,
    gradients::{Step, Steps, numbers},
    loss::Losses,
};
use crate::{
    device::Compute,
    splat::splat_tensor,
    tokenizer::{Network, TILE, roi_align_tensor},
};
use burn::{module::Module, prelude::s, tensor::Tensor};
use splatgraph_sdk::{Result, Tensor as HostTensor};
use std::collections::BTreeMap;

/// The map's size and the support of a tokenizer that is trained.
#[derive(Clone, Copy, Debug)]
pub struct Geometry {
    /// Columns and rows of a tile's map.
    pub map: [usize; 2],
    /// How many sigmas a token reaches along each axis.
    pub support: f32,
}

/// Who judges the pictures.
#[derive(Clone, Debug)]
pub struct Adversary {
    /// The discriminator's weights.
    pub weights: BTreeMap<String, HostTensor>,
    /// How much it counts in the tokenizer's loss that it tells its pictures from others. It is fixed: VQGAN's, which is found in each
    /// step, needs the gradients of both losses apart, and thus another way back.
    pub weight: f32,
}

/// The loss of a batch and its gradients; and the discriminator's, if there is one, on the same pictures and with the weights from
/// before the step. In the first loss its judgement is left out, so that it can be compared along the way; in the gradients it is not.
///
/// # Errors
/// The weights are no tokenizer or no discriminator, or the device failed.
pub fn step(
    compute: &Compute,
    weights: BTreeMap<String, HostTensor>,
    batch: &Batch,
    geometry: Geometry,
    losses: &Losses,
    adversary: Option<Adversary>,
) -> Result<Steps> {
    compute.run(|| {
        let device = compute.device.clone().autodiff();
        let (network, keys) = Network::load_with_keys(weights, &device)?;
        // Gradients go on to the weights in f32.
        let rounded = network.clone().with_precision(compute.precision);
        let pictures = batch.boxes.len();
        let upload = |values: &[f32], shape: [usize; 4]| {
            Tensor::<4>::from_data(burn::tensor::TensorData::new(values.to_vec(), shape), &device)
        };
        let tiles = upload(&batch.tiles, [pictures, 3, TILE, TILE]);
        let gaussians = upload(&batch.gaussians, [1, pictures, batch.tokens, 5]).reshape([pictures, batch.tokens, 5]);
        let decoded = reconstruct(&rounded, tiles.clone(), gaussians, &batch.boxes, geometry)?;
        let loss = losses.of(decoded.clone(), tiles.clone())?;
        let Some(Adversary { weights, weight }) = adversary else {
            return Ok((Step::of(loss, &network, keys)?, None));
        };
        let (discriminator, its_keys) = Discriminator::load(weights, &device)?;
        let apart = discriminator.clone().no_grad().adversarial(decoded.clone());
        let with_judgement = Step::of(loss.clone() + apart * weight, &network, keys)?;
        let judged = Step::of(discriminator.loss(tiles, decoded.detach()), &discriminator, its_keys)?;
        // Of a judgement that is not finite the gradients tell.
        Ok((Step { loss: numbers(loss)?[0], ..with_judgement }, Some(judged)))
    })
}

/// Pictures `[B, 3, TILE, TILE]` through all stages.
///
/// # Errors
/// None but those of the stages' watchers, of which there are none.
pub fn reconstruct(
    network: &Network,
    tiles: Tensor<4>,
    gaussians: Tensor<3>,
    boxes: &[Vec<[f32; 4]>],
    geometry: Geometry,
) -> Result<Tensor<4>> {
    let features = network.stem.forward(tiles, &mut |_, _| Ok(()))?; // [B, stem, TILE, TILE]
    let regions = boxes.iter().enumerate().map(|(b, boxes)| {
        let map = features.clone().slice(s![b..b + 1, .., .., ..]).squeeze_dim::<3>(0);
        roi_align_tensor(map, boxes, network.bins).unsqueeze::<4>() // [1, N, stem, samples]
    });
    let regions = Tensor::cat(regions.collect(), 0);
    let (gaussians, textures) = network.transformer.forward(gaussians, regions, &mut |_, _| Ok(()))?;
    let map = splat_tensor(gaussians, textures, geometry.map, geometry.support);
    network.decoder.forward(map, [1, 1], &mut |_, _| Ok(()))
}
