//! Attention on graphics cards: `shaders/attention.wgsl`.

use super::{
    operation::Operation,
    shader::{Shader, as_u32, runs_on},
};
use burn::tensor::{DType, Shape, Tensor};

/// Number of invocations in a workgroup, and the queries that it computes.
const THREADS: u32 = 256;
const QUERIES: usize = 32;
/// Channels that a workgroup sums at once. An invocation keeps 16 numbers for each such chunk.
const CHUNK: usize = 128;
/// The most channels of a head.
pub const MOST_CHANNELS: usize = 512;

/// `attention.wgsl` for heads of this many channels.
pub fn shader(channels: usize, half: bool) -> Shader {
    let text = include_str!("../../../../shaders/attention.wgsl");
    Shader { name: "attention", text, half, values: vec![("chunks", channels.div_ceil(CHUNK))] }
}

/// `softmax(q k^T / sqrt(C)) v` between the places of maps `[B, C, places]`. Returns `None` if the shader does not take the tensors. The
/// result has no gradients.
pub fn attend_maps(query: &Tensor<3>, key: &Tensor<3>, value: &Tensor<3>) -> Option<Tensor<3>> {
    let [batch, channels, places] = query.dims();
    let strides = [channels * places, 0, 1, places];
    attend([query, key, value], [batch, 1, places, channels], [0; 3], [strides; 2], query.shape())
}

/// Attention between tokens in `heads` heads. `joint` `[B, N, 3 width]` has queries, keys and values side by side, and each head has a
/// part of the width. The result is `[B, N, width]`. Returns `None` if the shader does not take the tensor. The result has no gradients.
pub fn attend_tokens(joint: &Tensor<3>, heads: usize) -> Option<Tensor<3>> {
    let [batch, count, three] = joint.dims();
    let width = three / 3;
    let channels = width / heads;
    let strides = [width, three].map(|stride| [count * stride, channels, stride, 1]);
    let first = [0, width, 2 * width];
    let shape = Shape::new([batch, count, width]);
    attend([joint; 3], [batch, heads, count, channels], first, [strides[1], strides[0]], shape)
}

/// `strides` has those of the inputs and those of the result, along pictures, heads, places and channels.
fn attend(
    inputs: [&Tensor<3>; 3],
    [batch, heads, places, channels]: [usize; 4],
    first: [usize; 3],
    strides: [[usize; 4]; 2],
    shape: Shape,
) -> Option<Tensor<3>> {
    let dtype = inputs[0].dtype();
    if !runs_on(inputs[0].device().as_dispatch(), &inputs.map(Tensor::dtype)) || channels > MOST_CHANNELS {
        return None;
    }
    let mut sizes = as_u32([places, channels]);
    sizes.extend(as_u32(first));
    sizes.extend(strides.into_iter().flat_map(as_u32));
    let operation = Operation {
        shader: shader(channels, dtype == DType::F16),
        threads: THREADS,
        workgroups: [places.div_ceil(QUERIES), heads, batch].map(|count| count as u32),
        shape,
        dtype,
        numbers: vec![sizes],
    };
    operation.run(inputs.map(|tensor| tensor.clone().into_dispatch()).into())
}
