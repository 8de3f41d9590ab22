//! A step of a tokenizer's training: forward through all stages, and the gradients back.

use super::{batch::Batch, gradients::Step, loss::Losses};
use crate::{
    device::Compute,
    splat::splat_tensor,
    tokenizer::{Network, TILE, roi_align_tensor},
};
use burn::{prelude::s, tensor::Tensor};
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

/// The loss of a batch and its gradients.
///
/// # Errors
/// The weights are no tokenizer, or the device failed.
pub fn step(
    compute: &Compute,
    weights: BTreeMap<String, HostTensor>,
    batch: &Batch,
    geometry: Geometry,
    losses: &Losses,
) -> Result<Step> {
    compute.run(|| {
        let device = compute.device.clone().autodiff();
        let (network, keys) = Network::load_with_keys(weights, &device)?;
        let network = network.with_precision(compute.precision);
        let pictures = batch.boxes.len();
        let upload = |values: &[f32], shape: [usize; 4]| {
            Tensor::<4>::from_data(burn::tensor::TensorData::new(values.to_vec(), shape), &device)
        };
        let tiles = upload(&batch.tiles, [pictures, 3, TILE, TILE]);
        let gaussians = upload(&batch.gaussians, [1, pictures, batch.tokens, 5]).reshape([pictures, batch.tokens, 5]);
        let decoded = reconstruct(&network, tiles.clone(), gaussians, &batch.boxes, geometry)?;
        Step::of(losses.of(decoded, tiles)?, &network, keys)
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
