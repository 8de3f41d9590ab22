//! Tests of the losses of a picture: differences of pixels, and SSIM.

use super::{
    super::support::random,
    slow::{assert_same, exact_gradient, map_of, on_threads, used_workspace, wide},
};
use splatgraph_pack_gpstoken::{
    gradients::losses::{Differences, structural},
    kernels::{cpu::Level, similarity::SIDE},
    layers::{Host, Map},
};

const CHANNELS: usize = 3;

/// A loss and its gradient for a picture, with these instructions.
fn found(level: Level, size: [usize; 2], pictures: [&[f32]; 2], loss: &impl Loss) -> (f64, Vec<f32>) {
    let workspace = used_workspace();
    let host = Host { level, workspace: &workspace };
    let [a, b] = pictures.map(|values| map_of(host, values, size, CHANNELS));
    let (loss, gradient) = loss([&a, &b], host);
    (loss, gradient.values().to_vec())
}

trait Loss: Fn([&Map; 2], Host<'_>) -> (f64, Map) + Sync {}

impl<F: Fn([&Map; 2], Host<'_>) -> (f64, Map) + Sync> Loss for F {}

/// The differences of a batch in f64, for one of its pictures.
fn differences_slowly(weights: Differences, [height, width]: [usize; 2], [a, b]: [&[f64]; 2], pictures: usize) -> f64 {
    let d: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    let at = |y: usize, x: usize, c: usize| d[(y * width + x) * CHANNELS + c];
    let places = |rows: usize, columns: usize| {
        (0..rows * columns * CHANNELS).map(move |i| (i / CHANNELS / columns, i / CHANNELS % columns, i % CHANNELS))
    };
    let mean = |sum: f64, count: usize| if count == 0 { 0.0 } else { sum / (count * CHANNELS * pictures) as f64 };
    let across = places(height, width - 1).map(|(y, x, c)| (at(y, x + 1, c) - at(y, x, c)).abs()).sum();
    let down = places(height - 1, width).map(|(y, x, c)| (at(y + 1, x, c) - at(y, x, c)).abs()).sum();
    f64::from(weights.absolute) * mean(d.iter().map(|d| d.abs()).sum(), height * width)
        + f64::from(weights.squared) * mean(d.iter().map(|d| d * d).sum(), height * width)
        + f64::from(weights.gradient) * (mean(across, height * (width - 1)) + mean(down, (height - 1) * width))
}

#[test]
fn differences_of_pixels_agree_with_finite_differences() {
    let all = Differences { absolute: 0.7, squared: 1.3, gradient: 0.4 };
    let cases = [
        (all, [19, 7]),
        (Differences { absolute: 0.0, ..all }, [1, 1]),
        (all, [1, 9]),
        (all, [33, 1]),
        (Differences { absolute: 0.0, squared: 0.0, ..all }, [17, 6]),
    ];
    for (weights, size) in cases {
        let [a, b] = [1, 2].map(|seed| random(size[0] * size[1] * CHANNELS, seed));
        let expected = wide(&b);
        let slow = |a: &[f64]| differences_slowly(weights, size, [a, &expected], 4);
        let loss = |maps: [&Map; 2], host: Host<'_>| weights.of(maps, 4, host);
        let gradient = exact_gradient(&a, &slow);
        for level in Level::all() {
            let one = on_threads(1, || found(level, size, [&a, &b], &loss));
            assert!(one == on_threads(3, || found(level, size, [&a, &b], &loss)), "{level:?} {size:?}");
            let exact = slow(&wide(&a));
            assert!((one.0 - exact).abs() <= 1e-6 * exact, "{level:?} {size:?}: {} instead of {exact}", one.0);
            assert_same(&format!("{level:?} {size:?}"), &one.1, &gradient);
        }
    }
}

#[test]
fn equal_pictures_have_no_loss_and_no_gradient() {
    let a = random(13 * 14 * CHANNELS, 1);
    let weights = Differences { absolute: 1.0, squared: 1.0, gradient: 1.0 };
    for level in Level::all() {
        let (loss, gradient) =
            found(level, [13, 14], [&a, &a], &|maps: [&Map; 2], host: Host<'_>| weights.of(maps, 1, host));
        assert!(loss == 0.0 && gradient.iter().all(|v| *v == 0.0), "{level:?}");
        let (loss, gradient) =
            found(level, [13, 14], [&a, &a], &|maps: [&Map; 2], host: Host<'_>| structural(maps, 1, host));
        assert!(loss.abs() < 1e-12 && gradient.iter().all(|v| v.abs() < 1e-6), "{level:?}: {loss}");
    }
}

/// The mean similarity in f64, window by window.
fn similarity_slowly([height, width]: [usize; 2], [a, b]: [&[f64]; 2]) -> f64 {
    let weight = |i: usize| (-(i as f64 - 5.0).powi(2) / 4.5).exp();
    let total: f64 = (0..SIDE).map(weight).sum();
    let (rows, columns) = (height + 1 - SIDE, width + 1 - SIDE);
    let mut sum = 0.0;
    for i in 0..rows * columns * CHANNELS {
        let (top, left, channel) = (i / CHANNELS / columns, i / CHANNELS % columns, i % CHANNELS);
        let mean = |f: &dyn Fn(f64, f64) -> f64| -> f64 {
            let each = (0..SIDE * SIDE).map(|place| {
                let (y, x) = (place / SIDE, place % SIDE);
                let at = ((top + y) * width + left + x) * CHANNELS + channel;
                weight(y) * weight(x) * f(a[at], b[at])
            });
            each.sum::<f64>() / (total * total)
        };
        let (mean_a, mean_b) = (mean(&|a, _| a), mean(&|_, b| b));
        let variances = [mean(&|a, _| (a - mean_a).powi(2)), mean(&|_, b| (b - mean_b).powi(2))];
        let covariance = mean(&|a, b| (a - mean_a) * (b - mean_b));
        let (c1, c2) = (1e-4, 9e-4);
        sum += (2.0 * mean_a * mean_b + c1) * (2.0 * covariance + c2)
            / ((mean_a.powi(2) + mean_b.powi(2) + c1) * (variances[0] + variances[1] + c2));
    }
    sum / (rows * columns * CHANNELS) as f64
}

#[test]
fn structural_similarity_agrees_with_finite_differences() {
    for (size, pictures) in [([11, 11], 1), ([12, 19], 3), ([17, 13], 2)] {
        let count = size[0] * size[1] * CHANNELS;
        let a: Vec<f32> = random(count, 1).iter().map(|v| 0.5 + 0.5 * v).collect();
        let b: Vec<f32> = random(count, 2).iter().zip(&a).map(|(v, a)| 0.7 * a + 0.1 + 0.1 * v).collect();
        let expected = wide(&b);
        let slow = |a: &[f64]| (1.0 - similarity_slowly(size, [a, &expected])) / pictures as f64;
        let loss = |maps: [&Map; 2], host: Host<'_>| structural(maps, pictures, host);
        let gradient = exact_gradient(&a, &slow);
        for level in Level::all() {
            let one = on_threads(1, || found(level, size, [&a, &b], &loss));
            assert!(one == on_threads(3, || found(level, size, [&a, &b], &loss)), "{level:?} {size:?}");
            let exact = slow(&wide(&a));
            assert!(exact > 0.01 && (one.0 - exact).abs() <= 1e-12, "{level:?} {size:?}: {} not {exact}", one.0);
            assert_same(&format!("{level:?} {size:?}"), &one.1, &gradient);
        }
    }
}

#[test]
fn structural_similarity_is_that_of_torchmetrics_and_needs_a_window() {
    // The example in the documentation of torchmetrics: 0.9219, whatever the noise.
    let a: Vec<f32> = random(256 * 256 * CHANNELS, 1).iter().map(|v| 0.5 + 0.5 * v).collect();
    let b: Vec<f32> = a.iter().map(|v| v * 0.75).collect();
    let loss = |maps: [&Map; 2], host: Host<'_>| structural(maps, 1, host);
    let (found_loss, _) = found(Level::best(), [256, 256], [&a, &b], &loss);
    assert!((1.0 - found_loss - 0.9219).abs() < 1e-3, "{found_loss}");

    let (small, other) = (random(10 * 40 * CHANNELS, 1), random(10 * 40 * CHANNELS, 2));
    let (found_loss, gradient) = found(Level::best(), [10, 40], [&small, &other], &loss);
    assert!(found_loss == 0.0 && gradient.iter().all(|v| *v == 0.0));
}
