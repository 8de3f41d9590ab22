//! The loss of a tokenizer: the difference between a decoded picture and its original.

use super::Perceptual;
use crate::{on_device::learning_shader::mean, training::losses::Losses};
use burn::{prelude::s, tensor::Tensor};
use splatgraph_sdk::Result;

impl Losses {
    /// The loss of pictures `[B, 3, H, W]`.
    ///
    /// # Errors
    /// None.
    pub fn of(&self, decoded: Tensor<4>, expected: Tensor<4>, perceptual: Option<&Perceptual>) -> Result<Tensor<1>> {
        let difference = decoded.clone() - expected.clone();
        let mut loss = Tensor::zeros([1], &difference.device());
        if self.absolute > 0.0 {
            loss = loss + mean(difference.clone().abs()) * self.absolute;
        }
        if self.squared > 0.0 {
            loss = loss + mean(difference.clone() * difference.clone()) * self.squared;
        }
        if self.gradient > 0.0 {
            let across = difference.clone().slice(s![.., .., .., 1..]) - difference.clone().slice(s![.., .., .., ..-1]);
            let down = difference.clone().slice(s![.., .., 1.., ..]) - difference.slice(s![.., .., ..-1, ..]);
            loss = loss + (mean(across.abs()) + mean(down.abs())) * self.gradient;
        }
        if let Some(Perceptual(network)) = perceptual.filter(|_| self.perceptual > 0.0) {
            loss = loss + network.loss((decoded + 1.0) / 2.0, (expected + 1.0) / 2.0)? * self.perceptual;
        }
        Ok(loss)
    }
}
