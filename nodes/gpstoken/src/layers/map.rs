//! Maps in the host's memory, and what the convolutional layers do with them on the host's kernels.

use super::{Convolution, GroupNorm, Statistics};
use crate::kernels::{
    convolution::{Source, Weights, convolve, convolve_pixels, read_doubled, read_plain},
    cpu::Level,
    group_norm::Normalisation,
    workspace::Workspace,
};

/// A feature map with the channels of a pixel side by side: `[height, width, channels]`.
#[derive(Debug)]
pub struct Map {
    /// The numbers, and maybe more behind them.
    values: Vec<f32>,
    /// Height and width.
    pub size: [usize; 2],
    /// Channels of a pixel.
    pub channels: usize,
}

impl Map {
    /// The numbers.
    pub fn values(&self) -> &[f32] {
        &self.values[..self.size[0] * self.size[1] * self.channels]
    }

    /// The numbers.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values[..self.size[0] * self.size[1] * self.channels]
    }
}

/// What a forward pass on the host works with: the processor's instructions, and memory.
#[derive(Clone, Copy, Debug)]
pub struct Host<'a> {
    /// Instructions to use.
    pub level: Level,
    /// Where buffers come from.
    pub workspace: &'a Workspace,
}

impl Host<'_> {
    /// A map with any content.
    pub fn map(self, size: [usize; 2], channels: usize) -> Map {
        Map { values: self.workspace.take(size[0] * size[1] * channels), size, channels }
    }

    /// Gives a map's memory back.
    pub fn put(self, map: Map) {
        self.workspace.put(map.values);
    }

    /// A 3x3 convolution.
    pub(crate) fn convolve(self, convolution: &Convolution, x: &Map) -> Map {
        let read = read_plain(x.values(), x.size[1], x.channels);
        let mut out = self.map(x.size, convolution.outputs());
        let source = Source { size: x.size, doubled: false, read: &read };
        self.convolve_source(convolution, &source, x.channels, &mut out, false);
        out
    }

    /// A 3x3 convolution of the map with each pixel twice along both axes.
    pub(crate) fn convolve_doubled(self, convolution: &Convolution, x: &Map) -> Map {
        let read = read_doubled(x.values(), x.size[1], x.channels);
        let size = x.size.map(|side| 2 * side);
        let mut out = self.map(size, convolution.outputs());
        let source = Source { size, doubled: true, read: &read };
        self.convolve_source(convolution, &source, x.channels, &mut out, false);
        out
    }

    /// `conv(silu(norm(x)))`, or that added to what is in `out`.
    pub(crate) fn normalise_convolve(
        self,
        norm: &GroupNorm,
        convolution: &Convolution,
        x: &Map,
        statistics: Statistics,
        out: &mut Map,
        add: bool,
    ) {
        let [scale, shift] = norm.numbers();
        let norm = self.normalisation(x, [scale, shift], statistics);
        let read = |y: usize, columns, out: &mut [f32]| norm.read(y, columns, true, out);
        let source = Source { size: x.size, doubled: false, read: &read };
        self.convolve_source(convolution, &source, x.channels, out, add);
    }

    pub(crate) fn normalisation<'b>(
        self,
        x: &'b Map,
        parameters: [&'b [f32]; 2],
        statistics: Statistics,
    ) -> Normalisation<'b> {
        Normalisation::of(self.level, x.values(), x.size, parameters, statistics)
    }

    fn convolve_source(self, convolution: &Convolution, source: &Source<'_>, inputs: usize, out: &mut Map, add: bool) {
        let [weight, bias] = convolution.numbers();
        let weights = Weights { weight, bias, inputs };
        convolve(self.level, weights, source, out.values_mut(), add, self.workspace);
    }

    /// A 1x1 convolution.
    pub(crate) fn convolve_pixels(self, convolution: &Convolution, x: &Map) -> Map {
        let mut out = self.map(x.size, convolution.outputs());
        let [weight, bias] = convolution.numbers();
        let weights = Weights { weight, bias, inputs: x.channels };
        convolve_pixels(self.level, weights, x.values(), out.values_mut(), false, self.workspace);
        out
    }
}
