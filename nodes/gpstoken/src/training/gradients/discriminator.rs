//! A network that tells a tokenizer's pictures from those of the folder, and what both learn from that.
//!
//! PatchGAN (Isola et al. 2017): convolutions of 4 x 4, so that each number it gives judges a patch of 70 x 70 pixels. Groups of
//! channels are normalised where the paper normalises batches, so that the score of a picture, and with it a step, depends on no
//! other picture. Hinge losses (Lim and Ye 2017; Miyato et al. 2018). Always in f32.

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

/// The network.
#[derive(Clone, Debug)]
pub struct Discriminator<P = HostParameter> {
    layers: Vec<Layer<P>>,
}

#[derive(Clone, Debug)]
struct Layer<P = HostParameter> {
    weight: P, // [out, in, 4, 4]
    bias: P,
    /// All but the first and the last have one.
    norm: Option<GroupNorm<P>>,
    stride: usize,
}

impl Discriminator {
    /// Builds the network.
    ///
    /// # Errors
    /// The tensors are no discriminator.
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
    /// Pictures `[B, 3, H, W]`, -1..1, to a score for each patch, `[B, 1, h, w]`: high for what seems to be a picture of the folder.
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
