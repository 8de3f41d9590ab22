//! The gradients of group normalisation and of the activation behind it, on maps `[height, width, channels]`.

use super::{
    cpu::for_each_level,
    group_norm::{EPSILON, Normalisation, Statistics, greatest_common_divisor, taps},
    lanes::exp,
};
use rayon::prelude::*;

/// The function that is applied to normalised numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// None.
    Identity,
    /// `x / (1 + e^-x)`
    Silu,
    /// `x` above 0, else `x` times this slope.
    Leaky(f32),
}

const IDENTITY: u8 = 0;
const SILU: u8 = 1;
const LEAKY: u8 = 2;

impl Activation {
    fn parts(self) -> (u8, f32) {
        match self {
            Self::Identity => (IDENTITY, 0.0),
            Self::Silu => (SILU, 0.0),
            Self::Leaky(slope) => (LEAKY, slope),
        }
    }
}

/// The gradients of scale and shift, `[channels]`.
pub type OfParameters = [Vec<f32>; 2];

impl Normalisation<'_> {
    /// Turns the gradient of the activation's result, `[height, width, channels]`, into the gradient of the map, in place. Returns the
    /// gradients of scale and shift.
    ///
    /// With `h = (x - mean) / D`, the gradient of `h` is `e = scale d`, where `d` is the gradient of the normalised number, and the
    /// gradient of `x` is `(e - mean(e) - h mean(e h) D / deviation) / D`; the means run over a group. `D` is `sqrt(variance +
    /// epsilon)`, for which the last quotient is 1, or `deviation + epsilon`.
    pub fn backward(&self, activation: Activation, gradient: &mut [f32]) -> OfParameters {
        let gradient = &mut gradient[..self.map.len()];
        if self.map.is_empty() {
            return [vec![0.0; self.channels], vec![0.0; self.channels]];
        }
        if self.moments.grid == [1, 1] {
            self.backward_whole(activation, gradient)
        } else {
            self.backward_tiles(activation, gradient)
        }
    }

    fn backward_whole(&self, activation: Activation, gradient: &mut [f32]) -> OfParameters {
        let (channels, line) = (self.channels, self.size[1] * self.channels);
        let inverse: Vec<f32> = self.moments.deviations.iter().map(|deviation| 1.0 / deviation).collect();
        let mut of_rows = vec![0.0; self.size[0] * 2 * channels];
        let rows = self.map.par_chunks(line).zip(gradient.par_chunks_mut(line));
        rows.zip(of_rows.par_chunks_mut(2 * channels)).for_each(|((x, gradient), sums)| {
            let parameters = [&self.moments.means, &self.factors, self.shift];
            differentiate(self.level, x, parameters, activation.parts(), gradient, sums);
        });
        // The sums hold `d` and `d (x - mean)`.
        let (mut of_shift, mut of_scale) = (vec![0.0f64; channels], vec![0.0f64; channels]);
        for row in of_rows.chunks_exact(2 * channels) {
            let (plain, centred) = row.split_at(channels);
            of_shift.iter_mut().zip(plain).for_each(|(sum, v)| *sum += f64::from(*v));
            of_scale.iter_mut().zip(centred).for_each(|(sum, v)| *sum += f64::from(*v));
        }
        of_scale.iter_mut().zip(&inverse).for_each(|(sum, inverse)| *sum *= f64::from(*inverse));
        let members = channels / greatest_common_divisor(32, channels);
        let count = (self.size[0] * self.size[1] * members) as f64;
        let mut factors = [vec![0.0; channels], vec![0.0; channels], vec![0.0; channels]];
        for first in (0..channels).step_by(members) {
            let group = first..first + members;
            let mean = |of: &[f64]| group.clone().map(|c| f64::from(self.scale[c]) * of[c]).sum::<f64>() / count;
            let (plain, centred) = (mean(&of_shift), mean(&of_scale));
            let inverse = f64::from(inverse[first]);
            let quotient = match self.moments.statistics {
                Statistics::Picture => 1.0,
                Statistics::Tiles(_) => quotient(f64::from(self.moments.deviations[first])),
            };
            for c in group.clone() {
                factors[0][c] = (f64::from(self.scale[c]) * inverse) as f32;
                factors[1][c] = (plain * inverse) as f32;
                factors[2][c] = (centred * quotient * inverse * inverse) as f32;
            }
        }
        let rows = self.map.par_chunks(line).zip(gradient.par_chunks_mut(line));
        rows.for_each(|(x, gradient)| {
            centre(self.level, x, &self.moments.means, factors.each_ref().map(Vec::as_slice), gradient)
        });
        [of_scale, of_shift].map(|sums| sums.into_iter().map(|v| v as f32).collect())
    }

    /// The same for statistics that are interpolated between tiles: means and deviations of several tiles have a part in each pixel.
    fn backward_tiles(&self, activation: Activation, gradient: &mut [f32]) -> OfParameters {
        let (channels, [height, width], [across, down]) = (self.channels, self.size, self.moments.grid);
        let (line, tiles) = (width * channels, across * channels);
        // For each row: the gradients of the tiles' means and deviations, then those of scale and shift.
        let length = 2 * tiles + 2 * channels;
        let mut of_rows = vec![0.0; height * length];
        let rows = self.map.par_chunks(line).zip(gradient.par_chunks_mut(line)).zip(of_rows.par_chunks_mut(length));
        rows.enumerate().for_each(|(y, ((x, gradient), sums))| {
            let (of_tiles, of_parameters) = sums.split_at_mut(2 * tiles);
            let (of_means, of_deviations) = of_tiles.split_at_mut(tiles);
            let mut pixel_sums = vec![0.0; 2 * channels];
            self.each_pixel(y, 0..width, |column, means, deviations| {
                let factors: Vec<f32> =
                    self.scale.iter().zip(deviations).map(|(scale, d)| scale / (d + EPSILON as f32)).collect();
                let pixel = column * channels..(column + 1) * channels;
                pixel_sums.fill(0.0);
                let parameters = [means, &factors, self.shift];
                differentiate(
                    self.level,
                    &x[pixel.clone()],
                    parameters,
                    activation.parts(),
                    &mut gradient[pixel.clone()],
                    &mut pixel_sums,
                );
                let (plain, centred) = pixel_sums.split_at(channels);
                let column_taps = taps(column, width, across);
                for c in 0..channels {
                    let deviation = deviations[c] + EPSILON as f32;
                    of_parameters[c] += centred[c] / deviation;
                    of_parameters[channels + c] += plain[c];
                    let (of_mean, of_deviation) = (-plain[c] * factors[c], -centred[c] * factors[c] / deviation);
                    for (tile, weight) in column_taps {
                        of_means[tile * channels + c] += weight * of_mean;
                        of_deviations[tile * channels + c] += weight * of_deviation;
                    }
                    gradient[pixel.start + c] *= factors[c];
                }
            });
        });
        let mut of_tiles = vec![[0.0f64; 2]; down * tiles]; // of mean and deviation, [rows, columns, channels]
        let (mut of_scale, mut of_shift) = (vec![0.0f64; channels], vec![0.0f64; channels]);
        for (y, row) in of_rows.chunks_exact(length).enumerate() {
            for (tile, weight) in taps(y, height, down) {
                for (i, to) in of_tiles[tile * tiles..][..tiles].iter_mut().enumerate() {
                    to[0] += f64::from(weight * row[i]);
                    to[1] += f64::from(weight * row[tiles + i]);
                }
            }
            of_scale.iter_mut().zip(&row[2 * tiles..]).for_each(|(sum, v)| *sum += f64::from(*v));
            of_shift.iter_mut().zip(&row[2 * tiles + channels..]).for_each(|(sum, v)| *sum += f64::from(*v));
        }
        // Within a tile, each number has a part in its group's mean and deviation: `1 / count` and `(x - mean) / (deviation count)`.
        let members = channels / greatest_common_divisor(32, channels);
        let count = (height / down * (width / across) * members) as f64;
        let (mut constant, mut slope) = (vec![0.0; down * tiles], vec![0.0; down * tiles]);
        for first in (0..down * tiles).step_by(members) {
            let [of_mean, of_deviation] =
                of_tiles[first..first + members].iter().fold([0.0; 2], |sum, v| [sum[0] + v[0], sum[1] + v[1]]);
            let deviation = f64::from(self.moments.deviations[first]);
            let of_deviation = if deviation > 0.0 { of_deviation / (deviation * count) } else { 0.0 };
            constant[first..first + members].fill((of_mean / count) as f32);
            slope[first..first + members].fill(of_deviation as f32);
        }
        let rows = self.map.par_chunks(line).zip(gradient.par_chunks_mut(line));
        rows.enumerate().for_each(|(y, (x, gradient))| {
            let row = y / (height / down) * tiles;
            for (column, (x, gradient)) in x.chunks_exact(channels).zip(gradient.chunks_exact_mut(channels)).enumerate()
            {
                let first = row + column / (width / across) * channels;
                for c in 0..channels {
                    let tile = first + c;
                    gradient[c] += constant[tile] + slope[tile] * (x[c] - self.moments.means[tile]);
                }
            }
        });
        [of_scale, of_shift].map(|sums| sums.into_iter().map(|v| v as f32).collect())
    }
}

/// `D / deviation` for `D = deviation + epsilon`; 0 for equal numbers, whose deviation has no gradient.
fn quotient(sum: f64) -> f64 {
    let deviation = sum - EPSILON;
    if deviation > EPSILON * 1e-3 { sum / deviation } else { 0.0 }
}

for_each_level! {
    /// Turns the gradients of the activation's results into those of the normalised numbers, `d`, in place. Adds `d` and `d (x - mean)` of
    /// each channel to `sums`. `parameters` are means, factors and shifts.
    fn differentiate(x: &[f32], parameters: [&[f32]; 3], activation: (u8, f32), gradient: &mut [f32], sums: &mut [f32]) => differentiate_at
}

#[inline(always)]
fn differentiate_at<const L: u8>(
    x: &[f32],
    parameters: [&[f32]; 3],
    (activation, slope): (u8, f32),
    gradient: &mut [f32],
    sums: &mut [f32],
) {
    match activation {
        SILU => each::<L, SILU>(x, parameters, slope, gradient, sums),
        LEAKY => each::<L, LEAKY>(x, parameters, slope, gradient, sums),
        _ => each::<L, IDENTITY>(x, parameters, slope, gradient, sums),
    }
}

#[inline(always)]
fn each<const L: u8, const ACTIVATION: u8>(
    x: &[f32],
    [means, factors, shifts]: [&[f32]; 3],
    slope: f32,
    gradient: &mut [f32],
    sums: &mut [f32],
) {
    let channels = means.len();
    let (factors, shifts) = (&factors[..channels], &shifts[..channels]);
    let (plain, centred) = sums.split_at_mut(channels);
    let centred = &mut centred[..channels];
    for (x, gradient) in x.chunks_exact(channels).zip(gradient.chunks_exact_mut(channels)) {
        for c in 0..channels {
            let distance = x[c] - means[c];
            let normalised = distance * factors[c] + shifts[c];
            let derivative = match ACTIVATION {
                SILU => {
                    let sigmoid = 1.0 / (1.0 + exp::<L>(-normalised));
                    sigmoid * (1.0 + normalised * (1.0 - sigmoid))
                }
                LEAKY => {
                    if normalised > 0.0 {
                        1.0
                    } else {
                        slope
                    }
                }
                _ => 1.0,
            };
            let value = gradient[c] * derivative;
            gradient[c] = value;
            plain[c] += value;
            centred[c] += value * distance;
        }
    }
}

for_each_level! {
    /// `gradient = first gradient - second - third (x - mean)`
    fn centre(x: &[f32], means: &[f32], factors: [&[f32]; 3], gradient: &mut [f32]) => centre_at
}

#[inline(always)]
fn centre_at<const L: u8>(x: &[f32], means: &[f32], [first, second, third]: [&[f32]; 3], gradient: &mut [f32]) {
    let channels = means.len();
    let (first, second, third) = (&first[..channels], &second[..channels], &third[..channels]);
    for (x, gradient) in x.chunks_exact(channels).zip(gradient.chunks_exact_mut(channels)) {
        for c in 0..channels {
            gradient[c] = first[c] * gradient[c] - second[c] - third[c] * (x[c] - means[c]);
        }
    }
}
