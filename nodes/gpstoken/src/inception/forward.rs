//! The network on the host's kernels.

use super::network::{Layer, Network, Pool, SIDE, SPATIAL_CHANNELS, Step};
use crate::{
    kernels::{
        convolution::{Source, Weights, convolve_transformed, read_plain, transformed},
        cpu::Level,
        memory::Buffer,
        patches::{Kernel, convolve_panels, panels_of},
    },
    layers::{Host, Map},
};
use rayon::prelude::*;

/// A layer whose weights are in the order of their use.
#[derive(Debug)]
pub struct Prepared {
    weights: Ordered,
    bias: Vec<f32>,
    inputs: usize,
    kernel: Kernel,
}

/// Weights for a method.
#[derive(Debug)]
enum Ordered {
    /// Panels for the product of all pixels under the kernel.
    Panels(Buffer),
    /// Weights of a 3x3 kernel, transformed for Winograd's method.
    Transformed(Buffer),
}

/// The layers with more weights than this have maps of 8 x 8 pixels, which are four tiles of Winograd's method: to read its weights, four
/// times as many, takes longer than the method saves.
const MOST_WEIGHTS: usize = 1 << 18;

/// The features of one picture.
#[derive(Clone, Debug, PartialEq)]
pub struct PictureFeatures {
    /// The means of the last map; 2048 with the usual widths.
    pub pool: Vec<f32>,
    /// The first channels of `Mixed_6d`, pixel by pixel; 17 * 17 * 7.
    pub spatial: Vec<f32>,
    /// The numbers of the classes before softmax, without the last layer's bias; 1008 or 1000.
    pub logits: Vec<f32>,
}

impl Network {
    /// The network for the host, with these instructions.
    pub fn prepare(&self, level: Level) -> Network<Prepared> {
        self.map(&mut |layer: &Layer| {
            let Layer { weight, bias, inputs, kernel } = layer;
            let transforms = (kernel.size, kernel.stride) == ([3, 3], 1) && weight.len() <= MOST_WEIGHTS;
            let weights = if transforms {
                Ordered::Transformed(transformed(level, weight, bias.len(), *inputs))
            } else {
                Ordered::Panels(panels_of(weight, bias.len(), *inputs, *kernel))
            };
            Prepared { weights, bias: bias.clone(), inputs: *inputs, kernel: *kernel }
        })
    }
}

impl Network<Prepared> {
    /// The features of a picture `[SIDE, SIDE, 3]`, about -1..1.
    pub fn features(&self, picture: &[f32], host: Host<'_>) -> PictureFeatures {
        let mut map = host.map([SIDE; 2], 3);
        map.values_mut().copy_from_slice(picture);
        let mut spatial = Vec::new();
        for (index, step) in self.steps.iter().enumerate() {
            let next = step.forward(&map, host);
            host.put(std::mem::replace(&mut map, next));
            if index == self.spatial {
                let pixels = map.values().chunks_exact(map.channels);
                spatial = pixels.flat_map(|pixel| &pixel[..SPATIAL_CHANNELS]).copied().collect();
            }
        }
        let mut pooled = host.map([1, 1], map.channels);
        let mut sums = vec![0.0_f64; map.channels];
        for pixel in map.values().chunks_exact(map.channels) {
            sums.iter_mut().zip(pixel).for_each(|(sum, v)| *sum += f64::from(*v));
        }
        let pixels = (map.size[0] * map.size[1]) as f64;
        pooled.values_mut().iter_mut().zip(&sums).for_each(|(mean, sum)| *mean = (sum / pixels) as f32);
        let logits = self.classes.forward(&pooled, host);
        let features = PictureFeatures { pool: pooled.values().to_vec(), spatial, logits: logits.values().to_vec() };
        [map, pooled, logits].into_iter().for_each(|map| host.put(map));
        features
    }
}

impl Step<Prepared> {
    fn forward(&self, map: &Map, host: Host<'_>) -> Map {
        match self {
            Self::Convolution(layer) => {
                let mut out = layer.forward(map, host);
                out.rectify();
                out
            }
            Self::Pool(pool) => pool.forward(map, host),
            Self::Fork(branches) => {
                let ends = branches.iter().map(|branch| along(branch, map, host)).collect();
                side_by_side(ends, host)
            }
        }
    }
}

fn along(branch: &[Step<Prepared>], map: &Map, host: Host<'_>) -> Map {
    let (first, rest) = branch.split_first().expect("a branch has a step");
    let mut end = first.forward(map, host);
    for step in rest {
        let next = step.forward(&end, host);
        host.put(std::mem::replace(&mut end, next));
    }
    end
}

/// A map with the channels of all maps, which have one size.
fn side_by_side(maps: Vec<Map>, host: Host<'_>) -> Map {
    let channels = maps.iter().map(|map| map.channels).sum();
    let mut out = host.map(maps[0].size, channels);
    let mut start = 0;
    for map in maps {
        let pixels = out.values_mut().par_chunks_exact_mut(channels).zip(map.values().par_chunks_exact(map.channels));
        pixels.with_min_len(64).for_each(|(out, from)| out[start..start + map.channels].copy_from_slice(from));
        start += map.channels;
        host.put(map);
    }
    out
}

/// A map without its outermost pixels, under which a kernel of 3x3 pixels reaches beyond the border.
fn inner(map: Map, host: Host<'_>) -> Map {
    let ([height, width], channels) = (map.size, map.channels);
    let mut inner = host.map([height - 2, width - 2], channels);
    let lines = map.values().par_chunks_exact(width * channels).skip(1);
    inner.values_mut().par_chunks_exact_mut((width - 2) * channels).zip(lines).for_each(|(to, line)| {
        to.copy_from_slice(&line[channels..][..to.len()]);
    });
    host.put(map);
    inner
}

impl Prepared {
    fn forward(&self, map: &Map, host: Host<'_>) -> Map {
        debug_assert_eq!(map.channels, self.inputs);
        let channels = self.bias.len();
        match &self.weights {
            Ordered::Panels(panels) => {
                let mut out = host.map(self.kernel.outputs(map.size), channels);
                let source = (map.values(), map.size, map.channels);
                let weights = [panels, self.bias.as_slice()];
                convolve_panels(host.level, weights, self.kernel, source, out.values_mut(), host.workspace);
                out
            }
            Ordered::Transformed(weight) => {
                let weights = Weights { weight, bias: &self.bias, inputs: self.inputs };
                let read = read_plain(map.values(), map.size[1], map.channels);
                let source = Source { size: map.size, doubled: false, read: &read };
                let mut out = host.map(map.size, channels);
                convolve_transformed(host.level, weights, &source, out.values_mut(), host.workspace);
                if self.kernel.padding == [1, 1] { out } else { inner(out, host) }
            }
        }
    }
}

impl Pool {
    fn forward(self, map: &Map, host: Host<'_>) -> Map {
        if self == Self::HalvedMax {
            return host.halve_to_largest(map, 3);
        }
        let ([height, width], channels) = (map.size, map.channels);
        let mut out = host.map(map.size, channels);
        let values = map.values();
        // The pixel and its neighbours, inside the map.
        let window = |at: usize, length: usize| at.saturating_sub(1)..(at + 2).min(length);
        out.values_mut().par_chunks_exact_mut(width * channels).enumerate().for_each(|(y, line)| {
            for (x, to) in line.chunks_exact_mut(channels).enumerate() {
                let (rows, columns) = (window(y, height), window(x, width));
                let inside = rows.len() * columns.len();
                let pixels = rows.flat_map(|row| columns.clone().map(move |column| row * width + column));
                let pixels = pixels.map(|pixel| &values[pixel * channels..][..channels]);
                if self == Self::Max {
                    to.fill(f32::NEG_INFINITY);
                    pixels.for_each(|pixel| to.iter_mut().zip(pixel).for_each(|(to, v)| *to = to.max(*v)));
                } else {
                    to.fill(0.0);
                    pixels.for_each(|pixel| to.iter_mut().zip(pixel).for_each(|(to, v)| *to += v));
                    let count = if self == Self::AverageInside { inside } else { 9 };
                    to.iter_mut().for_each(|v| *v /= count as f32);
                }
            }
        });
        out
    }
}
