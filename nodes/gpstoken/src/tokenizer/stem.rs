//! The image stem: turns a tile of a picture into a feature map of the same size (paper, section 3.3).

use super::Residual;
use crate::{
    checkpoint::{Parameter, Weights},
    layers::{Convolution, Host, Map, Statistics},
};
use splatgraph_sdk::Result;

/// The image stem's network: a convolution and two residual blocks at full resolution.
#[derive(Clone, Debug)]
pub struct ImageStem<P = Parameter> {
    pub(crate) conv: Convolution<P>,
    pub(crate) blocks: [Residual<P>; 2],
}

/// Number of stages of a forward pass, which is the number of calls of `watch`.
pub const STEM_STAGES: usize = 3;

impl ImageStem {
    /// Takes the parameters.
    pub fn load(weights: &mut Weights, channels: usize) -> Self {
        Self {
            conv: Convolution::load(weights, "preprocess_img.0", 3, channels, 3),
            blocks: [1, 2].map(|i| Residual::load(weights, &format!("preprocess_img.{i}"), channels, channels)),
        }
    }

    /// `[H, W, 3]` with values -1..1 to `[H, W, C]`. Calls `watch` with each stage's result.
    ///
    /// # Errors
    /// `watch` fails.
    pub fn forward(
        &self,
        picture: &Map,
        host: Host<'_>,
        watch: &mut dyn FnMut(&str, &Map) -> Result<()>,
    ) -> Result<Map> {
        let mut x = host.convolve(&self.conv, picture);
        watch("conv", &x)?;
        for (block, name) in self.blocks.iter().zip(["block1", "block2"]) {
            x = block.forward(x, Statistics::Picture, host);
            watch(name, &x)?;
        }
        Ok(x)
    }
}

impl<P> ImageStem<P> {
    /// The stem with every parameter mapped.
    pub fn map<Q>(&self, f: &mut dyn FnMut(&P) -> Q) -> ImageStem<Q> {
        ImageStem { conv: self.conv.map(f), blocks: self.blocks.each_ref().map(|block| block.map(f)) }
    }
}
