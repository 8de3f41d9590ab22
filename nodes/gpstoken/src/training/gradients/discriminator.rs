//! The discriminator tells decoded pictures from pictures of the folder. Both networks learn from its judgement.
//!
//! The network is a PatchGAN (Isola et al. 2017): its convolutions are 4 x 4, so that each of its scores judges a patch of 70 x 70
//! pixels. It normalises groups of channels where the paper normalises batches, so that the score of a picture, and with it a step,
//! does not depend on other pictures. The losses are hinge losses (Lim and Ye 2017; Miyato et al. 2018). The network always computes
//! in f32.

use crate::{
    checkpoint::{Parameter as HostParameter, Weights},
    layers::{GroupNorm, Statistics},
    on_device::Parameter,
    training::discriminator::{STRIDES, is_normalised, widths},
};
use burn::tensor::{
    Tensor,
    activation::{leaky_relu, relu},
    module::conv2d,
    ops::ConvOptions,
};
use splatgraph_sdk::{Result, Tensor as HostTensor};
use std::collections::BTreeMap;

const SLOPE: f64 = 0.2;

/// The discriminator's network.
#[derive(Clone, Debug)]
pub struct Discriminator<P = HostParameter> {
    layers: Vec<Layer<P>>,
}

#[derive(Clone, Debug)]
struct Layer<P = HostParameter> {
    weight: P, // [out, in, 4, 4]
    bias: P,
    /// The norm. The first and the last layer have none.
    norm: Option<GroupNorm<P>>,
    stride: usize,
}

impl Discriminator {
    /// Builds the network from tensors.
    ///
    /// # Errors
    /// The tensors are not a discriminator's.
    pub fn load(tensors: BTreeMap<String, HostTensor>) -> Result<Self> {
        let mut weights = Weights::new("a discriminator", tensors, &["layers.0.weight"]);
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
        weights.finish()?;
        Ok(Self { layers })
    }
}

impl<P> Discriminator<P> {
    /// The network with every parameter mapped.
    pub fn map<Q>(&self, f: &mut dyn FnMut(&P) -> Q) -> Discriminator<Q> {
        let layer = |layer: &Layer<P>| Layer {
            weight: f(&layer.weight),
            bias: f(&layer.bias),
            norm: layer.norm.as_ref().map(|norm| norm.map(f)),
            stride: layer.stride,
        };
        Discriminator { layers: self.layers.iter().map(layer).collect() }
    }
}

impl Discriminator<Parameter> {
    /// Scores each patch of pictures `[B, 3, H, W]` with values -1..1: `[B, 1, h, w]`. A high score means that the patch looks like part
    /// of a picture of the folder.
    pub fn forward(&self, mut x: Tensor<4>) -> Tensor<4> {
        for (index, Layer { weight, bias, norm, stride }) in self.layers.iter().enumerate() {
            let options = ConvOptions::new([*stride, *stride], [1, 1], [1, 1], 1);
            x = conv2d(x, weight.tensor(), Some(bias.tensor()), options);
            if let Some(norm) = norm {
                x = norm.forward(x, Statistics::Picture);
            }
            if index + 1 < self.layers.len() {
                x = leaky_relu(x, SLOPE);
            }
        }
        x
    }

    /// The loss of the discriminator: 1 if it can't tell the two kinds of pictures apart, 0 if it is sure of every patch.
    pub fn loss(&self, real: Tensor<4>, made: Tensor<4>) -> Tensor<1> {
        let pictures = real.dims()[0];
        let scores = self.forward(Tensor::cat(vec![real, made], 0));
        let [real, made] = [0, 1].map(|half| scores.clone().narrow(0, half * pictures, pictures));
        (relu(-real + 1.0).mean() + relu(made + 1.0).mean()) / 2.0
    }

    /// The loss of the tokenizer: the negative score of its pictures.
    pub fn adversarial(&self, made: Tensor<4>) -> Tensor<1> {
        -self.forward(made).mean()
    }
}
