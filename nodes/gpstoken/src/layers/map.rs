//! Maps in the host's memory, and the convolutional layers on the host's kernels.

use super::{Convolution, GroupNorm, Statistics};
use crate::kernels::{
    convolution::{Source, Weights, convolve, convolve_pixels, convolve_rectified, read_doubled, read_plain},
    cpu::Level,
    group_norm::{Moments, Normalisation},
    memory::Buffer,
    workspace::Workspace,
};
use rayon::prelude::*;

/// A feature map `[height, width, channels]`. The channels of a pixel are adjacent.
#[derive(Debug)]
pub struct Map {
    /// The map's numbers. The buffer may be longer than the map.
    values: Buffer,
    /// Height and width.
    pub size: [usize; 2],
    /// Channels of a pixel.
    pub channels: usize,
}

impl Map {
    /// The map's numbers.
    pub fn values(&self) -> &[f32] {
        &self.values[..self.size[0] * self.size[1] * self.channels]
    }

    /// The map's numbers, mutable.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values[..self.size[0] * self.size[1] * self.channels]
    }
}

impl Map {
    /// ReLU in place.
    pub(crate) fn rectify(&mut self) {
        self.values_mut().par_chunks_mut(1 << 14).for_each(|part| part.iter_mut().for_each(|v| *v = v.max(0.0)));
    }
}

/// The resources of a forward pass on the host: the processor's instructions, and memory.
#[derive(Clone, Copy, Debug)]
pub struct Host<'a> {
    /// The instructions to use.
    pub level: Level,
    /// The source of buffers.
    pub workspace: &'a Workspace,
}

impl Host<'_> {
    /// A new map with any content.
    pub fn map(self, size: [usize; 2], channels: usize) -> Map {
        Map { values: self.workspace.take(size[0] * size[1] * channels), size, channels }
    }

    /// A copy of a map.
    pub(crate) fn copy(self, map: &Map) -> Map {
        const PART: usize = 1 << 14;
        let mut copy = self.map(map.size, map.channels);
        let parts = copy.values_mut().par_chunks_mut(PART).zip(map.values().par_chunks(PART));
        parts.for_each(|(to, from)| to.copy_from_slice(from));
        copy
    }

    /// A picture `[3, H, W]` as a map `[H, W, 3]`.
    pub(crate) fn interleave(self, planes: &[f32], size: [usize; 2]) -> Map {
        let mut map = self.map(size, 3);
        for (i, pixel) in map.values_mut().as_chunks_mut::<3>().0.iter_mut().enumerate() {
            *pixel = std::array::from_fn(|channel| planes[channel * size[0] * size[1] + i]);
        }
        map
    }

    /// Returns a map's memory to the workspace.
    pub fn put(self, map: Map) {
        self.workspace.put(map.values);
    }

    /// Max pooling: the largest values of windows of `side` pixels, two pixels apart.
    pub(crate) fn halve_to_largest(self, map: &Map, side: usize) -> Map {
        let (channels, [height, width]) = (map.channels, map.size);
        let [rows, columns] = [height, width].map(|length| (length - side) / 2 + 1);
        let mut out = self.map([rows, columns], channels);
        let values = map.values();
        out.values_mut().par_chunks_exact_mut(columns * channels).enumerate().for_each(|(y, line)| {
            for (x, largest) in line.chunks_exact_mut(channels).enumerate() {
                largest.fill(f32::NEG_INFINITY);
                for (dy, dx) in (0..side).flat_map(|dy| (0..side).map(move |dx| (dy, dx))) {
                    let pixel = &values[((2 * y + dy) * width + 2 * x + dx) * channels..][..channels];
                    largest.iter_mut().zip(pixel).for_each(|(largest, v)| *largest = largest.max(*v));
                }
            }
        });
        out
    }

    /// A 3x3 convolution.
    pub(crate) fn convolve(self, convolution: &Convolution, x: &Map) -> Map {
        let read = read_plain(x.values(), x.size[1], x.channels);
        let mut out = self.map(x.size, convolution.outputs());
        let source = Source { size: x.size, doubled: false, read: &read };
        self.convolve_source(convolution, &source, x.channels, &mut out, false);
        out
    }

    /// 3x3 convolutions of several maps, followed by ReLU.
    pub(crate) fn convolve_rectified<const N: usize>(self, convolution: &Convolution, maps: [&Map; N]) -> [Map; N] {
        let reads = maps.map(|x| read_plain(x.values(), x.size[1], x.channels));
        let mut out = maps.map(|x| self.map(x.size, convolution.outputs()));
        let [weight, bias] = convolution.numbers();
        let weights = Weights { weight, bias, inputs: maps.first().map_or(0, |x| x.channels) };
        let sources = reads.iter().zip(&mut out);
        let mut sources: Vec<_> =
            sources.map(|(read, out)| (Source { size: out.size, doubled: false, read }, out.values_mut())).collect();
        convolve_rectified(self.level, weights, &mut sources, self.workspace);
        out
    }

    /// A 3x3 convolution of the map, with each pixel doubled along both axes.
    pub(crate) fn convolve_doubled(self, convolution: &Convolution, x: &Map) -> Map {
        let read = read_doubled(x.values(), x.size[1], x.channels);
        let size = x.size.map(|side| 2 * side);
        let mut out = self.map(size, convolution.outputs());
        let source = Source { size, doubled: true, read: &read };
        self.convolve_source(convolution, &source, x.channels, &mut out, false);
        out
    }

    /// Computes `out = conv(silu(norm(x)))`, or `out += conv(silu(norm(x)))`.
    pub(crate) fn normalise_convolve(
        self,
        norm: &GroupNorm,
        convolution: &Convolution,
        x: &Map,
        statistics: Statistics,
        out: &mut Map,
        add: bool,
    ) {
        let moments = self.moments(x, statistics);
        let norm = self.normalisation(x, norm.numbers(), &moments);
        let read = |y: usize, columns, out: &mut [f32]| norm.read(y, columns, true, out);
        let source = Source { size: x.size, doubled: false, read: &read };
        self.convolve_source(convolution, &source, x.channels, out, add);
    }

    /// The moments of a map.
    pub(crate) fn moments(self, x: &Map, statistics: Statistics) -> Moments {
        Moments::of(self.level, x.values(), x.size, x.channels, statistics)
    }

    /// The normalisation of a map with its moments.
    pub(crate) fn normalisation<'b>(
        self,
        x: &'b Map,
        parameters: [&'b [f32]; 2],
        moments: &'b Moments,
    ) -> Normalisation<'b> {
        Normalisation::new(self.level, x.values(), x.size, parameters, moments)
    }

    /// A 3x3 convolution of pixels that a function reads.
    pub(crate) fn convolve_source(
        self,
        convolution: &Convolution,
        source: &Source<'_>,
        inputs: usize,
        out: &mut Map,
        add: bool,
    ) {
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
