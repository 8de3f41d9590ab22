//! The layers on a device.

use super::{Parameter, convolution_shader::convolve, linear_shader};
use crate::layers::{Convolution, LayerNorm, Linear, NORM_EPSILON};
use burn::tensor::{
    FloatDType, Tensor,
    activation::softmax,
    module::{self, conv2d, interpolate, layer_norm},
    ops::{ConvOptions, InterpolateMode, InterpolateOptions},
};

impl Linear<Parameter> {
    /// `[..., in] -> [..., out]`
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        linear(x, self.weight.tensor(), self.bias.tensor())
    }
}

/// `x W^T + bias`: `[..., in] -> [..., out]` with `weight` `[out, in]` and `bias` `[out]`.
pub(super) fn linear<const D: usize>(x: Tensor<D>, weight: Tensor<2>, bias: Tensor<1>) -> Tensor<D> {
    let mut shape = x.dims();
    let [outputs, inputs] = weight.dims();
    let rows = shape[..D - 1].iter().product::<usize>();
    if let Some(result) = linear_shader::linear(&x.clone().reshape([rows, inputs]), &weight, &bias) {
        shape[D - 1] = outputs;
        return result.reshape(shape);
    }
    module::linear(x, weight.transpose(), Some(bias))
}

impl Convolution<Parameter> {
    /// `[B, in, H, W] -> [B, out, H, W]`
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let (weight, bias) = (self.weight.tensor::<4>(), self.bias.tensor());
        let padding = weight.dims()[2] / 2;
        convolve(&x, &weight, &bias, 1)
            .unwrap_or_else(|| conv2d(x, weight, Some(bias), ConvOptions::new([1, 1], [padding, padding], [1, 1], 1)))
    }

    /// Convolves the map with each pixel doubled along both axes: `[B, in, H, W] -> [B, out, 2 H, 2 W]`
    pub fn forward_doubled(&self, x: Tensor<4>) -> Tensor<4> {
        convolve(&x, &self.weight.tensor(), &self.bias.tensor(), 2).unwrap_or_else(|| {
            let twice = InterpolateOptions::new(InterpolateMode::Nearest).with_scale_factor([2.0, 2.0]);
            self.forward(interpolate(x, twice))
        })
    }
}

/// `softmax(q k^T / sqrt(D)) v` over `[B, heads, N, D]`.
///
/// This function replaces burn's attention. In burn 0.22.1, the kernel for graphics cards has errors as large as the values for a single
/// head of 64 channels and 3,072 places (seen on a software adapter).
pub(crate) fn attend(query: Tensor<4>, key: Tensor<4>, value: Tensor<4>) -> Tensor<4> {
    let scale = (query.dims()[3] as f64).sqrt().recip();
    softmax((query * scale).matmul(key.transpose()), 3).matmul(value)
}

impl LayerNorm<Parameter> {
    /// Normalises `[..., width]`. The sums are in f32 for any precision.
    pub(super) fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let precision = x.dtype();
        let [weight, bias] = [&self.weight, &self.bias].map(|parameter| parameter.tensor::<1>().cast(FloatDType::F32));
        let epsilon = f64::from(NORM_EPSILON);
        layer_norm(x.cast(FloatDType::F32), weight, Some(bias), epsilon).cast(FloatDType::from(precision))
    }
}
