//! A step of a generator's training: the difference between its velocities and those along straight lines from noise to data (flow
//! matching, Lipman et al. 2023; SiT, Ma et al. 2024).

use super::Gradients;
use crate::{
    generator::Network,
    on_device::{Device, learning_shader::mean},
    training::{
        samples::Batch,
        step::{InTraining, Step},
    },
};
use burn::tensor::{Tensor, TensorData};
use splatgraph_sdk::Result;

/// The mean squared difference of a batch's velocities, and its gradients. The network computes in f32.
///
/// # Errors
/// The training has not these parameters, or not on the device; or the device failed.
pub fn velocity_step(device: &Device, generator: InTraining<'_, Network>, batch: &Batch) -> Result<Step<Gradients>> {
    device.run(|| {
        let autodiff = device.burn().clone().autodiff();
        let (network, parameters) = generator.learner.on_device()?.fill(|f| generator.network.map(f))?;
        let (count, [channels, tokens]) = (batch.times.len(), batch.shape);
        let upload = |values: &[f32], shape: [usize; 3]| {
            Tensor::<3>::from_data(TensorData::new(values.to_vec(), shape), &autodiff)
        };
        let layouts = (!batch.layouts.is_empty()).then(|| upload(&batch.layouts, [count, tokens, 5]));
        let points = upload(&batch.points, [count, channels, tokens]);
        let start = network.start(layouts);
        let velocities = network.forward(points, &batch.times, &batch.classes, start, &mut |_, _| Ok(()))?;
        let difference = velocities - upload(&batch.velocities, [count, channels, tokens]);
        Step::of(mean(difference.clone() * difference), &parameters)
    })
}
