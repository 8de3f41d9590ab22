//! How papers and public programs measure PSNR and SSIM.

use crate::metrics::Windows;
use splatgraph_sdk::{Choice, Json, serde_json::json};

/// Whose way a comparison follows. All take pictures of 8 bits, and numbers of two ways are not comparable.
#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Convention {
    /// Wang et al. 2004, as pytorch-msssim and torchmetrics have it: Gaussian windows of 11 x 11 with sigma 1.5, the covariance of
    /// the windows as they are, red, green and blue each by itself.
    Gaussian,
    /// scikit-image by default: even windows of 7 x 7, the covariance estimated from samples, each channel by itself.
    #[choice(name = "skimage")]
    ScikitImage,
    /// scikit-image with `gaussian_weights`: the windows of `gaussian`, the covariance estimated from samples.
    #[choice(name = "skimage-gaussian")]
    ScikitImageGaussian,
    /// The script of LlamaGen: `skimage` with a range of values that is twice too large, which gives a higher SSIM.
    #[choice(name = "llamagen")]
    LlamaGen,
    /// Papers about super-resolution, as BasicSR has it: PSNR and SSIM of the luma (ITU-R BT.601, 16 to 235), windows of `gaussian`.
    Luma,
}

/// The 8-bit range.
pub(crate) const PEAK: f64 = 255.0;

impl Convention {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gaussian => "gaussian",
            Self::ScikitImage => "skimage",
            Self::ScikitImageGaussian => "skimage-gaussian",
            Self::LlamaGen => "llamagen",
            Self::Luma => "luma",
        }
    }

    /// The windows of SSIM.
    pub(crate) fn windows(self) -> Windows {
        match self {
            Self::Gaussian | Self::Luma => Windows::gaussian(PEAK, false),
            Self::ScikitImageGaussian => Windows::gaussian(PEAK, true),
            Self::ScikitImage => Windows::even(PEAK),
            Self::LlamaGen => Windows::even(2.0 * PEAK),
        }
    }

    /// The number of channels that are compared.
    pub(crate) fn channels(self) -> usize {
        if self == Self::Luma { 1 } else { 3 }
    }

    /// What is compared of pixels `[.., 3]` with levels 0..255.
    pub(crate) fn compared(self, pixels: Vec<f32>) -> Vec<f32> {
        if self != Self::Luma {
            return pixels;
        }
        let luma = |[r, g, b]: &[f32; 3]| {
            let [r, g, b] = [r, g, b].map(|level| f64::from(*level) / PEAK);
            (16.0 + 65.481 * r + 128.553 * g + 24.966 * b) as f32
        };
        pixels.as_chunks().0.iter().map(luma).collect()
    }

    /// What a result carries.
    pub(crate) fn facts(self, border: usize) -> Json {
        let windows = self.windows();
        Json(json!({
            "convention": self.name(),
            "channels": if self == Self::Luma { "luma" } else { "RGB" },
            "window": windows.words(),
            "covariance": if windows.is_sample { "sample" } else { "population" },
            "range": windows.peak,
            "border": border,
        }))
    }
}
