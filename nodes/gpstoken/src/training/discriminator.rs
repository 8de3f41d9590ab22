//! A network that tells a tokenizer's pictures from those of the folder, and what both learn from that.
//!
//! PatchGAN (Isola et al. 2017): convolutions of 4 x 4, so that each number it gives judges a patch of 70 x 70 pixels. Groups of
//! channels are normalised where the paper normalises batches, so that the score of a picture, and with it a step, depends on no
//! other picture. Hinge losses (Lim and Ye 2017; Miyato et al. 2018). Always in f32.

use super::random::{Purpose, Random};
use crate::{
    tokenizer::{GroupNorm, Statistics},
    weights::Weights,
};
use burn::{
    module::{Module, Param, ParamId},
    prelude::Device,
    tensor::{
        Tensor,
        activation::{leaky_relu, relu},
        module::conv2d,
        ops::ConvOptions,
    },
};
use splatgraph_sdk::{Result, Tensor as HostTensor};
use std::collections::BTreeMap;

/// How far each convolution walks.
const STRIDES: [usize; 5] = [2, 2, 2, 1, 1];
const SLOPE: f64 = 0.2;

/// The network.
#[derive(Module, Debug)]
pub struct Discriminator {
    layers: Vec<Layer>,
}

#[derive(Module, Debug)]
struct Layer {
    weight: Param<Tensor<4>>, // [out, in, 4, 4]
    bias: Param<Tensor<1>>,
    /// All but the first and the last have one.
    norm: Option<GroupNorm>,
    stride: usize,
}

/// Channels before and after each layer.
fn widths(channels: usize) -> [usize; 6] {
    [3, channels, 2 * channels, 4 * channels, 8 * channels, 1]
}

/// Random weights for a discriminator with so many channels in the first layer, as Isola et al. begin: a deviation of 0.02.
///
/// # Errors
/// There are no channels.
pub fn first_weights(channels: usize, seed: u64) -> Result<BTreeMap<String, HostTensor>> {
    let widths = widths(channels);
    let mut weights = BTreeMap::new();
    for layer in 0..STRIDES.len() {
        let (input, output) = (widths[layer], widths[layer + 1]);
        let mut random = Random::new(seed, Purpose::Discriminator, layer as u64, 0);
        let mut normal = |count: usize, mean: f32| -> Vec<f32> {
            random.normal(count).into_iter().map(|value| mean + 0.02 * value).collect()
        };
        let kernel = normal(16 * input * output, 0.0);
        weights.insert(format!("layers.{layer}.weight"), HostTensor::from_vec([output, input, 4, 4], kernel)?);
        weights.insert(format!("layers.{layer}.bias"), HostTensor::from_vec([output], vec![0.0; output])?);
        if is_normalised(layer) {
            weights.insert(format!("norms.{layer}.weight"), HostTensor::from_vec([output], normal(output, 1.0))?);
            weights.insert(format!("norms.{layer}.bias"), HostTensor::from_vec([output], vec![0.0; output])?);
        }
    }
    Ok(weights)
}

fn is_normalised(layer: usize) -> bool {
    layer > 0 && layer + 1 < STRIDES.len()
}

impl Discriminator {
    /// Builds the network, and tells the key of each parameter.
    ///
    /// # Errors
    /// The tensors are those of no discriminator.
    pub fn load(tensors: BTreeMap<String, HostTensor>, device: &Device) -> Result<(Self, Vec<(String, ParamId)>)> {
        let mut weights = Weights::new("a discriminator", tensors, &["layers.0.weight"], device);
        let widths = widths(weights.side(&[("layers.0.weight", 0)]));
        let layer = |(layer, &stride): (usize, &usize)| {
            let output = widths[layer + 1];
            Layer {
                weight: weights.take(&format!("layers.{layer}.weight"), [output, widths[layer], 4, 4]),
                bias: weights.take(&format!("layers.{layer}.bias"), [output]),
                norm: is_normalised(layer).then(|| GroupNorm::load(&mut weights, &format!("norms.{layer}"), output)),
                stride,
            }
        };
        let layers = STRIDES.iter().enumerate().map(layer).collect();
        Ok((Self { layers }, weights.finish()?))
    }

    /// Pictures `[B, 3, H, W]`, -1..1, to a score for each patch, `[B, 1, h, w]`: high for what seems to be a picture of the folder.
    pub fn forward(&self, mut x: Tensor<4>) -> Tensor<4> {
        for (index, Layer { weight, bias, norm, stride }) in self.layers.iter().enumerate() {
            let options = ConvOptions::new([*stride, *stride], [1, 1], [1, 1], 1);
            x = conv2d(x, weight.val(), Some(bias.val()), options);
            if let Some(norm) = norm {
                x = norm.forward(x, Statistics::Picture);
            }
            if index + 1 < self.layers.len() {
                x = leaky_relu(x, SLOPE);
            }
        }
        x
    }

    /// What the discriminator makes small: 1 where it can't tell the two apart, 0 where it is sure of every patch.
    pub fn loss(&self, real: Tensor<4>, made: Tensor<4>) -> Tensor<1> {
        let pictures = real.dims()[0];
        let scores = self.forward(Tensor::cat(vec![real, made], 0));
        let [real, made] = [0, 1].map(|half| scores.clone().narrow(0, half * pictures, pictures));
        (relu(-real + 1.0).mean() + relu(made + 1.0).mean()) / 2.0
    }

    /// What the tokenizer makes small: the score of its pictures, with the other sign.
    pub fn adversarial(&self, made: Tensor<4>) -> Tensor<1> {
        -self.forward(made).mean()
    }
}
