//! Convolutions with any kernel on a device, for the networks that only judge.

use super::{
    convolution_gradient_shader,
    learning_shader::{expand, learns, products},
};
use crate::kernels::patches::Kernel;
use burn::{
    prelude::s,
    tensor::{
        Tensor,
        module::conv2d,
        ops::{ConvOptions, PadMode},
    },
};

/// Convolves `x` `[B, I, H, W]` with `weight` `[O, I, rows, columns]`, and adds `bias` `[O]`: `[B, O, h, w]`.
///
/// Burn tries kernels for its convolutions in each process. In a training whose layers are the pack's shaders, this function is a product of
/// the weights and the numbers under the kernel, so that every process has the same bytes.
pub fn convolve(x: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>, kernel: Kernel) -> Tensor<4> {
    let Kernel { size: [rows, columns], stride, padding } = kernel;
    if !learns(&x) {
        return conv2d(x, weight, Some(bias), ConvOptions::new([stride; 2], padding, [1, 1], 1));
    }
    let keeps_size = rows == columns && stride == 1 && padding == [rows / 2; 2];
    let by_shader = keeps_size.then(|| convolution_gradient_shader::convolve(&x, &weight, &bias, 1)).flatten();
    by_shader.unwrap_or_else(|| by_product(x, weight, bias, kernel))
}

fn by_product(x: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>, kernel: Kernel) -> Tensor<4> {
    let ([batch, inputs, height, width], [outputs, ..]) = (x.dims(), weight.dims());
    let Kernel { size: [rows, columns], stride, padding: [above, beside] } = kernel;
    let [h, w] = kernel.outputs([height, width]);
    let padded = x.pad([(above, above), (beside, beside)], PadMode::Constant(0.0));
    let under = (0..rows * columns).map(|tap| {
        let (y, x) = (tap / columns, tap % columns);
        let (down, across) = (y..y + (h - 1) * stride + 1, x..x + (w - 1) * stride + 1);
        padded.clone().slice(s![.., .., down;stride as isize, across;stride as isize])
    });
    let depth = rows * columns * inputs;
    let under = Tensor::cat(under.collect(), 1).reshape([batch, depth, h * w]); // a tap's inputs are side by side
    let under = under.swap_dims(0, 1).reshape([1, depth, batch * h * w]);
    let weight = weight.permute([0, 2, 3, 1]).reshape([1, outputs, depth]);
    let sums = products(weight, under, [false, false]).reshape([outputs, batch, h * w]);
    let sums = sums.swap_dims(0, 1).reshape([batch, outputs, h, w]);
    sums + expand(bias.reshape([1, outputs, 1, 1]), [batch, outputs, h, w])
}
