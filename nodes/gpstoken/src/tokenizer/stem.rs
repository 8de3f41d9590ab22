//! The image stem: a picture tile to a feature map of the same size (paper, section 3.3).

use super::{
    direct::{Direct, Map},
    group_norm::Statistics,
    layers::Convolution,
    residual::Residual,
};
use crate::weights::Weights;
use burn::{
    module::Module,
    tensor::{FloatDType, Tensor},
};
use splatgraph_sdk::Result;

/// A convolution and two residual blocks at full resolution.
#[derive(Module, Debug)]
pub struct ImageStem {
    conv: Convolution,
    blocks: Vec<Residual>,
}

impl ImageStem {
    /// Number of calls of `watch`.
    pub const STAGES: usize = 3;

    /// Takes the parameters.
    pub fn load(weights: &mut Weights, channels: usize) -> Self {
        Self {
            conv: Convolution::load(weights, "preprocess_img.0", 3, channels, 3),
            blocks: (1..=2)
                .map(|i| Residual::load(weights, &format!("preprocess_img.{i}"), channels, channels))
                .collect(),
        }
    }

    /// `[B, 3, H, W]` with values -1..1 to `[B, C, H, W]`. `watch` sees what each stage gives.
    ///
    /// # Errors
    /// Those of `watch`.
    pub fn forward(
        &self,
        picture: Tensor<4>,
        watch: &mut dyn FnMut(&str, &Tensor<4>) -> Result<()>,
    ) -> Result<Tensor<4>> {
        let precision = FloatDType::from(self.conv.weight().dtype());
        let mut x = self.conv.forward(picture.cast(precision));
        watch("conv", &x)?;
        for (block, name) in self.blocks.iter().zip(["block1", "block2"]) {
            x = block.forward(x, Statistics::Picture);
            watch(name, &x)?;
        }
        Ok(x)
    }

    /// As `forward`, on the CPU's kernels: `[H, W, 3]` to `[H, W, C]`.
    ///
    /// # Errors
    /// Those of `watch`.
    pub fn direct(
        &self,
        picture: &Map,
        direct: Direct<'_>,
        watch: &mut dyn FnMut(&str, &Map) -> Result<()>,
    ) -> Result<Map> {
        let mut x = direct.convolve(&self.conv, picture);
        watch("conv", &x)?;
        for (block, name) in self.blocks.iter().zip(["block1", "block2"]) {
            x = block.direct(x, Statistics::Picture, direct);
            watch(name, &x)?;
        }
        Ok(x)
    }
}
