//! Deletes tokens and lets their neighbours grow into the hole.
//!
//! A gaussian with the covariance `S` adds `2 pi sqrt(det S)` to the sum of all weights of the splat. This sum decides how
//! strongly a place is covered. A deleted token passes its weight to its neighbours, in shares proportional to the overlap:
//! the integral of the product of both gaussians. A neighbour then takes the mean and the covariance of the mixture of itself
//! and its shares (moment matching, the usual reduction of gaussian mixtures). Its covariance is scaled so that it has the
//! weight of the whole mixture. So the sum of all weights stays the same, in about the same place.

use super::{
    affine::{covariance, of_covariance},
    token_set::{HALF, TokenSet},
};
use crate::{canvas::Gaussian, names::counted, splat::is_usable};
use splatgraph_sdk::{Error, Result};

/// Overlaps below this part of the largest overlap get no share, so that tokens far away do not change by a bit.
const SMALLEST_SHARE: f64 = 0.01;

/// Deletes the tokens that are selected by at least a half. With `fill` their neighbours grow into the hole.
///
/// # Errors
/// All tokens are selected, so none would remain.
pub fn delete(set: &mut TokenSet, selected: &[f32], fill: bool) -> Result<()> {
    let (gone, stay): (Vec<usize>, Vec<usize>) = (0..set.len()).partition(|index| selected[*index] >= HALF);
    if stay.is_empty() {
        return Err(Error::new(format!(
            "expected a selection that leaves at least one token, got all {}. Select fewer",
            counted(set.len(), "token")
        )));
    }
    let mut left = set.pick(stay);
    if fill {
        let gone: Vec<Gaussian> = gone.iter().map(|index| set.gaussians[*index]).collect();
        grow(&mut left.gaussians, &gone);
    }
    *set = left;
    Ok(())
}

/// A gaussian, or a share of one, in a mixture.
#[derive(Clone, Copy)]
struct Part {
    /// The square root of the covariance's determinant, or a share of it.
    weight: f64,
    mean: [f64; 2],
    covariance: [f64; 3],
}

impl Part {
    fn of(gaussian: &Gaussian) -> Option<Self> {
        let &[sigma_x, sigma_y, rho, x, y] = gaussian;
        let covariance = covariance([sigma_x, sigma_y, rho]);
        let weight = determinant(covariance).sqrt();
        let usable = is_usable(gaussian) && weight > 0.0;
        usable.then(|| Self { weight, mean: [x, y].map(f64::from), covariance })
    }

    /// The logarithm of the integral of the product of both, without the terms that are equal for every `other`.
    fn overlap(&self, other: &Self) -> f64 {
        let [xx, xy, yy] = [0, 1, 2].map(|i| self.covariance[i] + other.covariance[i]);
        let [dx, dy] = [0, 1].map(|axis| other.mean[axis] - self.mean[axis]);
        let area = xx * yy - xy * xy;
        other.weight.ln() - area.ln() / 2.0 - (yy * dx * dx - 2.0 * xy * dx * dy + xx * dy * dy) / (2.0 * area)
    }
}

fn determinant([xx, xy, yy]: [f64; 3]) -> f64 {
    xx * yy - xy * xy
}

fn grow(left: &mut [Gaussian], gone: &[Gaussian]) {
    let own: Vec<Option<Part>> = left.iter().map(Part::of).collect();
    let mut shares: Vec<Vec<Part>> = vec![Vec::new(); left.len()];
    for part in gone.iter().filter_map(Part::of) {
        let overlaps: Vec<(usize, f64)> =
            own.iter().enumerate().filter_map(|(index, own)| Some((index, part.overlap(own.as_ref()?)))).collect();
        let largest = overlaps.iter().map(|(_, overlap)| *overlap).fold(f64::NEG_INFINITY, f64::max);
        let near: Vec<(usize, f64)> = overlaps
            .into_iter()
            .map(|(index, overlap)| (index, (overlap - largest).exp()))
            .filter(|(_, share)| *share >= SMALLEST_SHARE)
            .collect();
        let total: f64 = near.iter().map(|(_, share)| share).sum();
        for (index, share) in near {
            shares[index].push(Part { weight: part.weight * share / total, ..part });
        }
    }
    for ((gaussian, own), shares) in left.iter_mut().zip(own).zip(shares) {
        if let (Some(own), false) = (own, shares.is_empty()) {
            *gaussian = merged(own, &shares).unwrap_or(*gaussian);
        }
    }
}

/// The gaussian with mean, covariance and weight of the mixture; `None` if it cannot be splatted.
fn merged(own: Part, shares: &[Part]) -> Option<Gaussian> {
    let parts = || shares.iter().chain([&own]);
    let weight: f64 = parts().map(|part| part.weight).sum();
    let mean = [0, 1].map(|axis| parts().map(|part| part.weight * part.mean[axis]).sum::<f64>() / weight);
    let spread = |i: usize| {
        let [p, q] = [[0, 0], [0, 1], [1, 1]][i];
        let of = |part: &Part| part.covariance[i] + (part.mean[p] - mean[p]) * (part.mean[q] - mean[q]);
        parts().map(|part| part.weight * of(part)).sum::<f64>() / weight
    };
    let mixture = [0, 1, 2].map(spread);
    let scale = weight / determinant(mixture).sqrt();
    let [sigma_x, sigma_y, rho] = of_covariance(mixture.map(|v| v * scale));
    let gaussian = [sigma_x, sigma_y, rho, mean[0] as f32, mean[1] as f32];
    is_usable(&gaussian).then_some(gaussian)
}
