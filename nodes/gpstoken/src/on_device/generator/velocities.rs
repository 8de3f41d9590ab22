//! A generator's velocities on a device.

use crate::{
    generator::{Network, Row, Velocities},
    on_device::Parameter,
};
use burn::tensor::{Int, Tensor, TensorData};
use splatgraph_sdk::Result;

/// A network, prepared for some pictures: it holds the numbers that are equal in all steps.
#[derive(Debug)]
pub struct Prepared<'a> {
    network: &'a Network<Parameter>,
    /// Number of tokens in a picture.
    count: usize,
    /// See [`Network::start`].
    start: Tensor<3>,
}

impl<'a> Prepared<'a> {
    /// Prepares a network for pictures of `count` tokens. `condition` is `[B, N, 5]`, or empty for a network without a condition.
    pub fn new(network: &'a Network<Parameter>, count: usize, condition: &[f32]) -> Self {
        let condition = network.sizes.condition_channels.map(|channels| {
            let shape = [condition.len() / (count * channels), count, channels];
            Tensor::from_data(TensorData::new(condition.to_vec(), shape), &network.device())
        });
        Self { network, count, start: network.start(condition) }
    }
}

impl Velocities for Prepared<'_> {
    fn velocities(
        &self,
        points: &[f32],
        t: f32,
        rows: &[Row],
        step: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Vec<f32>> {
        let Self { network, count, start } = self;
        let device = network.device();
        let size = network.sizes.channels * count;
        let x: Vec<f32> = rows.iter().flat_map(|row| &points[row.point * size..][..size]).copied().collect();
        let x = Tensor::from_data(TensorData::new(x, [rows.len(), network.sizes.channels, *count]), &device);
        let classes: Vec<i32> = rows.iter().map(|row| row.class as i32).collect();
        let classes = Tensor::<1, Int>::from_data(TensorData::new(classes, [rows.len()]), &device);
        let start = if start.dims()[0] == 1 {
            start.clone()
        } else {
            let pictures: Vec<i32> = rows.iter().map(|row| row.picture as i32).collect();
            start.clone().select(0, Tensor::<1, Int>::from_data(TensorData::new(pictures, [rows.len()]), &device))
        };
        let mut watch = |name: &str, _: &Tensor<3>| if name.starts_with("block") { step() } else { Ok(()) };
        let velocities = network.forward(x, &vec![t; rows.len()], classes, start, &mut watch)?;
        let velocities = velocities.into_data().try_into_vec::<f32>()?;
        step()?;
        Ok(velocities)
    }
}
