//! The layers that the tokenizer's parts share, with parameters in the checkpoint's layout.

use super::{convolution_shader::convolve, direct::Numbers, linear_shader};
use crate::weights::Weights;
use burn::{
    module::{Module, Param},
    tensor::{
        FloatDType, Tensor,
        activation::softmax,
        module::{self, conv2d, interpolate, layer_norm},
        ops::{ConvOptions, InterpolateMode, InterpolateOptions},
    },
};

/// `y = x W^T + b`
#[derive(Module, Debug)]
pub(crate) struct Linear {
    weight: Param<Tensor<2>>, // [out, in]
    bias: Param<Tensor<1>>,
}

impl Linear {
    pub(crate) fn load(weights: &mut Weights, key: &str, input: usize, output: usize) -> Self {
        Self {
            weight: weights.take(&format!("{key}.weight"), [output, input]),
            bias: weights.take(&format!("{key}.bias"), [output]),
        }
    }

    /// `[..., in] -> [..., out]`
    pub(crate) fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        linear(x, self.weight.val(), self.bias.val())
    }

    /// Weight `[out, in]` and bias `[out]`.
    pub(crate) fn numbers(&self) -> [Numbers; 2] {
        [Numbers::of(self.weight.val()), Numbers::of(self.bias.val())]
    }

    /// `[out, in]`
    pub(crate) fn weight(&self) -> Tensor<2> {
        self.weight.val()
    }

    /// `[out]`
    pub(crate) fn bias(&self) -> Tensor<1> {
        self.bias.val()
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

/// A convolution that keeps the size: stride 1, zeros around the border.
#[derive(Module, Debug)]
pub(crate) struct Convolution {
    weight: Param<Tensor<4>>, // [out, in, k, k]
    bias: Param<Tensor<1>>,
}

impl Convolution {
    pub(crate) fn load(weights: &mut Weights, key: &str, input: usize, output: usize, kernel: usize) -> Self {
        Self {
            weight: weights.take(&format!("{key}.weight"), [output, input, kernel, kernel]),
            bias: weights.take(&format!("{key}.bias"), [output]),
        }
    }

    /// `[B, in, H, W] -> [B, out, H, W]`
    pub(crate) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let (weight, bias) = (self.weight.val(), self.bias.val());
        let padding = weight.dims()[2] / 2;
        convolve(&x, &weight, &bias, 1)
            .unwrap_or_else(|| conv2d(x, weight, Some(bias), ConvOptions::new([1, 1], [padding, padding], [1, 1], 1)))
    }

    /// The same with each pixel doubled along both axes: `[B, in, H, W] -> [B, out, 2 H, 2 W]`
    pub(crate) fn forward_doubled(&self, x: Tensor<4>) -> Tensor<4> {
        convolve(&x, &self.weight.val(), &self.bias.val(), 2).unwrap_or_else(|| {
            let twice = InterpolateOptions::new(InterpolateMode::Nearest).with_scale_factor([2.0, 2.0]);
            self.forward(interpolate(x, twice))
        })
    }

    /// Number of channels it gives.
    pub(crate) fn outputs(&self) -> usize {
        self.bias.dims()[0]
    }

    /// Weight `[out, in, k, k]` and bias `[out]`.
    pub(crate) fn numbers(&self) -> [Numbers; 2] {
        [Numbers::of(self.weight.val()), Numbers::of(self.bias.val())]
    }

    /// `[out, in, k, k]`
    pub(crate) fn weight(&self) -> Tensor<4> {
        self.weight.val()
    }

    /// `[out]`
    pub(crate) fn bias(&self) -> Tensor<1> {
        self.bias.val()
    }
}

/// `softmax(q k^T / sqrt(D)) v` over `[B, heads, N, D]`.
///
/// Not burn's own attention: in 0.22.1 its kernel for graphics cards is wrong by the size of the values for a single head of 64
/// channels and 3,072 places (seen on a software adapter).
pub(crate) fn attend(query: Tensor<4>, key: Tensor<4>, value: Tensor<4>) -> Tensor<4> {
    let scale = (query.dims()[3] as f64).sqrt().recip();
    softmax((query * scale).matmul(key.transpose()), 3).matmul(value)
}

/// What [`LayerNorm`] adds to the variance.
pub(super) const NORM_EPSILON: f32 = 1e-5;

/// Normalises the last axis, with scale and shift.
#[derive(Module, Debug)]
pub(super) struct LayerNorm {
    weight: Param<Tensor<1>>,
    bias: Param<Tensor<1>>,
}

impl LayerNorm {
    pub(super) fn load(weights: &mut Weights, key: &str, width: usize) -> Self {
        Self {
            weight: weights.take(&format!("{key}.weight"), [width]),
            bias: weights.take(&format!("{key}.bias"), [width]),
        }
    }

    /// Scale and shift `[width]`.
    pub(super) fn numbers(&self) -> [Numbers; 2] {
        [Numbers::of(self.weight.val()), Numbers::of(self.bias.val())]
    }

    /// `[..., width]`; sums in f32 whatever the precision.
    pub(super) fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let precision = x.dtype();
        let [weight, bias] = [&self.weight, &self.bias].map(|parameter| parameter.val().cast(FloatDType::F32));
        let epsilon = f64::from(NORM_EPSILON);
        layer_norm(x.cast(FloatDType::F32), weight, Some(bias), epsilon).cast(FloatDType::from(precision))
    }
}
