//! A step of a tokenizer's training: forward through all stages, and the gradients back.

use super::{batch::Batch, loss::Losses};
use crate::{
    device::Compute,
    splat::splat_tensor,
    tokenizer::{Network, TILE, roi_align_tensor},
};
use burn::{
    module::{Module, ModuleVisitor, Param, ParamId},
    prelude::s,
    tensor::{Gradients, Tensor},
};
use splatgraph_sdk::{Result, Tensor as HostTensor};
use std::collections::{BTreeMap, HashMap};

/// The map's size and the support of a tokenizer that is trained.
#[derive(Clone, Copy, Debug)]
pub struct Geometry {
    /// Columns and rows of a tile's map.
    pub map: [usize; 2],
    /// How many sigmas a token reaches along each axis.
    pub support: f32,
}

/// What a step gives.
pub struct Step {
    /// The loss.
    pub loss: f32,
    /// Of the loss, by the parameters' keys.
    pub gradients: BTreeMap<String, Vec<f32>>,
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
        let loss = losses.of(decoded, tiles)?;
        let mut gradients = loss.backward();
        let loss = numbers(loss)?[0];
        Ok(Step { loss, gradients: by_key(&network, &mut gradients, keys)? })
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

fn numbers<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    let data = tensor.cast(burn::tensor::FloatDType::F32).into_data();
    data.try_into_vec().map_err(|e| splatgraph_sdk::Error::new(format!("reading numbers from the device: {e:?}")))
}

/// The gradients of all parameters that have one.
fn by_key(
    network: &Network,
    gradients: &mut Gradients,
    keys: Vec<(String, ParamId)>,
) -> Result<BTreeMap<String, Vec<f32>>> {
    struct Collect<'a> {
        gradients: &'a mut Gradients,
        found: HashMap<ParamId, Result<Vec<f32>>>,
    }
    impl ModuleVisitor for Collect<'_> {
        fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
            if let Some(gradient) = parameter.val().grad_remove(self.gradients) {
                self.found.insert(parameter.id, numbers(gradient));
            }
        }
    }
    let mut collect = Collect { gradients, found: HashMap::new() };
    network.visit(&mut collect);
    let mut found = collect.found;
    keys.into_iter().filter_map(|(key, id)| Some(found.remove(&id)?.map(|gradient| (key, gradient)))).collect()
}
