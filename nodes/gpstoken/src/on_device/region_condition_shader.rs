//! The regions' conditions of tokens on graphics cards: `shaders/region_condition.wgsl`.

use super::{
    operation::Operation,
    shader::{Shader, as_u32, runs_on, workgroups},
};
use burn::tensor::{DType, Tensor};

/// Tokens of a workgroup.
const TOKENS: usize = 4;
/// The most channels of a sample, for the 16 KiB of workgroup memory.
pub const MOST_CHANNELS: usize = 1024;

/// `region_condition.wgsl` for samples of this many channels.
pub fn shader(stem: usize, half: bool) -> Shader {
    let text = include_str!("../../../../shaders/region_condition.wgsl");
    Shader { name: "region_condition", text, half, values: vec![("stem", stem)] }
}

/// Adds to tokens `x` `[N, width]` what a block's linear layers compute from the samples `[N, stem, samples]` of their regions: the
/// `projection`, with weights `[width, stem]` and biases `[width]`, and the `reduction`, with weights `[1, samples]` and biases `[1]`.
/// Returns `None` if the shader does not take the tensors. The result has no gradients.
pub fn add_condition(
    x: &Tensor<2>,
    samples: &Tensor<3>,
    (reduction, reduction_bias): (&Tensor<2>, &Tensor<1>),
    (projection, projection_bias): (&Tensor<2>, &Tensor<1>),
) -> Option<Tensor<2>> {
    let ([count, width], [_, stem, places]) = (x.dims(), samples.dims());
    let weights = [reduction.dtype(), projection.dtype()];
    let biases = [reduction_bias.dtype(), projection_bias.dtype()];
    let dtypes = [[x.dtype(), samples.dtype()], weights, biases].concat();
    if !runs_on(x.device().as_dispatch(), &dtypes) || !(1..=MOST_CHANNELS).contains(&stem) {
        return None;
    }
    let [across, down] = workgroups(count.div_ceil(TOKENS));
    let operation = Operation {
        shader: shader(stem, x.dtype() == DType::F16),
        threads: 256,
        workgroups: [across, down, 1],
        shape: x.shape(),
        dtype: x.dtype(),
        numbers: vec![as_u32([count, width, places])],
    };
    operation.run(vec![
        x.clone().into_dispatch(),
        samples.clone().into_dispatch(),
        reduction.clone().into_dispatch(),
        reduction_bias.clone().into_dispatch(),
        projection.clone().into_dispatch(),
        projection_bias.clone().into_dispatch(),
    ])
}
