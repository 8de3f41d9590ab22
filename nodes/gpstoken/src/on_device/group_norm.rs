//! Normalisation over groups of channels on a device, plain and by tiles.

use super::{
    Parameter,
    learning_shader::{expand, mean_axis},
    normalise_shader,
};
use crate::{
    kernels::group_norm::{greatest_common_divisor, taps},
    layers::{GroupNorm, Statistics},
};
use burn::{
    prelude::Device,
    tensor::{FloatDType, Tensor, TensorData, activation::silu},
};

const EPSILON: f64 = 1e-6;

impl GroupNorm<Parameter> {
    /// Normalises `[B, C, H, W]`. The sums are in f32 for any precision.
    pub fn forward(&self, x: Tensor<4>, statistics: Statistics) -> Tensor<4> {
        let [scale, shift] = [&self.weight, &self.bias].map(Parameter::tensor::<1>);
        normalise_shader::group_norm(&x, &scale, &shift, statistics, false)
            .unwrap_or_else(|| self.by_burn(x, statistics))
    }

    /// `silu(norm(x))` for `[B, C, H, W]`. The sums are in f32 for any precision.
    pub fn forward_silu(&self, x: Tensor<4>, statistics: Statistics) -> Tensor<4> {
        let [scale, shift] = [&self.weight, &self.bias].map(Parameter::tensor::<1>);
        normalise_shader::group_norm(&x, &scale, &shift, statistics, true)
            .unwrap_or_else(|| silu(self.by_burn(x, statistics)))
    }

    fn by_burn(&self, x: Tensor<4>, statistics: Statistics) -> Tensor<4> {
        let precision = FloatDType::from(x.dtype());
        let [_, channels, ..] = x.dims();
        let groups = greatest_common_divisor(32, channels);
        let parameter = |parameter: &Parameter| parameter.tensor::<1>().cast(FloatDType::F32);
        let (shape, x) = (x.dims(), x.cast(FloatDType::F32));
        let [scale, shift] = [&self.weight, &self.bias].map(|of| parameter(of).reshape([1, channels, 1, 1]));
        let scaled = match statistics {
            Statistics::Tiles(grid) if grid != [1, 1] => by_tiles(x, groups, grid) * expand(scale, shape),
            _ => by_picture(x, groups, scale, statistics),
        };
        (scaled + expand(shift, shape)).cast(precision)
    }
}

/// Normalises and scales.
fn by_picture(x: Tensor<4>, groups: usize, scale: Tensor<4>, statistics: Statistics) -> Tensor<4> {
    let shape = x.dims();
    let [batch, channels, ..] = shape;
    // The mean is the mean of the rows' means, because short sums keep rounding errors small.
    let mean = |x: Tensor<4>| {
        let of_channels = mean_axis(mean_axis(x, 3), 2);
        mean_axis(of_channels.reshape([batch, groups, channels / groups]), 2)
    };
    let to_channels =
        |x: Tensor<3>| -> Tensor<4> { expand(x, [batch, groups, channels / groups]).reshape([batch, channels, 1, 1]) };
    let centred = x.clone() - expand(to_channels(mean(x)), shape);
    let variance = mean(centred.clone() * centred.clone());
    let deviation = match statistics {
        Statistics::Picture => (variance + EPSILON).sqrt(),
        Statistics::Tiles(_) => variance.sqrt() + EPSILON,
    };
    let factor = expand(scale, [batch, channels, 1, 1]) / to_channels(deviation);
    centred * expand(factor, shape)
}

/// Normalises without scaling.
fn by_tiles(x: Tensor<4>, groups: usize, [columns, rows]: [usize; 2]) -> Tensor<4> {
    let [batch, channels, height, width] = x.dims();
    let (members, planes) = (channels / groups, batch * groups);
    let (down, across) = (enlarge(rows, height, &x.device()), enlarge(columns, width, &x.device()));
    let full = |tiles: Tensor<6>| {
        let tiles: Tensor<3> = tiles.reshape([planes, rows, columns]);
        let large = down.clone().unsqueeze::<3>().matmul(tiles).matmul(across.clone().transpose().unsqueeze::<3>());
        large.reshape([planes, 1, height, width])
    };
    let mean = |x: Tensor<6>| x.mean_dim(5).mean_dim(3).mean_dim(1);
    let tiles: Tensor<6> = x.clone().reshape([planes, members, rows, height / rows, columns, width / columns]);
    let means = mean(tiles.clone()); // [planes, 1, rows, 1, columns, 1]
    let centred = tiles - means.clone();
    let deviations = mean(centred.clone() * centred).sqrt();
    let normalised = (x.reshape([planes, members, height, width]) - full(means)) / (full(deviations) + EPSILON);
    normalised.reshape([batch, channels, height, width])
}

/// The matrix `[to, from]` of the bicubic enlargement of a row of values, with a = -0.75 and repeated outer values.
fn enlarge(from: usize, to: usize, device: &Device) -> Tensor<2> {
    let mut matrix = vec![0.0f32; to * from];
    for (i, row) in matrix.chunks_exact_mut(from).enumerate() {
        for (pixel, weight) in taps(i, to, from) {
            row[pixel] += weight;
        }
    }
    Tensor::from_data(TensorData::new(matrix, [to, from]), device)
}
