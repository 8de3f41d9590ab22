//! Structural similarity (Wang et al. 2004) of two pictures, and its gradient by separable filters.

use super::{
    cpu::{Level, for_each_level, fused},
    lanes::LANES,
    workspace::Workspace,
};
use rayon::prelude::*;

/// The side of a window in pixels.
pub const SIDE: usize = 11;
const SIGMA: f64 = 1.5;
/// `(K1 L)^2` and `(K2 L)^2` for values 0..1, with `L` = 1.
const C1: f64 = 0.01 * 0.01;
const C2: f64 = 0.03 * 0.03;

/// The numbers that a loop takes together. A row of pixels has at least so many.
const WIDE: usize = 8;

/// The numbers that a window has of its pixels `a` and `b`: the means of `a`, `b`, `a^2`, `b^2` and `a b`.
const MOMENTS: usize = 5;
/// The numbers on which the gradient depends: the derivatives by the means of `a`, `a^2` and `a b`.
const DERIVATIVES: usize = 3;

/// The mean similarity of two pictures with their height, width and channels, over all windows inside the pictures and all channels.
/// Writes its gradient with respect to the first picture, times `factor`. A picture with a shorter side than a window gets `None` and
/// the gradient 0.
///
/// The sums of windows are in f64, because variances are small differences of large numbers. The derivatives are in f32.
pub fn similarity(
    level: Level,
    [a, b]: [&[f32]; 2],
    ([height, width], channels): ([usize; 2], usize),
    factor: f64,
    gradient: &mut [f32],
    workspace: &Workspace,
) -> Option<f64> {
    let length = width * channels;
    if height < SIDE || width < SIDE || channels == 0 {
        gradient.fill(0.0);
        return None;
    }
    let window = window();
    let (rows, inner) = (height + 1 - SIDE, (width + 1 - SIDE) * channels);
    // Rows of derivatives have zeros at both sides, so that every pixel is below as many windows.
    let border = (SIDE - 1) * channels;
    let stride = (inner + 2 * border).next_multiple_of(LANES);
    let mut derivatives = workspace.take(rows * DERIVATIVES * stride); // [rows, 3, stride]
    let of_rows = derivatives[..rows * DERIVATIVES * stride].par_chunks_mut(DERIVATIVES * stride).enumerate();
    let sums = of_rows.map_init(
        || (vec![0.0; MOMENTS * (length + WIDE)], vec![0.0; MOMENTS * inner.next_multiple_of(WIDE)]),
        |(columns, windows), (y, derivatives)| {
            let area = y * length..(y + SIDE) * length;
            let pictures = [&a[area.clone()], &b[area]];
            let mut sum = 0.0;
            derivatives.fill(0.0);
            add_columns(level, &window, pictures, length, columns);
            add_rows(level, &window, columns, channels, windows);
            compare(level, windows, inner, border, derivatives, &mut sum);
            sum
        },
    );
    let sum: f64 = sums.collect::<Vec<f64>>().into_iter().sum();
    let count = (rows * inner) as f64;
    let weights = window.map(|weight| weight as f32);
    let share = (factor / count) as f32;
    gradient[..height * length].par_chunks_mut(length).enumerate().for_each_init(
        || vec![0.0; DERIVATIVES * stride],
        |columns, (y, gradient)| {
            columns.fill(0.0);
            // The windows of these rows have the pixel in their row `k`.
            for (k, weight) in weights.iter().enumerate().filter(|(k, _)| (*k..rows + k).contains(&y)) {
                let from = &derivatives[(y - k) * DERIVATIVES * stride..][..DERIVATIVES * stride];
                add_weighted(level, *weight, from, columns);
            }
            let part = y * length..(y + 1) * length;
            gather(level, &weights, columns, channels, [&a[part.clone()], &b[part]], share, gradient);
        },
    );
    workspace.put(derivatives);
    Some(sum / count)
}

/// The weights of a row or a column of a window; a window is their product.
fn window() -> [f64; SIDE] {
    let weights: [f64; SIDE] = std::array::from_fn(|i| {
        let x = i as f64 - (SIDE / 2) as f64;
        (-x * x / (2.0 * SIGMA * SIGMA)).exp()
    });
    let sum: f64 = weights.iter().sum();
    weights.map(|weight| weight / sum)
}

for_each_level! {
    /// The moments of each column of a row of windows, `[5, length]`, with eight more numbers after each moment.
    fn add_columns(window: &[f64; SIDE], pictures: [&[f32]; 2], length: usize, columns: &mut [f64]) => add_columns_at
}

#[inline(always)]
fn add_columns_at<const L: u8>(window: &[f64; SIDE], [a, b]: [&[f32]; 2], length: usize, columns: &mut [f64]) {
    let stride = columns.len() / MOMENTS;
    let mut first = 0;
    while first < length {
        // The last lanes overlap with those before them; a row is longer than a window.
        let start = first.min(length - WIDE);
        let mut sums = [[0.0; WIDE]; MOMENTS];
        for (k, weight) in window.iter().enumerate() {
            let (a, b) = (&a[k * length + start..][..WIDE], &b[k * length + start..][..WIDE]);
            for i in 0..WIDE {
                let (a, b) = (f64::from(a[i]), f64::from(b[i]));
                let (with_a, with_b) = (weight * a, weight * b);
                sums[0][i] += with_a;
                sums[1][i] += with_b;
                sums[2][i] = times_add::<L>(with_a, a, sums[2][i]);
                sums[3][i] = times_add::<L>(with_b, b, sums[3][i]);
                sums[4][i] = times_add::<L>(with_a, b, sums[4][i]);
            }
        }
        for (moment, sums) in sums.iter().enumerate() {
            columns[moment * stride + start..][..WIDE].copy_from_slice(sums);
        }
        first += WIDE;
    }
}

for_each_level! {
    /// The moments of windows, `[5, windows * channels]`. Lanes beyond the last window hold other numbers.
    fn add_rows(window: &[f64; SIDE], columns: &[f64], channels: usize, windows: &mut [f64]) => add_rows_at
}

#[inline(always)]
fn add_rows_at<const L: u8>(window: &[f64; SIDE], columns: &[f64], channels: usize, windows: &mut [f64]) {
    let (stride, length) = (columns.len() / MOMENTS, windows.len() / MOMENTS);
    for (columns, windows) in columns.chunks_exact(stride).zip(windows.chunks_exact_mut(length)) {
        for (first, to) in windows.as_chunks_mut::<WIDE>().0.iter_mut().enumerate() {
            let mut sums = [0.0; WIDE];
            for (k, weight) in window.iter().enumerate() {
                let from = &columns[first * WIDE + k * channels..][..WIDE];
                for i in 0..WIDE {
                    sums[i] = times_add::<L>(*weight, from[i], sums[i]);
                }
            }
            *to = sums;
        }
    }
}

for_each_level! {
    /// Adds up the similarity of `count` windows, and writes its derivatives after a border of zeros.
    fn compare(windows: &[f64], count: usize, border: usize, derivatives: &mut [f32], sum: &mut f64) => compare_at
}

#[inline(always)]
fn compare_at<const L: u8>(windows: &[f64], count: usize, border: usize, derivatives: &mut [f32], sum: &mut f64) {
    let (length, stride) = (windows.len() / MOMENTS, derivatives.len() / DERIVATIVES);
    let mut total = [0.0; WIDE];
    let mut first = 0;
    while first < count {
        let mut lanes = [[0.0; WIDE]; MOMENTS];
        for (moment, lanes) in lanes.iter_mut().enumerate() {
            lanes.copy_from_slice(&windows[moment * length + first..][..WIDE]);
        }
        let used = WIDE.min(count - first);
        let mut found = [[0.0; WIDE]; DERIVATIVES];
        for i in 0..WIDE {
            let [a, b, aa, bb, ab] = [lanes[0][i], lanes[1][i], lanes[2][i], lanes[3][i], lanes[4][i]];
            // The similarity is `luminance * structure`, each the quotient of two sums.
            let (above, below) = (2.0 * a * b + C1, a * a + b * b + C1);
            let (covariance, variances) = (2.0 * (ab - a * b) + C2, aa - a * a + (bb - b * b) + C2);
            let share = 1.0 / (below * variances);
            let similar = above * covariance * share;
            total[i] += if i < used { similar } else { 0.0 };
            let by_variance = -similar / variances;
            let by_covariance = 2.0 * above * share;
            let by_luminance = 2.0 * (b * covariance * share - a * similar / below);
            found[0][i] = (by_luminance - 2.0 * a * by_variance - b * by_covariance) as f32;
            found[1][i] = by_variance as f32;
            found[2][i] = by_covariance as f32;
        }
        for (derivatives, found) in derivatives.chunks_exact_mut(stride).zip(&found) {
            derivatives[border + first..][..used].copy_from_slice(&found[..used]);
        }
        first += WIDE;
    }
    for value in total {
        *sum += value;
    }
}

for_each_level! {
    /// Adds numbers times a weight.
    fn add_weighted(weight: f32, from: &[f32], to: &mut [f32]) => add_weighted_at
}

#[inline(always)]
fn add_weighted_at<const L: u8>(weight: f32, from: &[f32], to: &mut [f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = if fused(L) { weight.mul_add(*from, *to) } else { weight * from + *to };
    }
}

for_each_level! {
    /// Writes the gradient of a row of pixels from the weighted derivatives of the windows in their columns.
    fn gather(window: &[f32; SIDE], columns: &[f32], channels: usize, pictures: [&[f32]; 2], share: f32, gradient: &mut [f32]) => gather_at
}

#[inline(always)]
fn gather_at<const L: u8>(
    window: &[f32; SIDE],
    columns: &[f32],
    channels: usize,
    [a, b]: [&[f32]; 2],
    share: f32,
    gradient: &mut [f32],
) {
    let (stride, length) = (columns.len() / DERIVATIVES, gradient.len());
    let mut first = 0;
    while first < length {
        let start = first.min(length - WIDE);
        let mut sums = [[0.0; WIDE]; DERIVATIVES];
        // The window that has the pixel in its column `k` begins `k` pixels before it.
        for (k, weight) in window.iter().rev().enumerate() {
            for (columns, sums) in columns.chunks_exact(stride).zip(&mut sums) {
                let from = &columns[start + k * channels..][..WIDE];
                for i in 0..WIDE {
                    sums[i] = if fused(L) { weight.mul_add(from[i], sums[i]) } else { weight * from[i] + sums[i] };
                }
            }
        }
        let (a, b) = (&a[start..][..WIDE], &b[start..][..WIDE]);
        for (i, to) in gradient[start..start + WIDE].iter_mut().enumerate() {
            *to = share * (sums[0][i] + 2.0 * a[i] * sums[1][i] + b[i] * sums[2][i]);
        }
        first += WIDE;
    }
}

/// `a * b + c`
#[inline(always)]
fn times_add<const L: u8>(a: f64, b: f64, c: f64) -> f64 {
    if fused(L) { a.mul_add(b, c) } else { a * b + c }
}
