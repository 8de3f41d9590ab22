//! How far a decoded picture is from the one that was encoded.

use crate::lpips;
use burn::{prelude::s, tensor::Tensor};
use splatgraph_sdk::{Error, Result};
use std::sync::Arc;

/// What counts how much. Differences are of values -1..1.
#[derive(Clone, Debug)]
pub struct Losses {
    /// Of the mean absolute difference.
    pub absolute: f32,
    /// Of the mean squared difference: what PSNR measures.
    pub squared: f32,
    /// Of the mean absolute difference between the steps from pixel to pixel, which keeps edges sharp.
    pub gradient: f32,
    /// Of LPIPS: what people see.
    pub perceptual: f32,
    /// The network for that, on the device of the training.
    pub network: Option<Arc<lpips::Network>>,
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
            "weights of the losses absolute, squared, gradient and perceptual of 0 or more, not all 0, were expected, {weights:?} came"
        )))
    }

    /// The loss of pictures `[B, 3, H, W]`.
    ///
    /// # Errors
    /// None.
    pub fn of(&self, decoded: Tensor<4>, expected: Tensor<4>) -> Result<Tensor<1>> {
        let difference = decoded.clone() - expected.clone();
        let mut loss = Tensor::zeros([1], &difference.device());
        if self.absolute > 0.0 {
            loss = loss + difference.clone().abs().mean() * self.absolute;
        }
        if self.squared > 0.0 {
            loss = loss + (difference.clone() * difference.clone()).mean() * self.squared;
        }
        if self.gradient > 0.0 {
            let across = difference.clone().slice(s![.., .., .., 1..]) - difference.clone().slice(s![.., .., .., ..-1]);
            let down = difference.clone().slice(s![.., .., 1.., ..]) - difference.slice(s![.., .., ..-1, ..]);
            loss = loss + (across.abs().mean() + down.abs().mean()) * self.gradient;
        }
        if let Some(network) = self.network.as_ref().filter(|_| self.perceptual > 0.0) {
            loss = loss + network.loss((decoded + 1.0) / 2.0, (expected + 1.0) / 2.0)? * self.perceptual;
        }
        Ok(loss)
    }
}
