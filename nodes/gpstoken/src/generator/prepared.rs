//! A network made ready for some pictures, in the form that its device runs fastest.

use super::{Network, direct::Direct};
use crate::kernels::cpu::Level;
use burn::{
    backend::DispatchDevice,
    tensor::{Int, Tensor, TensorData},
};
use splatgraph_sdk::Result;

/// One picture of a batch to be evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which of the given points.
    pub point: usize,
    /// Which picture's condition.
    pub picture: usize,
    /// Its class; the number of classes stands for none.
    pub class: usize,
}

/// A network with what stays the same for some pictures through all steps.
#[derive(Debug)]
pub struct Prepared<'a>(Form<'a>);

#[derive(Debug)]
enum Form<'a> {
    /// On the CPU's kernels.
    Direct(Direct<'a>),
    /// In tensor operations, on any device.
    Tensors { network: &'a Network, count: usize, start: Tensor<3> },
}

impl<'a> Prepared<'a> {
    /// For pictures of `count` tokens; `condition` is `[B, N, 5]`, or empty for a network that takes none.
    pub fn new(network: &'a Network, count: usize, condition: &[f32]) -> Self {
        if matches!(network.classes_table.device().as_dispatch(), DispatchDevice::Flex(_)) {
            return Self::direct(network, Level::best(), count, condition);
        }
        Self::tensors(network, count, condition)
    }

    /// On the CPU's kernels, with these instructions; the network is in host memory.
    pub fn direct(network: &'a Network, level: Level, count: usize, condition: &[f32]) -> Self {
        Self(Form::Direct(Direct::new(network, level, count, condition)))
    }

    /// In tensor operations, on the network's device.
    pub fn tensors(network: &'a Network, count: usize, condition: &[f32]) -> Self {
        let condition = network.condition_channels().map(|channels| {
            let shape = [condition.len() / (count * channels), count, channels];
            Tensor::from_data(TensorData::new(condition.to_vec(), shape), &network.classes_table.device())
        });
        Self(Form::Tensors { network, count, start: network.start(condition) })
    }

    /// Velocities `[rows, C, N]` at the time `t`, from `points` `[.., C, N]`. `step` is called after each block, where the
    /// form allows it, and at the end.
    ///
    /// # Errors
    /// Those of `step`, or the device failed.
    pub fn velocities(
        &self,
        points: &[f32],
        t: f32,
        rows: &[Row],
        step: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Vec<f32>> {
        let (network, count, start) = match &self.0 {
            Form::Direct(direct) => return direct.velocities(points, t, rows, step),
            Form::Tensors { network, count, start } => (network, *count, start),
        };
        let device = network.classes_table.device();
        let size = network.channels * count;
        let x: Vec<f32> = rows.iter().flat_map(|row| &points[row.point * size..][..size]).copied().collect();
        let x = Tensor::from_data(TensorData::new(x, [rows.len(), network.channels, count]), &device);
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
