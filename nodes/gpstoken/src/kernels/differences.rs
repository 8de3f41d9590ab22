//! The differences of two pictures, of their pixels and of the steps from pixel to pixel, and their gradients.

use super::{
    cpu::{Level, for_each_level},
    lanes::{LANES, Lanes, load},
};
use rayon::prelude::*;

/// The number of rows that a thread works on at a time.
const ROWS: usize = 16;

/// The sums over two pictures' difference `d` `[height, width, channels]`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sums {
    /// `|d|`
    pub absolute: f64,
    /// `d^2`
    pub squared: f64,
    /// `|d(x + 1) - d(x)|`
    pub across: f64,
    /// `|d(y + 1) - d(y)|`
    pub down: f64,
}

/// Weights of the [`Sums`].
#[derive(Clone, Copy, Debug)]
pub struct Factors {
    /// Weight of [`Sums::absolute`].
    pub absolute: f32,
    /// Weight of [`Sums::squared`].
    pub squared: f32,
    /// Weight of [`Sums::across`].
    pub across: f32,
    /// Weight of [`Sums::down`].
    pub down: f32,
}

/// Sums the differences of two pictures `[height, width, channels]`. Writes the gradient of the weighted sums with respect to the first
/// picture. The gradient of `|d|` at 0 is 0.
pub fn differences(
    level: Level,
    [a, b]: [&[f32]; 2],
    [width, channels]: [usize; 2],
    factors: Factors,
    gradient: &mut [f32],
) -> Sums {
    let length = width * channels;
    if length == 0 {
        return Sums::default();
    }
    let height = gradient.len() / length;
    let bands = gradient.par_chunks_mut(ROWS * length).enumerate().map(|(band, gradient)| {
        let mut sums = Sums::default();
        // Three rows of the difference: the one above, the current one, the one below. The last part is for steps.
        let mut rows = vec![0.0; 4 * length];
        let (rows, steps) = rows.split_at_mut(3 * length);
        let read = |y: usize, row: &mut [f32]| {
            let part = y * length..(y + 1) * length;
            row.iter_mut().zip(a[part.clone()].iter().zip(&b[part])).for_each(|(row, (a, b))| *row = a - b);
        };
        let first = band * ROWS;
        for (y, gradient) in (first..).zip(gradient.chunks_exact_mut(length)) {
            if y == first {
                (y.saturating_sub(1)..(y + 2).min(height)).for_each(|y| read(y, &mut rows[y % 3 * length..][..length]));
            } else if y + 1 < height {
                read(y + 1, &mut rows[(y + 1) % 3 * length..][..length]);
            }
            let row = |y: usize| &rows[y % 3 * length..][..length];
            let above = if y > 0 { row(y - 1) } else { &[] };
            let below = if y + 1 < height { row(y + 1) } else { &[] };
            add_row(level, [above, row(y), below], channels, factors, steps, gradient, &mut sums);
        }
        sums
    });
    bands.collect::<Vec<Sums>>().into_iter().fold(Sums::default(), |sum, part| Sums {
        absolute: sum.absolute + part.absolute,
        squared: sum.squared + part.squared,
        across: sum.across + part.across,
        down: sum.down + part.down,
    })
}

for_each_level! {
    /// Adds the sums of a row of the difference, and writes its gradient. `rows` are the rows above, here and below.
    fn add_row(rows: [&[f32]; 3], channels: usize, factors: Factors, steps: &mut [f32], gradient: &mut [f32], sums: &mut Sums) => add_row_at
}

#[inline(always)]
fn add_row_at<const L: u8>(
    [above, here, below]: [&[f32]; 3],
    channels: usize,
    factors: Factors,
    steps: &mut [f32],
    gradient: &mut [f32],
    sums: &mut Sums,
) {
    let [absolute, squared] = totals(here);
    sums.absolute += absolute;
    sums.squared += squared;
    for (to, d) in gradient.iter_mut().zip(here) {
        *to = factors.absolute * sign(*d) + 2.0 * factors.squared * d;
    }
    if !above.is_empty() {
        for (to, (d, above)) in gradient.iter_mut().zip(here.iter().zip(above)) {
            *to += factors.down * sign(d - above);
        }
    }
    if !below.is_empty() {
        for (step, (below, d)) in steps.iter_mut().zip(below.iter().zip(here)) {
            *step = below - d;
        }
        sums.down += totals(steps)[0];
        for (to, step) in gradient.iter_mut().zip(&*steps) {
            *to -= factors.down * sign(*step);
        }
    }
    let steps = &mut steps[channels..];
    for (step, (right, d)) in steps.iter_mut().zip(here[channels..].iter().zip(here)) {
        *step = right - d;
    }
    sums.across += totals(steps)[0];
    for step in &mut *steps {
        *step = factors.across * sign(*step);
    }
    for (to, step) in gradient.iter_mut().zip(&*steps) {
        *to -= step;
    }
    for (to, step) in gradient[channels..].iter_mut().zip(&*steps) {
        *to += step;
    }
}

/// The derivative of `|x|`.
#[inline(always)]
fn sign(x: f32) -> f32 {
    let above = if x > 0.0 { 1.0 } else { 0.0 };
    let below = if x < 0.0 { 1.0 } else { 0.0 };
    above - below
}

/// The sums of absolute values and of squares.
#[inline(always)]
fn totals(values: &[f32]) -> [f64; 2] {
    let (mut absolute, mut squared): (Lanes, Lanes) = ([0.0; LANES], [0.0; LANES]);
    let (values, rest) = values.as_chunks::<LANES>();
    for values in values {
        let values = load(values);
        for i in 0..LANES {
            absolute[i] += values[i].abs();
            squared[i] += values[i] * values[i];
        }
    }
    let mut sums = [0.0f64; 2];
    for i in 0..LANES {
        sums[0] += f64::from(absolute[i]);
        sums[1] += f64::from(squared[i]);
    }
    for value in rest {
        sums[0] += f64::from(value.abs());
        sums[1] += f64::from(value * value);
    }
    sums
}
