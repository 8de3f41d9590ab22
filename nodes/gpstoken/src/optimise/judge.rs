//! The loss of a picture, and its gradient.

use super::parts::{add_part, copy_part};
use crate::{
    canvas::{picture::model_value, psnr::psnr},
    gradients::losses::{Differences, structural},
    layers::{Host, Map},
    lpips::Network,
};
use splatgraph_sdk::{Error, InputGroup, Result};
use std::ops::Range;

/// The weights of the parts of the loss: inputs of OptimizeTokens.
#[derive(Clone, Copy, Debug, InputGroup)]
pub struct Losses {
    /// Weight of the mean squared difference, which PSNR measures. Values count as -1..1, as in TrainTokenizer.
    #[input(default = 1.0, min = 0, max = 1000)]
    pub squared: f32,
    /// Weight of the mean absolute difference.
    #[input(default = 0.0, min = 0, max = 1000)]
    pub absolute: f32,
    /// Weight of 1 - SSIM.
    #[input(default = 0.0, min = 0, max = 1000)]
    pub ssim: f32,
    /// Weight of LPIPS. It makes pictures look sharper and a step take several times as long; it needs `lpips`.
    #[input(default = 0.0, min = 0, max = 1000)]
    pub perceptual: f32,
}

impl Losses {
    /// Checks the weights.
    ///
    /// # Errors
    /// A weight is not finite, or all weights are 0.
    pub fn check(&self) -> Result<()> {
        let weights = [self.squared, self.absolute, self.ssim, self.perceptual];
        if weights.iter().all(|weight| weight.is_finite()) && weights.iter().any(|weight| *weight > 0.0) {
            return Ok(());
        }
        Err(Error::input(
            "squared",
            format!(
                "expected finite weights for squared, absolute, ssim and perceptual, and not all 0, got {weights:?}. Set at least one above 0"
            ),
        ))
    }
}

/// What a picture should be, and how differences count.
pub struct Judge<'a> {
    /// The picture `[H, W, 3]`, with values -1..1.
    expected: Map,
    /// The picture with values 0..1.
    unit: Map,
    /// How much the difference of each pixel counts, 0..1, `[H, W]`.
    weights: Option<&'a [f32]>,
    losses: Losses,
    /// The network of LPIPS, if it counts.
    lpips: Option<&'a Network>,
    /// The network's features of the picture, if it is a single part.
    features: Option<Vec<Map>>,
    host: Host<'a>,
}

impl<'a> Judge<'a> {
    /// LPIPS sees larger pictures in parts of at most this side, so that its memory does not grow with them.
    const PART: usize = 512;

    /// A judge for a picture of `size`, height and width, with values 0..1.
    pub fn new(
        picture: &[f32],
        size: [usize; 2],
        weights: Option<&'a [f32]>,
        losses: Losses,
        lpips: Option<&'a Network>,
        host: Host<'a>,
    ) -> Self {
        let (mut expected, mut unit) = (host.map(size, 3), host.map(size, 3));
        unit.values_mut().copy_from_slice(picture);
        expected.values_mut().iter_mut().zip(picture).for_each(|(to, v)| *to = model_value(*v));
        let lpips = lpips.filter(|_| losses.perceptual > 0.0);
        let features = lpips.filter(|_| size.iter().all(|side| *side <= Self::PART));
        let features = features.map(|network| network.features(&unit, host));
        Self { expected, unit, weights, losses, lpips, features, host }
    }

    /// The loss of a picture `[H, W, 3]` with values around -1..1, and its gradient.
    pub fn judge(&self, picture: &Map) -> (f64, Map) {
        let Losses { squared, absolute, ssim, perceptual } = self.losses;
        let weighted = self.weights.map(|weights| self.weigh(picture, weights));
        let seen = weighted.as_ref().unwrap_or(picture);
        let differences = Differences { absolute, squared, gradient: 0.0 };
        let (mut loss, mut gradient) = differences.of([seen, &self.expected], 1, self.host);
        if ssim > 0.0 || self.lpips.is_some() {
            let mut unit = self.host.map(seen.size, 3);
            unit.values_mut().iter_mut().zip(seen.values()).for_each(|(to, v)| *to = (v + 1.0) / 2.0);
            // The half is the slope of `unit`.
            if ssim > 0.0 {
                let (part, of_unit) = structural([&unit, &self.unit], 1, self.host);
                loss += f64::from(ssim) * part;
                add_part(&of_unit, ssim / 2.0, [0, 0], &mut gradient);
                self.host.put(of_unit);
            }
            if let Some(network) = self.lpips {
                loss += f64::from(perceptual) * self.perceive(network, &unit, perceptual / 2.0, &mut gradient);
            }
            self.host.put(unit);
        }
        if let Some(weights) = self.weights {
            let pixels = gradient.values_mut().as_chunks_mut::<3>().0.iter_mut();
            pixels.zip(weights).for_each(|(pixel, weight)| *pixel = pixel.map(|v| v * weight));
        }
        weighted.into_iter().for_each(|map| self.host.put(map));
        (loss, gradient)
    }

    /// The PSNR of a picture, without weights.
    pub fn psnr(&self, picture: &Map) -> f64 {
        let unit: Vec<f32> = picture.values().iter().map(|v| (v + 1.0) / 2.0).collect();
        psnr(self.unit.values(), &unit)
    }

    /// The expected picture plus the weighted difference to it.
    fn weigh(&self, picture: &Map, weights: &[f32]) -> Map {
        let mut weighted = self.host.map(picture.size, 3);
        let pixels = picture.values().as_chunks::<3>().0.iter().zip(self.expected.values().as_chunks::<3>().0);
        let to = weighted.values_mut().as_chunks_mut::<3>().0.iter_mut();
        for ((to, (pixel, expected)), weight) in to.zip(pixels).zip(weights) {
            *to = std::array::from_fn(|c| expected[c] + weight * (pixel[c] - expected[c]));
        }
        weighted
    }

    /// LPIPS of a picture with values 0..1, or the mean of its parts by their areas. Adds `factor` times its gradient to `gradient`.
    fn perceive(&self, network: &Network, unit: &Map, factor: f32, gradient: &mut Map) -> f64 {
        if let Some(features) = &self.features {
            let (distance, of_unit) = network.loss_to(unit, features, self.host);
            add_part(&of_unit, factor, [0, 0], gradient);
            self.host.put(of_unit);
            return distance;
        }
        let [rows, columns] = unit.size.map(|side| parts(side, Self::PART));
        let area = (unit.size[0] * unit.size[1]) as f64;
        let mut sum = 0.0;
        for (row, column) in rows.iter().flat_map(|row| columns.iter().map(move |column| (row, column))) {
            let (start, size) = ([row.start, column.start], [row.len(), column.len()]);
            let pictures = [unit, &self.unit].map(|whole| {
                let mut part = self.host.map(size, 3);
                copy_part(whole, start, &mut part);
                part
            });
            let share = (size[0] * size[1]) as f64 / area;
            let (distance, of_part) = network.loss(pictures.each_ref(), self.host);
            sum += share * distance;
            add_part(&of_part, share as f32 * factor, start, gradient);
            pictures.into_iter().chain([of_part]).for_each(|map| self.host.put(map));
        }
        sum
    }
}

/// A side in the fewest nearly equal parts of at most `most`.
fn parts(side: usize, most: usize) -> Vec<Range<usize>> {
    let count = side.div_ceil(most);
    (0..count).map(|i| i * side / count..(i + 1) * side / count).collect()
}
