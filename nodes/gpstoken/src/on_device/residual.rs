//! The residual block on a device.

use super::Parameter;
use crate::{layers::Statistics, tokenizer::residual::Residual};
use burn::tensor::{Tensor, activation::silu};

impl Residual<Parameter> {
    /// `[B, in, H, W] -> [B, out, H, W]`
    pub(super) fn forward(&self, x: Tensor<4>, statistics: Statistics) -> Tensor<4> {
        let h = self.conv1.forward(silu(self.norm1.forward(x.clone(), statistics)));
        let h = self.conv2.forward(silu(self.norm2.forward(h, statistics)));
        match &self.shortcut {
            Some(shortcut) => h + shortcut.forward(x),
            None => h + x,
        }
    }
}
