//! Convolutions on graphics cards: `shaders/convolution.wgsl`, and `shaders/convolution_cooperative.wgsl` on matrix units.
//!
//! Burn 0.22.1 has no fast kernel for convolutions if it can't reach a card's matrix units, and its own WGSL can't reach them. It tries
//! many kernels at the first use in each process, which takes much longer than the work itself.

use super::{
    cooperative::{Matrices, matrices, tile},
    products_shader,
    shader::{MOST_WORKGROUPS, Shader, launch, runs_on, upload, workgroups},
    winograd_shader,
};
use burn::{
    backend::{Backend, Dispatch, TensorMetadata, backend_extension, tensor::FloatTensor},
    tensor::{DType, Shape, Tensor},
};
use burn_cubecl::{CubeBackend, kernel::into_contiguous, ops::numeric::empty_device_contiguous_dtype};

/// Number of invocations in a workgroup.
const THREADS: u32 = 256;
/// The least `R` of the shader.
const FEWEST_ROWS: usize = 4;
const MOST_ROWS: usize = 16;
/// The fewest inputs for matrix units: half the channels that they take at once.
const FEWEST_INPUTS: usize = 8;

/// `convolution.wgsl` for a kernel of side `side` on a map that is enlarged by `scale`, for workgroups of `4 rows` outputs.
pub fn shader([side, scale, rows]: [usize; 3], half: bool) -> Shader {
    let text = include_str!("../../../../shaders/convolution.wgsl");
    Shader { name: "convolution", text, half, values: vec![("side", side), ("scale", scale), ("rows", rows)] }
}

/// `convolution_cooperative.wgsl` for a kernel of side `side` on a map that is enlarged by `scale`, for workgroups of `down x across` subgroups.
pub fn cooperative_shader([side, scale]: [usize; 2], matrices: Matrices, [down, across]: [usize; 2]) -> Shader {
    let text = include_str!("../../../../shaders/convolution_cooperative.wgsl");
    let threads = down * across * matrices.subgroup;
    let sizes = [("side", side), ("scale", scale), ("matrix", matrices.side), ("lanes", matrices.subgroup)];
    let workgroup = [("down", down), ("across", across), ("threads", threads)];
    Shader { name: "convolution_cooperative", text, half: true, values: [sizes.as_slice(), &workgroup].concat() }
}

/// Convolves `map` `[B, I, H, W]`, each pixel of which stands for `scale x scale` pixels, with `weight` `[O, I, k, k]` for odd `k`, and
/// adds `bias` `[O]`: `[B, O, scale H, scale W]`, on matrix units where the device has them. Returns `None` if the shaders do not take the
/// tensors. The result has no gradients.
pub fn convolve(map: &Tensor<4>, weight: &Tensor<4>, bias: &Tensor<1>, scale: usize) -> Option<Tensor<4>> {
    convolve_adding(map, weight, bias, scale, None)
}

/// [`convolve`], which also adds `residual` in the shape of the result.
pub fn convolve_adding(
    map: &Tensor<4>,
    weight: &Tensor<4>,
    bias: &Tensor<1>,
    scale: usize,
    residual: Option<&Tensor<4>>,
) -> Option<Tensor<4>> {
    // Matrix units would mostly multiply zeros for fewer inputs.
    let matrices = matrices(&map.device()).filter(|_| weight.dims()[1] >= FEWEST_INPUTS);
    let units = matrices.and_then(|matrices| convolve_with(map, weight, bias, scale, residual, Some(matrices)));
    units
        .or_else(|| winograd_shader::convolve(map, weight, bias, scale, residual))
        .or_else(|| (scale == 1).then(|| products_shader::convolve(map, weight, bias, residual)).flatten())
        .or_else(|| convolve_with(map, weight, bias, scale, residual, None))
}

/// Computes [`convolve_adding`] with these matrices, or by the direct form without matrix units. Matrix units take numbers in half precision.
pub fn convolve_with(
    map: &Tensor<4>,
    weight: &Tensor<4>,
    bias: &Tensor<1>,
    scale: usize,
    residual: Option<&Tensor<4>>,
    matrices: Option<Matrices>,
) -> Option<Tensor<4>> {
    let [outputs, inputs, side, _] = weight.dims();
    let places = map.shape().num_elements() / inputs.max(1) * scale * scale;
    let numbers = places * inputs.max(outputs);
    let largest = numbers.max(outputs * inputs * side * side);
    let least_outputs = matrices.map_or(4 * FEWEST_ROWS, |matrices| 2 * matrices.side);
    let fits = largest <= i32::MAX as usize && map.dims()[0] * outputs.div_ceil(least_outputs) <= MOST_WORKGROUPS;
    let taken = matrices.is_none() || map.dtype() == DType::F16;
    let added = residual.unwrap_or(map);
    let dtypes = [map.dtype(), weight.dtype(), bias.dtype(), added.dtype()];
    if !runs_on(map.device().as_dispatch(), &dtypes) || numbers == 0 || !fits || !taken {
        return None;
    }
    let [map, weight, added] = [map, weight, added].map(|tensor| tensor.clone().into_dispatch());
    Some(Tensor::from_dispatch(<Dispatch as ConvolutionOps>::convolve(
        map,
        weight,
        bias.clone().into_dispatch(),
        added,
        [side, scale],
        residual.is_some(),
        matrices,
    )))
}

/// [`convolve`] for tensors in f32 that the shaders take, as a part of another operation.
pub(super) fn launch_single(
    map: FloatTensor<CubeBackend>,
    weight: FloatTensor<CubeBackend>,
    bias: FloatTensor<CubeBackend>,
    scale: usize,
) -> FloatTensor<CubeBackend> {
    match winograd_shader::worthwhile_band(&map.shape(), &weight.shape(), scale) {
        Some(band) => winograd_shader::launch_single(map, weight, bias, scale, band),
        None => {
            let side = weight.shape()[2];
            <CubeBackend as ConvolutionOps>::convolve(map.clone(), weight, bias, map, [side, scale], false, None)
        }
    }
}

fn result_shape(map: &Shape, bias: &Shape, scale: usize) -> Shape {
    Shape::new([map[0], bias[0], scale * map[2], scale * map[3]])
}

#[backend_extension(Cube, Fusion)]
trait ConvolutionOps: Backend {
    #[fusion(dtype = map, shape = result_shape(map, bias, side_and_scale[1]))]
    fn convolve(
        map: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        side_and_scale: [usize; 2],
        adds: bool,
        matrices: Option<Matrices>,
    ) -> FloatTensor<Self>;
}

impl ConvolutionOps for CubeBackend {
    fn convolve(
        map: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        [side, scale]: [usize; 2],
        adds: bool,
        matrices: Option<Matrices>,
    ) -> FloatTensor<Self> {
        let [map, weight, bias, residual] = [map, weight, bias, residual].map(into_contiguous);
        let shape = result_shape(&map.shape(), &bias.shape(), scale);
        let [batch, outputs, height, width] = [shape[0], shape[1], shape[2], shape[3]];
        let inputs = map.shape()[1];
        let client = map.client.clone();
        let result = empty_device_contiguous_dtype(client.clone(), map.device.clone(), shape, map.dtype);
        let sizes = upload(&client, [inputs, outputs, height, width, usize::from(adds)].map(|size| size as u32));

        let places = height * width;
        let (threads, [outputs_at_once, pixels_at_once], shader) = match matrices {
            None => {
                // The smallest workgroup that wastes as few outputs as possible.
                let rows = outputs.div_ceil(4).next_power_of_two().clamp(FEWEST_ROWS, MOST_ROWS);
                (THREADS, [4 * rows, 2048 / rows], shader([side, scale, rows], map.dtype == DType::F16))
            }
            Some(matrices) => {
                let tile = tile(matrices, outputs, places, batch);
                let threads = (tile[0] * tile[1] * matrices.subgroup) as u32;
                (threads, matrices.covered(tile), cooperative_shader([side, scale], matrices, tile))
            }
        };
        let [across, down] = workgroups(places.div_ceil(pixels_at_once));
        let workgroups = [across, down, (outputs.div_ceil(outputs_at_once) * batch) as u32];
        let buffers = [&map.handle, &weight.handle, &bias.handle, &result.handle, &sizes, &residual.handle];
        launch(&client, shader, threads, workgroups, buffers);
        result
    }
}
