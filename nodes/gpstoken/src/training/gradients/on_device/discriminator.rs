//! The forward pass and the losses of the [discriminator](crate::discriminator) through burn. The losses are hinge losses (Lim and Ye
//! 2017; Miyato et al. 2018). The network always computes in f32.

use crate::{
    discriminator::{Discriminator, Layer, SLOPE},
    layers::Statistics,
    on_device::{Parameter, learning_shader::mean, patches::convolve},
};
use burn::tensor::{
    Tensor,
    activation::{leaky_relu, relu},
};

impl Discriminator<Parameter> {
    /// Scores each patch of pictures `[B, 3, H, W]` with values -1..1: `[B, 1, h, w]`. A high score means that the patch looks like part
    /// of a picture of the folder.
    pub fn forward(&self, mut x: Tensor<4>) -> Tensor<4> {
        for (index, Layer { convolution, kernel, norm }) in self.layers.iter().enumerate() {
            x = convolve(x, convolution.weight.tensor(), convolution.bias.tensor(), *kernel);
            if let Some(norm) = norm {
                x = norm.forward(x, Statistics::Picture);
            }
            if index + 1 < self.layers.len() {
                x = leaky_relu(x, f64::from(SLOPE));
            }
        }
        x
    }

    /// The loss of the discriminator: 1 if it can't tell the two kinds of pictures apart, 0 if it is sure of every patch.
    pub fn loss(&self, real: Tensor<4>, made: Tensor<4>) -> Tensor<1> {
        let pictures = real.dims()[0];
        let scores = self.forward(Tensor::cat(vec![real, made], 0));
        let [real, made] = [0, 1].map(|half| scores.clone().narrow(0, half * pictures, pictures));
        (mean(relu(-real + 1.0)) + mean(relu(made + 1.0))) / 2.0
    }

    /// The loss of the tokenizer: the negative score of its pictures.
    pub fn adversarial(&self, made: Tensor<4>) -> Tensor<1> {
        -mean(self.forward(made))
    }
}
