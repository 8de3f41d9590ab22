//! The convolutional block of the image stem and the decoder.

use super::{
    direct::{Direct, Map},
    group_norm::{GroupNorm, Statistics},
    layers::Convolution,
};
use crate::weights::Weights;
use burn::{
    module::Module,
    tensor::{Tensor, activation::silu},
};

/// `x + conv(silu(norm(conv(silu(norm(x))))))`
#[derive(Module, Debug)]
pub(super) struct Residual {
    norm1: GroupNorm,
    conv1: Convolution,
    norm2: GroupNorm,
    conv2: Convolution,
    /// Brings `x` to the new number of channels.
    shortcut: Option<Convolution>,
}

impl Residual {
    pub(super) fn load(weights: &mut Weights, key: &str, input: usize, output: usize) -> Self {
        Self {
            norm1: GroupNorm::load(weights, &format!("{key}.norm1"), input),
            conv1: Convolution::load(weights, &format!("{key}.conv1"), input, output, 3),
            norm2: GroupNorm::load(weights, &format!("{key}.norm2"), output),
            conv2: Convolution::load(weights, &format!("{key}.conv2"), output, output, 3),
            shortcut: (input != output)
                .then(|| Convolution::load(weights, &format!("{key}.nin_shortcut"), input, output, 1)),
        }
    }

    /// `[B, in, H, W] -> [B, out, H, W]`
    pub(super) fn forward(&self, x: Tensor<4>, statistics: Statistics) -> Tensor<4> {
        let h = self.conv1.forward(silu(self.norm1.forward(x.clone(), statistics)));
        let h = self.conv2.forward(silu(self.norm2.forward(h, statistics)));
        match &self.shortcut {
            Some(shortcut) => h + shortcut.forward(x),
            None => h + x,
        }
    }

    /// As `forward`, on the CPU's kernels; `x`'s memory becomes the result's, or is given back.
    pub(super) fn direct(&self, mut x: Map, statistics: Statistics, direct: Direct<'_>) -> Map {
        let mut h = direct.map(x.size, self.conv1.outputs());
        direct.normalise_convolve(&self.norm1, &self.conv1, &x, statistics, &mut h, false);
        if let Some(shortcut) = &self.shortcut {
            let shortened = direct.convolve_pixels(shortcut, &x);
            direct.put(std::mem::replace(&mut x, shortened));
        }
        direct.normalise_convolve(&self.norm2, &self.conv2, &h, statistics, &mut x, true);
        direct.put(h);
        x
    }
}
