//! Linear layers on graphics cards: `shaders/linear.wgsl`, and `shaders/linear_cooperative.wgsl` on matrix units.
//!
//! Burn 0.22.1 tries many products for each shape at its first use in each process. On lavapipe the trials take 7 s for a transformer that
//! then runs in 0.2 s; with this shader the transformer runs in 0.5 s. On a graphics card the two have not been compared.

use super::{
    cooperative::{Matrices, matrices, tile},
    shader::{MOST_WORKGROUPS, Shader, launch, runs_on, upload, workgroups},
};
use burn::{
    backend::{Backend, Dispatch, TensorMetadata, backend_extension, tensor::FloatTensor},
    tensor::{DType, Shape, Tensor},
};
use burn_cubecl::{CubeBackend, kernel::into_contiguous, ops::numeric::empty_device_contiguous_dtype};

/// Number of invocations in a workgroup, which computes `ROWS` rows of `OUTPUTS` outputs.
const THREADS: u32 = 256;
const ROWS: usize = 32;
const OUTPUTS: usize = 64;

/// `linear.wgsl`.
pub fn shader(half: bool) -> Shader {
    let text = concat!(
        include_str!("../../../../shaders/linear.wgsl"),
        include_str!("../../../../shaders/linear_follows.wgsl")
    );
    Shader { name: "linear", text, half, values: Vec::new() }
}

/// `linear_cooperative.wgsl` for workgroups of `down x across` subgroups.
pub fn cooperative_shader(matrices: Matrices, [down, across]: [usize; 2]) -> Shader {
    let text = concat!(
        include_str!("../../../../shaders/linear_cooperative.wgsl"),
        include_str!("../../../../shaders/linear_follows.wgsl")
    );
    let threads = down * across * matrices.subgroup;
    let sizes = [("side", matrices.side), ("lanes", matrices.subgroup)];
    let workgroup = [("down", down), ("across", across), ("threads", threads)];
    Shader { name: "linear_cooperative", text, half: true, values: [sizes.as_slice(), &workgroup].concat() }
}

/// What follows a linear layer, in this order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Then<'a> {
    /// The activation.
    pub activation: Activation,
    /// Gates: a tensor `[B, parts O]`, and the part of it that multiplies the `N / B` rows of each picture.
    pub gate: Option<(&'a Tensor<2>, usize)>,
    /// Numbers `[P, O]` that are added to each `P` rows.
    pub residual: Option<&'a Tensor<2>>,
}

/// The activations of the shader, with their numbers in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    /// None.
    #[default]
    None = 0,
    /// `x (1 + erf(x / sqrt 2)) / 2`
    Gelu = 1,
    /// `x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2`
    TanhGelu = 2,
    /// `x / (1 + exp(-x))`
    Silu = 3,
}

/// `x W^T + bias` for `x` `[N, K]`, `weight` `[O, K]` and `bias` `[O]`: `[N, O]`, on matrix units where the device has them. Returns `None` if
/// the shaders do not take the tensors. The result has no gradients.
pub fn linear(x: &Tensor<2>, weight: &Tensor<2>, bias: &Tensor<1>) -> Option<Tensor<2>> {
    linear_then(x, weight, bias, Then::default())
}

/// [`linear`] with what follows.
pub fn linear_then(x: &Tensor<2>, weight: &Tensor<2>, bias: &Tensor<1>, then: Then<'_>) -> Option<Tensor<2>> {
    let units = matrices(&x.device()).and_then(|matrices| linear_with(x, weight, bias, then, Some(matrices)));
    units.or_else(|| linear_with(x, weight, bias, then, None))
}

/// Computes [`linear_then`] with these matrices, or without matrix units. Matrix units take numbers in half precision, and `K` in fours.
pub fn linear_with(
    x: &Tensor<2>,
    weight: &Tensor<2>,
    bias: &Tensor<1>,
    then: Then<'_>,
    matrices: Option<Matrices>,
) -> Option<Tensor<2>> {
    let ([rows, depth], [outputs, _]) = (x.dims(), weight.dims());
    let largest = (rows * depth).max(rows * outputs).max(outputs * depth);
    let least_outputs = matrices.map_or(OUTPUTS, |matrices| 4 * matrices.side);
    let fits = largest <= i32::MAX as usize && outputs.div_ceil(least_outputs) <= MOST_WORKGROUPS;
    let taken = matrices.is_none() || x.dtype() == DType::F16 && depth.is_multiple_of(4);
    let (residual, gates) = (then.residual.unwrap_or(x), then.gate.map_or(x, |(gates, _)| gates));
    let dtypes = [x.dtype(), weight.dtype(), bias.dtype(), residual.dtype(), gates.dtype()];
    if !runs_on(x.device().as_dispatch(), &dtypes) || rows * depth * outputs == 0 || !fits || !taken {
        return None;
    }
    let period = then.residual.map_or(0, |residual| residual.dims()[0]);
    let gate = then.gate.map_or([0; 3], |(gates, part)| [rows / gates.dims()[0], gates.dims()[1], part * outputs]);
    let follows = [then.activation as usize, period, gate[0], gate[1], gate[2]];
    let [x, weight, residual, gates] = [x, weight, residual, gates].map(|tensor| tensor.clone().into_dispatch());
    let bias = bias.clone().into_dispatch();
    let result = <Dispatch as LinearOps>::linear(x, weight, bias, residual, gates, follows, matrices);
    Some(Tensor::from_dispatch(result))
}

fn result_shape(x: &Shape, bias: &Shape) -> Shape {
    Shape::new([x[0], bias[0]])
}

#[backend_extension(Cube, Fusion)]
trait LinearOps: Backend {
    #[fusion(dtype = x, shape = result_shape(x, bias))]
    fn linear(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        gates: FloatTensor<Self>,
        follows: [usize; 5],
        matrices: Option<Matrices>,
    ) -> FloatTensor<Self>;
}

impl LinearOps for CubeBackend {
    fn linear(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        gates: FloatTensor<Self>,
        follows: [usize; 5],
        matrices: Option<Matrices>,
    ) -> FloatTensor<Self> {
        let [x, weight, bias, residual, gates] = [x, weight, bias, residual, gates].map(into_contiguous);
        let shape = result_shape(&x.shape(), &bias.shape());
        let [rows, depth, outputs] = [shape[0], x.shape()[1], shape[1]];
        let client = x.client.clone();
        let result = empty_device_contiguous_dtype(client.clone(), x.device.clone(), shape, x.dtype);
        let (depth, threads, [rows_at_once, outputs_at_once], shader) = match matrices {
            None => (depth, THREADS, [ROWS, OUTPUTS], shader(x.dtype == DType::F16)),
            Some(matrices) => {
                let tile = tile(matrices, rows, outputs, 1);
                let threads = (tile[0] * tile[1] * matrices.subgroup) as u32;
                (depth / 4, threads, matrices.covered(tile), cooperative_shader(matrices, tile))
            }
        };
        let sizes = upload(&client, [rows, depth, outputs].into_iter().chain(follows).map(|size| size as u32));
        let [across, down] = workgroups(rows.div_ceil(rows_at_once));
        let inputs = [&x.handle, &weight.handle, &bias.handle];
        let buffers = inputs.into_iter().chain([&result.handle, &sizes, &residual.handle, &gates.handle]);
        launch(&client, shader, threads, [across, down, outputs.div_ceil(outputs_at_once) as u32], buffers);
        result
    }
}
