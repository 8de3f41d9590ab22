//! The splat in tensor operations. It is slow, plain and differentiable on every device. The tests compare the kernels with it.

use crate::splat::places;
use burn::{
    prelude::s,
    tensor::{Tensor, TensorData},
};

/// Splats `gaussians` `[B, N, 5]` and `textures` `[B, N, C]` to a map `[B, C, height, width]`.
pub fn splat_dense(gaussians: Tensor<3>, textures: Tensor<3>, [width, height]: [usize; 2], support: f32) -> Tensor<4> {
    let device = textures.device();
    let [batch, count, channels] = textures.dims();
    let parameter = |i: usize| gaussians.clone().slice(s![.., .., i..i + 1]).reshape([batch, count, 1, 1]);
    let (sigma_x, sigma_y, rho) = (parameter(0), parameter(1), parameter(2));
    let row = Tensor::<1>::from_data(TensorData::new(places(width), [width]), &device).reshape([1, 1, 1, width]);
    let column = Tensor::<1>::from_data(TensorData::new(places(height), [height]), &device).reshape([1, 1, height, 1]);
    let (dx, dy) = (row - parameter(3), column - parameter(4)); // [B, N, 1, W], [B, N, H, 1]

    let inside = |d: &Tensor<4>, sigma: &Tensor<4>| d.clone().abs().lower_equal(sigma.clone() * support);
    let inside = inside(&dx, &sigma_x).float() * inside(&dy, &sigma_y).float();
    let (x, y) = (dx / sigma_x, dy / sigma_y);
    let form = x.clone() * x.clone() - rho.clone() * 2.0 * x * y.clone() + y.clone() * y;
    let exponent = form / ((rho.clone() * rho - 1.0) * 2.0);
    let weights = (exponent.exp() * inside).reshape([batch, count, width * height]);
    textures.swap_dims(1, 2).matmul(weights).reshape([batch, channels, height, width])
}
