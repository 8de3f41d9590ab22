//! Measures how alike two pictures are: PSNR and SSIM.

use crate::parallel::{PIECE, numbers};
use rayon::prelude::*;

/// The side of the Gaussian window, and of the even one.
const GAUSSIAN: usize = 11;
const EVEN: usize = 7;

/// The largest PSNR. Equal pictures get it, as JSON can't hold their infinite PSNR.
pub(crate) const MAX_PSNR: f64 = 100.0;

/// The windows of SSIM, and how they are compared.
pub(crate) struct Windows {
    /// The weights of a row and of a column; a window is their product.
    weights: Vec<f64>,
    /// The range of the values, on which SSIM's constants depend.
    pub(crate) peak: f64,
    /// Whether variances are those of samples: divided by the number of pixels less 1.
    pub(crate) is_sample: bool,
}

impl Windows {
    /// Windows of 11 x 11 with sigma 1.5.
    pub(crate) fn gaussian(peak: f64, is_sample: bool) -> Self {
        Self { weights: gaussian_window().to_vec(), peak, is_sample }
    }

    /// Windows of 7 x 7 with equal weights, and variances of samples.
    pub(crate) fn even(peak: f64) -> Self {
        Self { weights: vec![1.0 / EVEN as f64; EVEN], peak, is_sample: true }
    }

    /// The number of pixels along a side.
    pub(crate) fn side(&self) -> usize {
        self.weights.len()
    }

    pub(crate) fn words(&self) -> String {
        let side = self.side();
        if side == GAUSSIAN { format!("Gaussian {side} x {side}, sigma 1.5") } else { format!("even {side} x {side}") }
    }

    /// The factor of variances.
    fn factor(&self) -> f64 {
        let pixels = (self.side() * self.side()) as f64;
        if self.is_sample { pixels / (pixels - 1.0) } else { 1.0 }
    }
}

/// The mean squared difference.
#[must_use]
pub(crate) fn squared_error(a: &[f32], b: &[f32]) -> f64 {
    let pieces: Vec<_> = a.chunks(PIECE).zip(b.chunks(PIECE)).collect();
    let sums = numbers(pieces.len(), &|i| squared_difference(pieces[i].0, pieces[i].1));
    sums.iter().sum::<f64>() / a.len() as f64
}

/// [`squared_error`] with a weight for each pixel of `channels` values. At least one weight is above 0.
#[must_use]
pub(crate) fn weighted_squared_error(a: &[f32], b: &[f32], channels: usize, weights: &[f32]) -> f64 {
    let size = channels << 14;
    let pixels: Vec<_> = a.chunks(size).zip(b.chunks(size)).zip(weights.chunks(1 << 14)).collect();
    let sums = numbers(pixels.len(), &|i| {
        let ((a, b), weights) = pixels[i];
        let pixels = a.chunks_exact(channels).zip(b.chunks_exact(channels)).zip(weights);
        pixels.map(|((a, b), weight)| f64::from(*weight) * squared_difference(a, b)).sum()
    });
    sums.iter().sum::<f64>() / (channels as f64 * total(weights))
}

/// The peak signal-to-noise ratio of a mean squared error, in dB: 10 log10(peak² / error), at most [`MAX_PSNR`].
#[must_use]
pub(crate) fn psnr(squared_error: f64, peak: f64) -> f64 {
    (10.0 * (peak * peak / squared_error).log10()).min(MAX_PSNR)
}

/// The sum of weights.
#[must_use]
pub(crate) fn total(weights: &[f32]) -> f64 {
    weights.iter().map(|w| f64::from(*w)).sum()
}

/// The weights at the centres of SSIM's windows, `[rows + 1 - side, width + 1 - side]`.
#[must_use]
pub(crate) fn at_centres(weights: &[f32], width: usize, side: usize) -> Vec<f32> {
    let border = side / 2;
    let rows = weights.len() / width;
    let inner = weights.chunks_exact(width).take(rows - border).skip(border);
    inner.flat_map(|row| &row[border..width - border]).copied().collect()
}

fn squared_difference(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum()
}

/// Structural similarity (Wang et al. 2004) of two pictures `[H, W, channels]`, per channel, then the mean: K1 = 0.01, K2 = 0.03,
/// for windows inside the picture. Sides are at least as large as a window's. With weights [`at_centres`] of windows, at least one
/// above 0, the mean is a weighted mean.
#[must_use]
pub(crate) fn ssim(
    a: &[f32],
    b: &[f32],
    width: usize,
    channels: usize,
    windows: &Windows,
    weights: Option<&[f32]>,
) -> f64 {
    let (side, row) = (windows.side(), width * channels);
    let inner = (width + 1 - side) * channels;
    let rows = (a.len() / row + 1).saturating_sub(side);
    let (c1, c2) = ((0.01 * windows.peak).powi(2), (0.03 * windows.peak).powi(2));
    let factor = windows.factor();
    let sums: Vec<f64> = (0..rows)
        .into_par_iter()
        .map_init(
            || (vec![[0.0; 5]; row], vec![[0.0; 5]; inner]),
            |(tall, full), y| {
                let area = y * row..(y + side) * row;
                window_columns(&a[area.clone()], &b[area], &windows.weights, tall);
                window_rows(tall, channels, &windows.weights, full);
                let similar = full.iter().map(|moments| similarity(*moments, factor, c1, c2));
                match weights {
                    None => similar.sum(),
                    Some(weights) => {
                        let weights = &weights[y * (inner / channels)..][..inner / channels];
                        similar
                            .zip(weights.iter().flat_map(|w| std::iter::repeat_n(f64::from(*w), channels)))
                            .map(|(s, w)| s * w)
                            .sum()
                    }
                }
            },
        )
        .collect();
    sums.iter().sum::<f64>() / weights.map_or((rows * inner) as f64, |weights| total(weights) * channels as f64)
}

fn gaussian_window() -> [f64; GAUSSIAN] {
    let raw: [f64; GAUSSIAN] = std::array::from_fn(|i| {
        let x = i as f64 - (GAUSSIAN / 2) as f64;
        (-x * x / (2.0 * 1.5 * 1.5)).exp()
    });
    let sum: f64 = raw.iter().sum();
    raw.map(|w| w / sum)
}

/// Weighted sums down each column of a window's rows: of a, b, a², b² and ab.
fn window_columns(a: &[f32], b: &[f32], window: &[f64], out: &mut [[f64; 5]]) {
    let row = out.len();
    out.fill([0.0; 5]);
    for ((a, b), w) in a.chunks_exact(row).zip(b.chunks_exact(row)).zip(window) {
        for (sums, (a, b)) in out.iter_mut().zip(a.iter().zip(b)) {
            let (a, b) = (f64::from(*a), f64::from(*b));
            let (wa, wb) = (w * a, w * b);
            *sums = [sums[0] + wa, sums[1] + wb, sums[2] + wa * a, sums[3] + wb * b, sums[4] + wa * b];
        }
    }
}

/// Weighted sums along a row; neighbours of one channel are `channels` apart.
fn window_rows(sums: &[[f64; 5]], channels: usize, window: &[f64], out: &mut [[f64; 5]]) {
    out.fill([0.0; 5]);
    for (k, w) in window.iter().enumerate() {
        for (out, sums) in out.iter_mut().zip(&sums[k * channels..]) {
            for (out, sum) in out.iter_mut().zip(sums) {
                *out += w * sum;
            }
        }
    }
}

fn similarity([a, b, aa, bb, ab]: [f64; 5], factor: f64, c1: f64, c2: f64) -> f64 {
    let [variance_a, variance_b, covariance] = [aa - a * a, bb - b * b, ab - a * b].map(|moment| factor * moment);
    (2.0 * a * b + c1) * (2.0 * covariance + c2) / ((a * a + b * b + c1) * (variance_a + variance_b + c2))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Uniform in 0..1 and equal in each run (SplitMix64).
    fn noise(count: usize) -> Vec<f32> {
        let mix = |i: u64| {
            let mut z = i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (z ^ (z >> 31)) >> 40
        };
        (1..=count as u64).map(|i| mix(i) as f32 / (1 << 24) as f32).collect()
    }

    #[test]
    fn psnr_is_that_of_the_references() {
        // The examples in the documentation of torchmetrics and torcheval.
        let torchmetrics = psnr(squared_error(&[0.0, 1.0, 2.0, 3.0], &[3.0, 2.0, 1.0, 0.0]), 3.0);
        assert!((torchmetrics - 2.5527).abs() < 5e-5, "{torchmetrics}");
        let input = [0.1, 0.2, 0.3, 0.4];
        let torcheval = psnr(squared_error(&input, &input.map(|v| v * 0.9)), f64::from((0.4f32 - 0.1) * 0.9));
        assert!((torcheval - 19.8767).abs() < 5e-4, "{torcheval}");
    }

    #[test]
    fn psnr_of_equal_pictures_is_the_largest() {
        assert_eq!(psnr(squared_error(&[0.5; 9], &[0.5; 9]), 1.0), MAX_PSNR);
        let one_level = psnr(squared_error(&[100.0; 9], &[101.0; 9]), 255.0);
        assert!((one_level - 20.0 * 255f64.log10()).abs() < 1e-9, "{one_level}");
    }

    #[test]
    fn ssim_is_that_of_the_references() {
        // The example in the documentation of torchmetrics: 0.9219 for three pictures of 256 x 256, whatever the noise.
        let a = noise(256 * 256 * 3);
        let b: Vec<f32> = a.iter().map(|v| v * 0.75).collect();
        let similar = ssim(&a, &b, 256, 3, &Windows::gaussian(1.0, false), None);
        assert!((similar - 0.9219).abs() < 1e-3, "{similar}");
        assert_eq!(ssim(&a, &a, 256, 3, &Windows::gaussian(1.0, false), None), 1.0);
    }

    #[test]
    fn ssim_of_flat_pictures_follows_the_formula() {
        // Without variance only the luminance term is left: (2ab + C1) / (a² + b² + C1).
        let (a, b) = (0.5f64, 0.25);
        let expected = (2.0 * a * b + 1e-4) / (a * a + b * b + 1e-4);
        let flat = ssim(&[a as f32; 12 * 13], &[b as f32; 12 * 13], 13, 1, &Windows::gaussian(1.0, false), None);
        assert!((flat - expected).abs() < 1e-9, "{flat} {expected}");
    }

    #[test]
    fn ssim_mixes_nothing_between_channels() {
        let (a, b) = (noise(20 * 30), noise(40 * 30)[20 * 30..].to_vec());
        let apart: f64 = [(&a, &b), (&a, &a)]
            .map(|(x, y)| ssim(x, y, 20, 1, &Windows::gaussian(1.0, false), None))
            .iter()
            .sum::<f64>()
            / 2.0;
        let both = |second: &[f32]| a.iter().zip(second).flat_map(|(x, y)| [*x, *y]).collect::<Vec<f32>>();
        let together = ssim(
            &both(&a),
            &b.iter().zip(&a).flat_map(|(x, y)| [*x, *y]).collect::<Vec<_>>(),
            20,
            2,
            &Windows::gaussian(1.0, false),
            None,
        );
        assert!((apart - together).abs() < 1e-12, "{apart} {together}");
    }
}
