//! The residual block on a device.

use super::Parameter;
use crate::{layers::Statistics, tokenizer::residual::Residual};
use burn::tensor::Tensor;

impl Residual<Parameter> {
    /// `[B, in, H, W] -> [B, out, H, W]`
    pub(super) fn forward(&self, x: Tensor<4>, statistics: Statistics) -> Tensor<4> {
        let h = self.conv1.forward(self.norm1.forward_silu(x.clone(), statistics));
        let h = self.norm2.forward_silu(h, statistics);
        let residual = match &self.shortcut {
            Some(shortcut) => shortcut.forward(x),
            None => x,
        };
        self.conv2.forward_adding(h, residual)
    }
}
