//! LPIPS on a device.

use super::{
    Device, OnDevice, Parameter,
    learning_shader::{expand, mean},
    patches::convolve,
};
use crate::{
    kernels::patches::Kernel,
    lpips::{
        Difference, Network,
        network::{EPSILON, Layer, SCALE, SHIFT, Stage},
    },
};
use burn::tensor::{FloatDType, Tensor, TensorData, activation::relu, module::max_pool2d, ops::MaxPoolOptions};
use splatgraph_sdk::{Error, Image, Result};

/// Two batches of pictures for comparison.
#[derive(Debug)]
pub struct Pictures([Tensor<4>; 2]);

impl Pictures {
    /// Pairs two batches `[B, H, W, 3]` with values 0..1.
    pub fn new(a: &OnDevice<Image>, b: &OnDevice<Image>) -> Self {
        Self([a, b].map(|image| image.tensor::<4>("image").cast(FloatDType::F32)))
    }

    /// Compares picture `a` of the first batch with picture `b` of the second. Calls `step` after each stage.
    ///
    /// # Errors
    /// `step` or the device failed.
    pub fn compare(
        &self,
        network: &Network<Parameter>,
        device: &Device,
        [a, b]: [usize; 2],
        step: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Vec<Difference>> {
        let picture = |all: &Tensor<4>, i: usize| all.clone().narrow(0, i, 1).permute([0, 3, 1, 2]);
        device.run(|| network.compare(picture(&self.0[0], a), picture(&self.0[1], b), step))
    }
}

impl Stage<Parameter> {
    /// `[B, C, H, W]` to this stage's features.
    fn forward(&self, mut x: Tensor<4>) -> Tensor<4> {
        if let Some(side) = self.pool {
            x = max_pool2d(x, MaxPoolOptions { stride: [2, 2], ..MaxPoolOptions::new([side, side]) });
        }
        for Layer { convolution, kernel } in &self.layers {
            x = relu(convolve(x, convolution.weight.tensor(), convolution.bias.tensor(), *kernel));
        }
        x
    }
}

impl Network<Parameter> {
    /// Compares two pictures `[1, 3, H, W]` with values 0..1. Calls `step` after each stage.
    ///
    /// # Errors
    /// `step` or the device failed.
    pub fn compare(&self, a: Tensor<4>, b: Tensor<4>, step: &mut dyn FnMut() -> Result<()>) -> Result<Vec<Difference>> {
        let mut differences = Vec::new();
        self.stages_apart(a, b, &mut |apart| {
            let [_, _, height, width] = apart.dims();
            let data = apart.reshape([height * width]).try_into_data();
            let values = data.map_err(|e| Error::new(format!("reading the differences of a stage: {e}")))?;
            let values =
                values.try_into_vec().map_err(|e| Error::new(format!("reading the differences of a stage: {e:?}")))?;
            differences.push(Difference { size: [height, width], values });
            step()
        })?;
        Ok(differences)
    }

    /// The mean distance of pictures `[B, 3, H, W]` with values 0..1, on the device, as the loss of a training.
    ///
    /// # Errors
    /// None.
    pub fn loss(&self, a: Tensor<4>, b: Tensor<4>) -> Result<Tensor<1>> {
        let mut loss = Tensor::zeros([1], &a.device());
        self.stages_apart(a, b, &mut |apart| {
            loss = loss.clone() + mean(apart);
            Ok(())
        })?;
        Ok(loss)
    }

    /// Calls `see` with the weighted squared differences of each stage, `[B, 1, h, w]`.
    fn stages_apart(&self, a: Tensor<4>, b: Tensor<4>, see: &mut dyn FnMut(Tensor<4>) -> Result<()>) -> Result<()> {
        let device = a.device();
        let pictures = a.dims()[0];
        let by_channel = |values: [f32; 3]| Tensor::from_data(TensorData::new(values.to_vec(), [1, 3, 1, 1]), &device);
        let both = Tensor::cat(vec![a, b], 0) * 2.0 - 1.0;
        let mut x: Tensor<4> = (both - by_channel(SHIFT)) / by_channel(SCALE); // [2 B, 3, H, W]
        for stage in &self.stages {
            x = stage.forward(x);
            let channels = x.dims()[1];
            // The sums are convolutions with kernels of one pixel. With `sum_dim`, burn 0.22.1 fused the following operations and returned
            // the first of twelve channels of a single pixel instead of their sum (seen on a software adapter).
            let none = Tensor::zeros([1], &device);
            let sum = |x: Tensor<4>, weights: Tensor<4>| convolve(x, weights, none.clone(), Kernel::square(1, 1, 0));
            let ones = Tensor::ones([1, channels, 1, 1], &device);
            // The added number is too small to matter, and keeps the root above 0, where it has no gradient.
            let length = (sum(x.clone() * x.clone(), ones) + EPSILON * EPSILON).sqrt() + EPSILON; // [2 B, 1, h, w]
            let unit = x.clone() / expand(length, x.dims());
            let apart = unit.clone().narrow(0, 0, pictures) - unit.narrow(0, pictures, pictures);
            see(sum(apart.clone() * apart, stage.head.tensor()))?;
        }
        Ok(())
    }
}
