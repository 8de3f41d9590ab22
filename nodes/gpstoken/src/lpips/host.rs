//! LPIPS on the host's kernels. The tensor form in `on_device` is its twin.

use super::{
    Difference, Network,
    network::{EPSILON, Layer, SCALE, SHIFT, Stage},
};
use crate::{
    kernels::{convolution::Weights, patches::convolve_patches},
    layers::{Host, Map},
};
use rayon::prelude::*;
use splatgraph_sdk::Result;

impl Network {
    /// Compares two pictures `[H, W, 3]` with values 0..1. Calls `step` after each stage.
    ///
    /// # Errors
    /// `step` fails.
    pub fn compare(
        &self,
        pictures: [&[f32]; 2],
        size: [usize; 2],
        host: Host<'_>,
        step: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Vec<Difference>> {
        let mut maps = pictures.map(|picture| input(picture, size, host));
        let mut differences = Vec::new();
        for stage in &self.stages {
            let next = stage.forward(maps.each_ref(), host);
            std::mem::replace(&mut maps, next).into_iter().for_each(|map| host.put(map));
            differences.push(difference(&maps, &stage.head));
            step()?;
        }
        maps.into_iter().for_each(|map| host.put(map));
        Ok(differences)
    }
}

/// Converts a picture to the network's input.
pub(crate) fn input(picture: &[f32], size: [usize; 2], host: Host<'_>) -> Map {
    let mut map = host.map(size, 3);
    for (to, from) in map.values_mut().as_chunks_mut::<3>().0.iter_mut().zip(picture.as_chunks::<3>().0) {
        *to = std::array::from_fn(|c| (from[c] * 2.0 - 1.0 - SHIFT[c]) / SCALE[c]);
    }
    map
}

impl Stage {
    /// The features of several maps of one size.
    pub(crate) fn forward<const N: usize>(&self, maps: [&Map; N], host: Host<'_>) -> [Map; N] {
        let pooled = self.pool.map(|side| maps.map(|map| host.halve_to_largest(map, side)));
        let mut last: Option<[Map; N]> = None;
        for layer in &self.layers {
            let next = layer.forward(last.as_ref().or(pooled.as_ref()).map_or(maps, |maps| maps.each_ref()), host);
            last.replace(next).into_iter().flatten().for_each(|map| host.put(map));
        }
        pooled.into_iter().flatten().for_each(|map| host.put(map));
        last.unwrap_or_else(|| maps.map(|map| host.map(map.size, 0)))
    }
}

impl Layer {
    /// Whether the layer keeps the size of its map, with a kernel of 3x3.
    pub(crate) fn is_plain(&self) -> bool {
        (self.kernel.size, self.kernel.stride) == ([3; 2], 1)
    }

    /// The convolution and ReLU.
    fn forward<const N: usize>(&self, maps: [&Map; N], host: Host<'_>) -> [Map; N] {
        let Self { convolution, kernel } = self;
        if self.is_plain() {
            return host.convolve_rectified(convolution, maps);
        }
        let [weight, bias] = convolution.numbers();
        maps.map(|map| {
            let mut out = host.map(kernel.outputs(map.size), convolution.outputs());
            let weights = Weights { weight, bias, inputs: map.channels };
            let to = out.values_mut();
            convolve_patches(host.level, weights, *kernel, map.values(), map.size, to, host.workspace);
            out.rectify();
            out
        })
    }
}

fn difference([a, b]: &[Map; 2], head: &[f32]) -> Difference {
    let channels = a.channels;
    let mut values = vec![0.0; a.size[0] * a.size[1]];
    let pixels = a.values().par_chunks_exact(channels).zip(b.values().par_chunks_exact(channels));
    values.par_iter_mut().zip(pixels).for_each(|(value, (a, b))| {
        let [to_a, to_b] = [a, b].map(|pixel| 1.0 / (sum(pixel.iter().map(|v| v * v)).sqrt() + EPSILON));
        *value = sum(a.iter().zip(b).zip(head).map(|((a, b), weight)| weight * (a * to_a - b * to_b).powi(2)));
    });
    Difference { size: a.size, values }
}

fn sum(terms: impl Iterator<Item = f32>) -> f32 {
    terms.sum()
}
