//! The weights of the parts of a tokenizer's loss.

use splatgraph_sdk::{Error, Result};

/// The weights of the parts of the loss. Pictures have values -1..1.
#[derive(Clone, Copy, Debug)]
pub struct Losses {
    /// The weight of the mean absolute difference.
    pub absolute: f32,
    /// The weight of the mean squared difference, which PSNR measures.
    pub squared: f32,
    /// The weight of the mean absolute difference between the steps from pixel to pixel, which keeps edges sharp.
    pub gradient: f32,
    /// The weight of LPIPS, which models human perception.
    pub perceptual: f32,
}

impl Losses {
    /// Checks the weights.
    ///
    /// # Errors
    /// A weight is negative or not finite, or all weights are 0.
    pub fn check(&self) -> Result<()> {
        let weights = [self.absolute, self.squared, self.gradient, self.perceptual];
        if weights.iter().all(|weight| weight.is_finite() && *weight >= 0.0)
            && weights.iter().any(|weight| *weight > 0.0)
        {
            return Ok(());
        }
        Err(Error::new(format!(
            "expected weights of at least 0, and not all 0, for the losses absolute, squared, gradient and perceptual, got {weights:?}. Set at least one above 0"
        )))
    }
}
