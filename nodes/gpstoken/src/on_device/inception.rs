//! InceptionV3 on a device.

use super::Device;
use crate::{
    inception::{self, Network, PictureFeatures, Pool, SIDE, SPATIAL_CHANNELS, Step},
    kernels::patches::Kernel,
};
use burn::tensor::{
    Tensor, TensorData,
    activation::relu,
    module::{avg_pool2d, conv2d, max_pool2d},
    ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions},
};
use splatgraph_sdk::{Error, Result};

/// A convolution on a device.
#[derive(Debug)]
pub struct Layer {
    /// `[outputs, inputs, height, width]`
    weight: Tensor<4>,
    /// `[outputs]`
    bias: Tensor<1>,
    kernel: Kernel,
}

impl Layer {
    /// `[B, inputs, H, W]` to `[B, outputs, h, w]`.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let Kernel { stride, padding, .. } = self.kernel;
        let options = ConvOptions::new([stride; 2], padding, [1, 1], 1);
        conv2d(x, self.weight.clone(), Some(self.bias.clone()), options)
    }
}

/// A function for the network's `map` that uploads layers to a device, in f32.
pub fn upload(device: &Device) -> impl FnMut(&inception::Layer) -> Layer {
    |layer| {
        let inception::Layer { weight, bias, inputs, kernel } = layer;
        let shape = [bias.len(), *inputs, kernel.size[0], kernel.size[1]];
        Layer {
            weight: Tensor::from_data(TensorData::new(weight.clone(), shape), device.burn()),
            bias: Tensor::from_data(TensorData::new(bias.clone(), [bias.len()]), device.burn()),
            kernel: *kernel,
        }
    }
}

impl Network<Layer> {
    /// The features of pictures `[B, SIDE, SIDE, 3]`, about -1..1.
    ///
    /// # Errors
    /// The device failed.
    pub fn features(&self, pictures: Vec<f32>, device: &Device) -> Result<Vec<PictureFeatures>> {
        device.run(|| {
            let count = pictures.len() / (SIDE * SIDE * 3);
            let data = TensorData::new(pictures, [count, SIDE, SIDE, 3]);
            let mut x = Tensor::<4>::from_data(data, device.burn()).permute([0, 3, 1, 2]); // [B, 3, SIDE, SIDE]
            let mut spatial = None;
            for (index, step) in self.steps.iter().enumerate() {
                x = step.forward(x);
                if index == self.spatial {
                    let channels = x.clone().narrow(1, 0, SPATIAL_CHANNELS);
                    spatial = Some(channels.permute([0, 2, 3, 1])); // [B, 17, 17, SPATIAL_CHANNELS]
                }
            }
            let [_, _, height, width] = x.dims();
            let pool = avg_pool2d(x, AvgPoolOptions::new([height, width])); // [B, C, 1, 1]
            let logits = self.classes.forward(pool.clone()); // [B, classes, 1, 1]
            let spatial = spatial.ok_or_else(|| Error::new("expected a step with spatial features, got none"))?;
            let [pool, spatial, logits] = [numbers(pool)?, numbers(spatial)?, numbers(logits)?];
            let row = |values: &[f32], i: usize| {
                let length = values.len() / count.max(1);
                values[i * length..][..length].to_vec()
            };
            let features =
                |i| PictureFeatures { pool: row(&pool, i), spatial: row(&spatial, i), logits: row(&logits, i) };
            Ok((0..count).map(features).collect())
        })
    }
}

fn numbers(tensor: Tensor<4>) -> Result<Vec<f32>> {
    let data = tensor.try_into_data().map_err(|e| Error::new(format!("reading features: {e}")))?;
    data.try_into_vec().map_err(|e| Error::new(format!("reading features: {e:?}")))
}

impl Step<Layer> {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Convolution(layer) => relu(layer.forward(x)),
            Self::Pool(pool) => pool.on_device(x),
            Self::Fork(branches) => {
                let along = |branch: &Vec<Self>| branch.iter().fold(x.clone(), |x, step| step.forward(x));
                Tensor::cat(branches.iter().map(along).collect(), 1)
            }
        }
    }
}

impl Pool {
    fn on_device(self, x: Tensor<4>) -> Tensor<4> {
        let around = [(1, 1); 2];
        match self {
            Self::HalvedMax => max_pool2d(x, MaxPoolOptions { stride: [2; 2], ..MaxPoolOptions::new([3; 2]) }),
            Self::Max => {
                max_pool2d(x, MaxPoolOptions { stride: [1; 2], padding: around, ..MaxPoolOptions::new([3; 2]) })
            }
            Self::AverageInside | Self::AveragePadded => {
                let count_include_pad = self == Self::AveragePadded;
                let options = AvgPoolOptions::new([3; 2]);
                avg_pool2d(x, AvgPoolOptions { stride: [1; 2], padding: around, count_include_pad, ..options })
            }
        }
    }
}
