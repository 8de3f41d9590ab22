//! The residual block of the image stem and the decoder.

use crate::{
    checkpoint::{Parameter, Weights},
    layers::{Convolution, GroupNorm, Host, Map, Statistics},
};

/// `x + conv(silu(norm(conv(silu(norm(x))))))`
#[derive(Clone, Debug)]
pub(crate) struct Residual<P = Parameter> {
    pub(crate) norm1: GroupNorm<P>,
    pub(crate) conv1: Convolution<P>,
    pub(crate) norm2: GroupNorm<P>,
    pub(crate) conv2: Convolution<P>,
    /// Converts `x` to the new number of channels.
    pub(crate) shortcut: Option<Convolution<P>>,
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

    /// `[H, W, in] -> [H, W, out]`. Reuses the memory of `x` for the result, or returns it to the workspace.
    pub(super) fn forward(&self, mut x: Map, statistics: Statistics, host: Host<'_>) -> Map {
        let mut h = host.map(x.size, self.conv1.outputs());
        host.normalise_convolve(&self.norm1, &self.conv1, &x, statistics, &mut h, false);
        if let Some(shortcut) = &self.shortcut {
            let shortened = host.convolve_pixels(shortcut, &x);
            host.put(std::mem::replace(&mut x, shortened));
        }
        host.normalise_convolve(&self.norm2, &self.conv2, &h, statistics, &mut x, true);
        host.put(h);
        x
    }
}

impl<P> Residual<P> {
    /// The block with every parameter mapped.
    pub(crate) fn map<Q>(&self, f: &mut dyn FnMut(&P) -> Q) -> Residual<Q> {
        Residual {
            norm1: self.norm1.map(f),
            conv1: self.conv1.map(f),
            norm2: self.norm2.map(f),
            conv2: self.conv2.map(f),
            shortcut: self.shortcut.as_ref().map(|shortcut| shortcut.map(f)),
        }
    }
}
