//! A step of a generator's training: how far its velocities are from those along straight lines from noise to data (flow matching,
//! Lipman et al. 2023; SiT, Ma et al. 2024).

use super::gradients::Step;
use crate::{device::Compute, generator::Network};
use burn::tensor::{Int, Tensor, TensorData};
use splatgraph_sdk::{Result, Tensor as HostTensor};
use std::collections::BTreeMap;

/// The samples of a step: `B` points on the way from noise to data, with the velocities there. Numbers are in the network's scale.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Channels and tokens: `C`, `N`.
    pub shape: [usize; 2],
    /// `t data + (1 - t) noise`, `[B, C, N]`.
    pub points: Vec<f32>,
    /// `data - noise`, `[B, C, N]`.
    pub velocities: Vec<f32>,
    /// The time `t` of each point.
    pub times: Vec<f32>,
    /// The class of each; the number of classes stands for none.
    pub classes: Vec<usize>,
    /// The layouts `[B, N, 5]`; empty for a network that takes none.
    pub layouts: Vec<f32>,
}

/// The mean squared difference of a batch's velocities, and its gradients. The network computes in f32.
///
/// # Errors
/// The weights are no generator, or the device failed.
pub fn step(compute: &Compute, weights: BTreeMap<String, HostTensor>, heads: usize, batch: &Batch) -> Result<Step> {
    compute.run(|| {
        let device = compute.device.clone().autodiff();
        let (network, keys) = Network::load_with_keys(weights, Some(heads), &device)?;
        let (count, [channels, tokens]) = (batch.times.len(), batch.shape);
        let upload = |values: &[f32], shape: [usize; 3]| {
            Tensor::<3>::from_data(TensorData::new(values.to_vec(), shape), &device)
        };
        let layouts = (!batch.layouts.is_empty()).then(|| upload(&batch.layouts, [count, tokens, 5]));
        let classes: Vec<i32> = batch.classes.iter().map(|class| *class as i32).collect();
        let classes = Tensor::<1, Int>::from_data(TensorData::new(classes, [count]), &device);
        let points = upload(&batch.points, [count, channels, tokens]);
        let start = network.start(layouts);
        let velocities = network.forward(points, &batch.times, classes, start, &mut |_, _| Ok(()))?;
        let difference = velocities - upload(&batch.velocities, [count, channels, tokens]);
        Step::of((difference.clone() * difference).mean(), &network, keys)
    })
}
