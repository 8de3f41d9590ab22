//! The layers on a device. Each runs as a shader where shaders run, and else as burn's operations, which are the shaders' twins.

use super::{
    Parameter,
    arrange_shader::{Arrangement, arrange},
    attention_shader::{attend_maps, attend_tokens},
    convolution_gradient_shader,
    convolution_shader::{convolve, convolve_adding},
    elementwise_shader, large_attention_shader,
    learning_shader::{expand, mean_axis, products, softmax, takes},
    linear_shader::{Activation, Then, linear_then},
    normalise_shader,
};
use crate::layers::{Convolution, LayerNorm, Linear, NORM_EPSILON};
use burn::{
    prelude::s,
    tensor::{
        FloatDType, Tensor,
        activation::{gelu, silu},
        module::{self, conv2d, interpolate, layer_norm},
        ops::{ConvOptions, InterpolateMode, InterpolateOptions},
    },
};

/// What follows a linear layer on tokens, in this order.
#[derive(Default)]
pub(super) struct Follows<'a> {
    pub(super) activation: Activation,
    /// Gates `[B, 1, parts width]`, and the part that multiplies all tokens of a picture.
    pub(super) gate: Option<(&'a Tensor<3>, usize)>,
    /// Numbers `[B, N, width]` or `[1, N, width]` that are added.
    pub(super) residual: Option<&'a Tensor<3>>,
}

impl Linear<Parameter> {
    /// `[B, N, in] -> [B, N, out]`
    pub(super) fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        self.forward_then(x, Follows::default())
    }

    /// `activation(layer(x))`
    pub(super) fn forward_activated(&self, x: Tensor<3>, activation: Activation) -> Tensor<3> {
        self.forward_then(x, Follows { activation, ..Follows::default() })
    }

    /// The layer with what follows it: `[B, N, in] -> [B, N, out]`
    pub(super) fn forward_then(&self, x: Tensor<3>, follows: Follows<'_>) -> Tensor<3> {
        linear(x, self.weight.tensor(), self.bias.tensor(), follows)
    }
}

/// `x W^T + bias` with what follows: `[B, N, in] -> [B, N, out]` with `weight` `[out, in]` and `bias` `[out]`.
pub(super) fn linear(x: Tensor<3>, weight: Tensor<2>, bias: Tensor<1>, follows: Follows<'_>) -> Tensor<3> {
    let Follows { activation, gate, residual } = follows;
    let [batch, count, inputs] = x.dims();
    let outputs = weight.dims()[0];
    let [gates, added] = [gate.map(|(gates, _)| gates), residual].map(|tensor| tensor.map(rows));
    let then =
        Then { activation, gate: gate.and_then(|(_, part)| Some((gates.as_ref()?, part))), residual: added.as_ref() };
    if let Some(result) = linear_then(&x.clone().reshape([batch * count, inputs]), &weight, &bias, then) {
        return result.reshape([batch, count, outputs]);
    }
    let shape = [batch, count, outputs];
    let sums = if takes(&x) {
        let product = products(x.reshape([1, batch * count, inputs]), weight.unsqueeze(), [false, true]);
        product.reshape(shape) + expand(bias.reshape([1, 1, outputs]), shape)
    } else {
        module::linear(x, weight.transpose(), Some(bias))
    };
    let mut x = activate(sums, activation);
    if let Some((gates, part)) = gate {
        x = expand(gates.clone().slice(s![.., .., part * outputs..(part + 1) * outputs]), shape) * x;
    }
    match residual {
        Some(residual) => expand(residual.clone(), shape) + x,
        None => x,
    }
}

/// `[B, N, width] -> [B N, width]`
fn rows(x: &Tensor<3>) -> Tensor<2> {
    let [batch, count, width] = x.dims();
    x.clone().reshape([batch * count, width])
}

fn activate(x: Tensor<3>, activation: Activation) -> Tensor<3> {
    match activation {
        Activation::None => x,
        Activation::Gelu => gelu(x),
        Activation::TanhGelu => tanh_gelu(x),
        Activation::Silu => silu(x),
    }
}

/// `x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2`. Burn's function uses a power, which shaders do not define for negative numbers.
fn tanh_gelu(x: Tensor<3>) -> Tensor<3> {
    let cube = x.clone() * x.clone() * x.clone();
    let inner = (x.clone() + cube * 0.044715) * (2.0 / std::f64::consts::PI).sqrt();
    x * (inner.tanh() + 1.0) * 0.5
}

impl Convolution<Parameter> {
    /// `[B, in, H, W] -> [B, out, H, W]`
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let (weight, bias) = (self.weight.tensor::<4>(), self.bias.tensor());
        convolve(&x, &weight, &bias, 1).unwrap_or_else(|| plain(x, weight, bias))
    }

    /// `layer(x) + residual`: `[B, in, H, W] -> [B, out, H, W]`
    pub(super) fn forward_adding(&self, x: Tensor<4>, residual: Tensor<4>) -> Tensor<4> {
        let (weight, bias) = (self.weight.tensor::<4>(), self.bias.tensor());
        convolve_adding(&x, &weight, &bias, 1, Some(&residual)).unwrap_or_else(|| plain(x, weight, bias) + residual)
    }

    /// Convolves the map with each pixel doubled along both axes: `[B, in, H, W] -> [B, out, 2 H, 2 W]`
    pub fn forward_doubled(&self, x: Tensor<4>) -> Tensor<4> {
        let (weight, bias) = (self.weight.tensor(), self.bias.tensor());
        let by_shader = convolve(&x, &weight, &bias, 2);
        by_shader.or_else(|| convolution_gradient_shader::convolve(&x, &weight, &bias, 2)).unwrap_or_else(|| {
            let twice = InterpolateOptions::new(InterpolateMode::Nearest).with_scale_factor([2.0, 2.0]);
            self.forward(interpolate(x, twice))
        })
    }
}

/// A convolution that keeps the size of a map, with gradients: by shaders where they run in f32, else burn's.
fn plain(x: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>) -> Tensor<4> {
    convolution_gradient_shader::convolve(&x, &weight, &bias, 1).unwrap_or_else(|| {
        let padding = weight.dims()[2] / 2;
        conv2d(x, weight, Some(bias), ConvOptions::new([1, 1], [padding, padding], [1, 1], 1))
    })
}

/// Attention between the places of maps `[B, C, places]`, with one head.
pub(super) fn attend_places(query: &Tensor<3>, key: &Tensor<3>, value: &Tensor<3>) -> Tensor<3> {
    let attended = large_attention_shader::attend(query, key, value).or_else(|| attend_maps(query, key, value));
    attended.unwrap_or_else(|| {
        let rows = |places: &Tensor<3>| places.clone().swap_dims(1, 2).unsqueeze_dim(1); // [B, 1, places, C]
        let attended: Tensor<3> = attend(rows(query), rows(key), rows(value)).squeeze_dim(1);
        attended.swap_dims(1, 2)
    })
}

/// Attention between tokens in `heads` heads. `joint` `[B, N, 3 width]` has queries, keys and values side by side: `[B, N, width]`
pub(super) fn attend_between(joint: &Tensor<3>, heads: usize) -> Tensor<3> {
    attend_tokens(joint, heads).unwrap_or_else(|| {
        let [batch, count, three] = joint.dims();
        let width = three / 3;
        let part = |i: usize| {
            let part = joint.clone().slice(s![.., .., i * width..(i + 1) * width]);
            part.reshape([batch, count, heads, width / heads]).swap_dims(1, 2)
        };
        attend(part(0), part(1), part(2)).swap_dims(1, 2).reshape([batch, count, width])
    })
}

/// `softmax(q k^T / sqrt(D)) v` over `[B, heads, N, D]`.
///
/// This function replaces burn's attention. In burn 0.22.1, the kernel for graphics cards has errors as large as the values for a single
/// head of 64 channels and 3,072 places (seen on a software adapter).
fn attend(query: Tensor<4>, key: Tensor<4>, value: Tensor<4>) -> Tensor<4> {
    let [batch, heads, count, channels] = query.dims();
    let scale = (channels as f64).sqrt().recip();
    let [query, key, value] = [query * scale, key, value].map(|x| x.reshape([batch * heads, count, channels]));
    products(softmax(products(query, key, [false, true])), value, [false, false])
        .reshape([batch, heads, count, channels])
}

impl LayerNorm<Parameter> {
    /// Normalises `[B, N, width]`. The sums are in f32 for any precision.
    pub(super) fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [weight, bias] = [&self.weight, &self.bias].map(|parameter| parameter.tensor::<1>());
        if let Some(normalised) = normalise_shader::layer_norm(&rows(&x), &weight, &bias, NORM_EPSILON) {
            return normalised.reshape(x.dims());
        }
        let (precision, shape) = (FloatDType::from(x.dtype()), x.dims());
        let x = x.cast(FloatDType::F32);
        let [weight, bias] = [weight, bias].map(|parameter| parameter.cast(FloatDType::F32));
        if !takes(&x) {
            return layer_norm(x, weight, Some(bias), f64::from(NORM_EPSILON)).cast(precision);
        }
        let [weight, bias] = [weight, bias].map(|parameter| expand(parameter.reshape([1, 1, shape[2]]), shape));
        (normalised(x, NORM_EPSILON) * weight + bias).cast(precision)
    }
}

/// `(x - mean) / sqrt(variance + epsilon)` for each token of `[B, N, width]`.
fn normalised(x: Tensor<3>, epsilon: f32) -> Tensor<3> {
    let shape = x.dims();
    if !takes(&x) {
        let ones = Tensor::ones([shape[2]], &x.device());
        return layer_norm(x, ones, None, f64::from(epsilon));
    }
    let centred = x.clone() - expand(mean_axis(x, 2), shape);
    let variance = mean_axis(centred.clone() * centred.clone(), 2);
    centred / expand((variance + epsilon).sqrt(), shape)
}

/// Normalises tokens `[B, N, width]` with the epsilon, then multiplies them by a scale plus 1 and adds a shift, which are the parts with
/// these numbers of `modulation` `[B, 1, parts width]`.
pub(super) fn modulate(x: &Tensor<3>, modulation: &Tensor<3>, parts: [usize; 2], epsilon: f32) -> Tensor<3> {
    if let Some(x) = normalise_shader::layer_norm_modulated(&rows(x), &rows(modulation), parts, epsilon) {
        let [batch, count, width] = [modulation.dims()[0], x.dims()[0] / modulation.dims()[0], x.dims()[1]];
        return x.reshape([batch, count, width]);
    }
    let (shape, width) = (x.dims(), x.dims()[2]);
    let [shift, scale] =
        parts.map(|part| expand(modulation.clone().slice(s![.., .., part * width..(part + 1) * width]), shape));
    normalised(x.clone(), epsilon) * (scale + 1.0) + shift
}

/// `a + b`. `b` has the last axes of `a`, or 1 in place of the first.
pub(super) fn add(a: Tensor<3>, b: Tensor<3>) -> Tensor<3> {
    elementwise_shader::add(&a, &b, false).unwrap_or_else(|| {
        let shape = a.dims();
        a + expand(b, shape)
    })
}

/// `silu(a + b)` for tensors of the same shape.
pub(super) fn add_silu(a: Tensor<3>, b: Tensor<3>) -> Tensor<3> {
    elementwise_shader::add(&a, &b, true).unwrap_or_else(|| silu(a + b))
}

/// Swaps the last two axes.
pub(super) fn transpose(x: Tensor<3>) -> Tensor<3> {
    let [batch, rows, columns] = x.dims();
    let arrangement = Arrangement {
        lengths: [1, 1, 1, batch, columns, rows],
        strides: [[0, 0, 0, rows * columns, 1, columns], [0, 0, 0, rows * columns, rows, 1]],
        first: [0, 0],
    };
    arrange(&x, [batch, columns, rows], FloatDType::from(x.dtype()), &arrangement).unwrap_or_else(|| x.swap_dims(1, 2))
}

/// The tensor with numbers of another type.
pub(super) fn cast<const D: usize>(x: Tensor<D>, precision: FloatDType) -> Tensor<D> {
    if FloatDType::from(x.dtype()) == precision {
        return x;
    }
    let count = x.shape().num_elements();
    let arrangement = Arrangement::side_by_side(count, 0);
    arrange(&x, x.dims(), precision, &arrangement).unwrap_or_else(|| x.cast(precision))
}
