//! What counts in a tokenizer's loss.

use splatgraph_sdk::{Error, Result};

/// The weights of the parts of the loss. Differences are of values -1..1.
#[derive(Clone, Copy, Debug)]
pub struct Losses {
    /// Of the mean absolute difference.
    pub absolute: f32,
    /// Of the mean squared difference: what PSNR measures.
    pub squared: f32,
    /// Of the mean absolute difference between the steps from pixel to pixel, which keeps edges sharp.
    pub gradient: f32,
    /// Of LPIPS: what people see.
    pub perceptual: f32,
}

impl Losses {
    /// Checks the weights.
    ///
    /// # Errors
    /// One is negative or not finite, or all are 0.
    pub fn check(&self) -> Result<()> {
        let weights = [self.absolute, self.squared, self.gradient, self.perceptual];
        if weights.iter().all(|weight| weight.is_finite() && *weight >= 0.0)
            && weights.iter().any(|weight| *weight > 0.0)
        {
            return Ok(());
        }
        Err(Error::new(format!(
            "expected weights of 0 or more, not all 0, for the losses absolute, squared, gradient and perceptual, got {weights:?}"
        )))
    }
}
