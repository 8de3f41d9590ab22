//! An affine map of means and covariances about a pivot.
//!
//! With the linear part `A` (in pixels: a scaling, then a rotation), the mean `m` of a gaussian becomes `p + A (m - p) +
//! move`, and its covariance `S` becomes `A S A^T`. Sigmas and rho follow from the covariance. If `A` only scales the axes,
//! or swaps them, sigmas and rho are computed without the covariance, so a mirroring or a quarter turn changes no bit without
//! need.

use super::{area::Area, token_set::TokenSet};
use crate::{canvas::Gaussian, names::counted, splat::is_usable};
use serde::{Deserialize, Serialize};
use splatgraph_sdk::{Choice, Ctx, Error, Result};

/// A map of the plane. Lengths are in pixels; y goes downwards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Transform {
    /// The move to the right.
    pub move_x: f64,
    /// The move downwards.
    pub move_y: f64,
    /// The factor along x, before the rotation; a negative factor mirrors.
    pub scale_x: f64,
    /// The factor along y, before the rotation; a negative factor mirrors.
    pub scale_y: f64,
    /// The angle in degrees, clockwise.
    pub rotate: f64,
    /// The point that stays in place if nothing is moved.
    pub pivot: Pivot,
    /// See [`Pivot::Point`].
    pub pivot_x: f64,
    /// See [`Pivot::Point`].
    pub pivot_y: f64,
}

/// The point about which tokens are scaled and rotated.
#[derive(Choice, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pivot {
    /// The mean place of the selected tokens.
    #[default]
    Selection,
    /// The middle of the canvas.
    Canvas,
    /// The place `pivot_x`, `pivot_y` in pixels.
    Point,
    /// The place of each token: tokens change their shapes and stay in place.
    Each,
}

impl Default for Transform {
    fn default() -> Self {
        Self {
            move_x: 0.0,
            move_y: 0.0,
            scale_x: 1.0,
            scale_y: 1.0,
            rotate: 0.0,
            pivot: Pivot::Selection,
            pivot_x: 0.0,
            pivot_y: 0.0,
        }
    }
}

/// Sigmas below this many pixels are an error: such a gaussian falls between the pixels of every map.
const SMALLEST: f64 = 0.01;
/// The largest `|rho|` after a transform, so that no gaussian becomes a line.
const LARGEST_RHO: f64 = 1.0 - 1e-6;

impl Transform {
    /// Maps the selected tokens. A partly selected token gets a mean and a covariance between the old and the new ones. A
    /// token that cannot be splatted does not change.
    ///
    /// Returns the indices of the tokens that reached into the picture before and no longer do, with a support of `support`
    /// sigmas.
    ///
    /// # Errors
    /// A number of the map is not finite or a factor is 0, or a token would get too small or too large.
    pub fn apply(&self, set: &mut TokenSet, selected: &[f32], area: Area, support: f32) -> Result<Vec<usize>> {
        let map = self.map(set, selected, area)?;
        let first = area.to_coordinates([0.0; 2]).map(|v| v as f32);
        let last = area.to_coordinates(area.picture.map(|side| side as f64)).map(|v| v as f32);
        let reaches = |[sigma_x, sigma_y, _, x, y]: Gaussian| {
            let within = |v: f32, reach: f32, axis: usize| v + reach >= first[axis] && v - reach <= last[axis];
            within(x, support * sigma_x, 0) && within(y, support * sigma_y, 1)
        };
        let mut left = Vec::new();
        for (index, (gaussian, selected)) in set.gaussians.iter_mut().zip(selected).enumerate() {
            if *selected == 0.0 || !is_usable(gaussian) {
                continue;
            }
            let mapped = map.apply(*gaussian, f64::from(*selected));
            if mapped != *gaussian {
                check(mapped, index, area)?;
            }
            if reaches(*gaussian) && !reaches(mapped) {
                left.push(index);
            }
            *gaussian = mapped;
        }
        Ok(left)
    }

    fn map(&self, set: &TokenSet, selected: &[f32], area: Area) -> Result<Map> {
        let numbers = [
            ("move_x", self.move_x),
            ("move_y", self.move_y),
            ("scale_x", self.scale_x),
            ("scale_y", self.scale_y),
            ("rotate", self.rotate),
            ("pivot_x", self.pivot_x),
            ("pivot_y", self.pivot_y),
        ];
        for (name, number) in numbers {
            if !number.is_finite() || (number == 0.0 && name.starts_with("scale")) {
                let expected = if name.starts_with("scale") { "a number other than 0" } else { "a finite number" };
                return Err(Error::input(name, format!("expected {expected}, got {number}")));
            }
        }
        let [unit_x, unit_y] = area.unit();
        let [cos, sin] = turn(self.rotate);
        // The ratio of the units along y and x; exactly 1 on a square.
        let (across, down) = (unit_y / unit_x, unit_x / unit_y);
        let linear =
            [[cos * self.scale_x, -sin * self.scale_y * across], [sin * self.scale_x * down, cos * self.scale_y]];
        let pivot = match self.pivot {
            Pivot::Selection => Some(centre(set, selected)),
            Pivot::Canvas => Some(area.to_coordinates(area.picture.map(|side| side as f64 / 2.0))),
            Pivot::Point => Some(area.to_coordinates([self.pivot_x, self.pivot_y])),
            Pivot::Each => None,
        };
        Ok(Map { linear, pivot, shift: [self.move_x / unit_x, self.move_y / unit_y] })
    }
}

/// Cosine and sine of an angle in degrees, exact for quarter turns.
fn turn(degrees: f64) -> [f64; 2] {
    let degrees = degrees.rem_euclid(360.0);
    if degrees % 90.0 == 0.0 {
        return [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]][(degrees / 90.0) as usize % 4];
    }
    let (sin, cos) = degrees.to_radians().sin_cos();
    [cos, sin]
}

/// The mean place of the selected tokens, weighted by how much each is selected.
fn centre(set: &TokenSet, selected: &[f32]) -> [f64; 2] {
    let (mut sum, mut place) = (0.0, [0.0; 2]);
    for (gaussian, selected) in set.gaussians.iter().zip(selected).filter(|(gaussian, _)| is_usable(&gaussian[..])) {
        let weight = f64::from(*selected);
        sum += weight;
        place[0] += weight * f64::from(gaussian[3]);
        place[1] += weight * f64::from(gaussian[4]);
    }
    if sum > 0.0 { place.map(|total| total / sum) } else { [0.0; 2] }
}

/// A transform in coordinates of the area.
struct Map {
    linear: [[f64; 2]; 2],
    pivot: Option<[f64; 2]>,
    shift: [f64; 2],
}

impl Map {
    fn apply(&self, gaussian: Gaussian, amount: f64) -> Gaussian {
        let [sigma_x, sigma_y, rho, x, y] = gaussian;
        let [sigma_x, sigma_y, rho] = self.shape([sigma_x, sigma_y, rho], amount);
        let [to_x, to_y] = self.place([f64::from(x), f64::from(y)]);
        let part = |from: f32, to: f64| {
            if amount == 1.0 { to as f32 } else { (f64::from(from) + (to - f64::from(from)) * amount) as f32 }
        };
        [sigma_x, sigma_y, rho, part(x, to_x), part(y, to_y)]
    }

    fn place(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let [[a, b], [c, d]] = self.linear;
        let [x, y] = match self.pivot {
            // A map without a linear part does not use the pivot, which would round.
            Some([px, py]) if self.linear != [[1.0, 0.0], [0.0, 1.0]] => {
                let (dx, dy) = (x - px, y - py);
                // Zeros are left out: adding one could turn -0 into 0, and then the order of the terms does not matter.
                let sum = |p: f64, q: f64| {
                    if p == 0.0 {
                        q
                    } else if q == 0.0 {
                        p
                    } else {
                        p + q
                    }
                };
                [sum(px, sum(a * dx, b * dy)), sum(py, sum(c * dx, d * dy))]
            }
            _ => [x, y],
        };
        let [shift_x, shift_y] = self.shift;
        [if shift_x == 0.0 { x } else { x + shift_x }, if shift_y == 0.0 { y } else { y + shift_y }]
    }

    fn shape(&self, [sigma_x, sigma_y, rho]: [f32; 3], amount: f64) -> [f32; 3] {
        let [[a, b], [c, d]] = self.linear;
        let scaled = |sigma: f32, by: f64| (f64::from(sigma) * by.abs()) as f32;
        let mirrored = |rho: f32, by: f64| if by < 0.0 { -rho } else { rho };
        if self.linear == [[1.0, 0.0], [0.0, 1.0]] {
            return [sigma_x, sigma_y, rho];
        }
        if amount == 1.0 && b == 0.0 && c == 0.0 {
            return [scaled(sigma_x, a), scaled(sigma_y, d), mirrored(rho, a * d)];
        }
        if amount == 1.0 && a == 0.0 && d == 0.0 {
            return [scaled(sigma_y, b), scaled(sigma_x, c), mirrored(rho, b * c)];
        }
        let [xx, xy, yy] = covariance([sigma_x, sigma_y, rho]);
        let mapped = [
            a * a * xx + 2.0 * a * b * xy + b * b * yy,
            a * c * xx + (a * d + b * c) * xy + b * d * yy,
            c * c * xx + 2.0 * c * d * xy + d * d * yy,
        ];
        let own = [xx, xy, yy];
        of_covariance([0, 1, 2].map(|i| own[i] + (mapped[i] - own[i]) * amount))
    }
}

/// Warns about the tokens that left the canvas.
pub(crate) fn tell_left(ctx: &Ctx, b: usize, left: &[usize]) {
    if let Some(first) = left.first() {
        ctx.warn(format!(
            "picture {b}: {} off the canvas, the first is {first}; moved back, they are visible again",
            counted(left.len(), "token")
        ));
    }
}

/// `[xx, xy, yy]`
pub(super) fn covariance([sigma_x, sigma_y, rho]: [f32; 3]) -> [f64; 3] {
    let [sigma_x, sigma_y, rho] = [sigma_x, sigma_y, rho].map(f64::from);
    [sigma_x * sigma_x, rho * sigma_x * sigma_y, sigma_y * sigma_y]
}

/// Sigmas and rho of the covariance `[xx, xy, yy]`.
pub(super) fn of_covariance([xx, xy, yy]: [f64; 3]) -> [f32; 3] {
    let (sigma_x, sigma_y) = (xx.sqrt(), yy.sqrt());
    let rho = (xy / (sigma_x * sigma_y)).clamp(-LARGEST_RHO, LARGEST_RHO);
    [sigma_x as f32, sigma_y as f32, rho as f32]
}

/// Checks that a token's geometry can be splatted.
fn check(gaussian: Gaussian, index: usize, area: Area) -> Result<()> {
    let [unit_x, unit_y] = area.unit();
    let [sigma_x, sigma_y, _, x, y] = gaussian.map(f64::from);
    let sigmas = [sigma_x * unit_x, sigma_y * unit_y];
    if sigmas.iter().any(|sigma| *sigma < SMALLEST) {
        return Err(Error::new(format!(
            "expected sigmas of at least {SMALLEST} pixels, as smaller ones fall between the pixels of the map, got {:.2e} x {:.2e} for token {index}. Scale less, or leave the token out with min_sigma",
            sigmas[0], sigmas[1]
        )));
    }
    if !is_usable(&gaussian) {
        return Err(Error::new(format!(
            "expected finite numbers, got the place {x:.2e}, {y:.2e} and sigmas of {:.2e} x {:.2e} pixels for token {index}. Move and scale less",
            sigmas[0], sigmas[1]
        )));
    }
    Ok(())
}
