//! The image stem on a device.

use super::{Parameter, layers::cast};
use crate::{layers::Statistics, tokenizer::ImageStem};
use burn::tensor::{FloatDType, Tensor};
use splatgraph_sdk::Result;

impl ImageStem<Parameter> {
    /// `[B, 3, H, W]` with values -1..1 to `[B, C, H, W]`. Calls `watch` with each stage's result.
    ///
    /// # Errors
    /// `watch` fails.
    pub fn forward(
        &self,
        picture: Tensor<4>,
        watch: &mut dyn FnMut(&str, &Tensor<4>) -> Result<()>,
    ) -> Result<Tensor<4>> {
        let precision = FloatDType::from(self.conv.weight.tensor::<4>().dtype());
        let mut x = self.conv.forward(cast(picture, precision));
        watch("conv", &x)?;
        for (block, name) in self.blocks.iter().zip(["block1", "block2"]) {
            x = block.forward(x, Statistics::Picture);
            watch(name, &x)?;
        }
        Ok(x)
    }
}
