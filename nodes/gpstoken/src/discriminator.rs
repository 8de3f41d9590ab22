//! The discriminator's network, which tells decoded pictures from pictures of a folder.
//!
//! The network is a PatchGAN (Isola et al. 2017): its convolutions are 4 x 4, so that each of its scores judges a patch of 70 x 70
//! pixels. It normalises groups of channels where the paper normalises batches, so that the score of a picture, and with it a step,
//! does not depend on other pictures. All layers except the last end with leaky ReLU.

use crate::{
    checkpoint::{Parameter, Weights},
    kernels::patches::Kernel,
    layers::{Convolution, GroupNorm},
};
use splatgraph_sdk::{Result, Tensor};
use std::collections::BTreeMap;

/// The stride of each convolution.
pub const STRIDES: [usize; 5] = [2, 2, 2, 1, 1];

/// The slope of leaky ReLU below 0.
pub(crate) const SLOPE: f32 = 0.2;

/// Numbers of channels: the input's, then each layer's output.
pub fn widths(channels: usize) -> [usize; 6] {
    [3, channels, 2 * channels, 4 * channels, 8 * channels, 1]
}

/// Whether a layer is normalised. All layers except the first and the last are.
pub fn is_normalised(layer: usize) -> bool {
    layer > 0 && layer + 1 < STRIDES.len()
}

/// The discriminator's network.
#[derive(Clone, Debug)]
pub struct Discriminator<P = Parameter> {
    pub(crate) layers: Vec<Layer<P>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Layer<P = Parameter> {
    pub(crate) convolution: Convolution<P>,
    pub(crate) kernel: Kernel,
    /// The norm. The first and the last layer have none.
    pub(crate) norm: Option<GroupNorm<P>>,
}

impl Discriminator {
    /// Builds the network from tensors.
    ///
    /// # Errors
    /// The tensors are not a discriminator's.
    pub fn load(tensors: BTreeMap<String, Tensor>) -> Result<Self> {
        let mut weights = Weights::new("a discriminator", tensors, &["layers.0.weight"]);
        let widths = widths(weights.side(&[("layers.0.weight", 0)]));
        let layer = |(layer, &stride): (usize, &usize)| {
            let kernel = Kernel::square(4, stride, 1);
            let (input, output) = (widths[layer], widths[layer + 1]);
            Layer {
                convolution: Convolution::load(&mut weights, &format!("layers.{layer}"), input, output, kernel.size[0]),
                kernel,
                norm: is_normalised(layer).then(|| GroupNorm::load(&mut weights, &format!("norms.{layer}"), output)),
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
            convolution: layer.convolution.map(f),
            kernel: layer.kernel,
            norm: layer.norm.as_ref().map(|norm| norm.map(f)),
        };
        Discriminator { layers: self.layers.iter().map(layer).collect() }
    }
}
