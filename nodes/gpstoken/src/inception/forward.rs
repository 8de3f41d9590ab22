//! The network on the host's kernels.

use super::network::{Layer, Network, Pool, SIDE, SPATIAL_CHANNELS, Step};
use crate::{
    kernels::patches::{Kernel, convolve_panels, panels_of},
    layers::{Host, Map},
};
use rayon::prelude::*;

/// A layer whose weights are in the order of their use.
#[derive(Debug)]
pub struct Prepared {
    panels: Vec<f32>,
    bias: Vec<f32>,
    inputs: usize,
    kernel: Kernel,
}

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
    /// The network for the host.
    pub fn prepare(&self) -> Network<Prepared> {
        self.map(&mut |layer: &Layer| Prepared {
            panels: panels_of(&layer.weight, layer.bias.len(), layer.inputs, layer.kernel),
            bias: layer.bias.clone(),
            inputs: layer.inputs,
            kernel: layer.kernel,
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

impl Prepared {
    fn forward(&self, map: &Map, host: Host<'_>) -> Map {
        let size = self.kernel.outputs(map.size);
        let mut out = host.map(size, self.bias.len());
        debug_assert_eq!(map.channels, self.inputs);
        convolve_panels(
            host.level,
            [&self.panels, &self.bias],
            self.kernel,
            (map.values(), map.size, map.channels),
            out.values_mut(),
            host.workspace,
        );
        out
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
