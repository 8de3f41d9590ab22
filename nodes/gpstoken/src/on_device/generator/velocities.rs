//! A generator's velocities on a device.

use super::network::select_rows;
use crate::{
    generator::{Network, Row, Velocities},
    on_device::Parameter,
};
use burn::tensor::{Tensor, TensorData};
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
        let classes: Vec<usize> = rows.iter().map(|row| row.class).collect();
        let [pictures, places, width] = start.dims();
        let start = if pictures == 1 {
            start.clone()
        } else {
            let chosen: Vec<usize> = rows.iter().map(|row| row.picture).collect();
            let whole = start.clone().reshape([pictures, places * width]);
            select_rows(&whole, &chosen).reshape([rows.len(), places, width])
        };
        let mut watch = |name: &str, _: &Tensor<3>| if name.starts_with("block") { step() } else { Ok(()) };
        let velocities = network.forward(x, &vec![t; rows.len()], &classes, start, &mut watch)?;
        let velocities = velocities.into_data().try_into_vec::<f32>()?;
        step()?;
        Ok(velocities)
    }
}
