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
    Shader { name: "linear", text: include_str!("../../../../shaders/linear.wgsl"), half, values: Vec::new() }
}

/// `linear_cooperative.wgsl` for workgroups of `down x across` subgroups.
pub fn cooperative_shader(matrices: Matrices, [down, across]: [usize; 2]) -> Shader {
    let text = include_str!("../../../../shaders/linear_cooperative.wgsl");
    let threads = down * across * matrices.subgroup;
    let sizes = [("side", matrices.side), ("lanes", matrices.subgroup)];
    let workgroup = [("down", down), ("across", across), ("threads", threads)];
    Shader { name: "linear_cooperative", text, half: true, values: [sizes.as_slice(), &workgroup].concat() }
}

/// `x W^T + bias` for `x` `[N, K]`, `weight` `[O, K]` and `bias` `[O]`: `[N, O]`, on matrix units where the device has them. Returns `None` if
/// the shaders do not take the tensors. The result has no gradients.
pub fn linear(x: &Tensor<2>, weight: &Tensor<2>, bias: &Tensor<1>) -> Option<Tensor<2>> {
    let units = matrices(&x.device()).and_then(|matrices| linear_with(x, weight, bias, Some(matrices)));
    units.or_else(|| linear_with(x, weight, bias, None))
}

/// Computes [`linear`] with these matrices, or without matrix units. Matrix units take numbers in half precision, and `K` in fours.
pub fn linear_with(
    x: &Tensor<2>,
    weight: &Tensor<2>,
    bias: &Tensor<1>,
    matrices: Option<Matrices>,
) -> Option<Tensor<2>> {
    let ([rows, depth], [outputs, _]) = (x.dims(), weight.dims());
    let largest = (rows * depth).max(rows * outputs).max(outputs * depth);
    let least_outputs = matrices.map_or(OUTPUTS, |matrices| 4 * matrices.side);
    let fits = largest <= i32::MAX as usize && outputs.div_ceil(least_outputs) <= MOST_WORKGROUPS;
    let taken = matrices.is_none() || x.dtype() == DType::F16 && depth.is_multiple_of(4);
    let runs = runs_on(x.device().as_dispatch(), &[x.dtype(), weight.dtype(), bias.dtype()]);
    if !runs || rows * depth * outputs == 0 || !fits || !taken {
        return None;
    }
    let [x, weight] = [x, weight].map(|tensor| tensor.clone().into_dispatch());
    Some(Tensor::from_dispatch(<Dispatch as LinearOps>::linear(x, weight, bias.clone().into_dispatch(), matrices)))
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
        matrices: Option<Matrices>,
    ) -> FloatTensor<Self>;
}

impl LinearOps for CubeBackend {
    fn linear(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        matrices: Option<Matrices>,
    ) -> FloatTensor<Self> {
        let (x, weight, bias) = (into_contiguous(x), into_contiguous(weight), into_contiguous(bias));
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
        let sizes = upload(&client, [rows, depth, outputs].map(|size| size as u32));
        let [across, down] = workgroups(rows.div_ceil(rows_at_once));
        let buffers = [&x.handle, &weight.handle, &bias.handle, &result.handle, &sizes];
        launch(&client, shader, threads, [across, down, outputs.div_ceil(outputs_at_once) as u32], buffers);
        result
    }
}
