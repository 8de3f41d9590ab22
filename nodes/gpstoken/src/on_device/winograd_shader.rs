//! 3x3 convolutions on graphics cards by Winograd's F(4x4, 3x3), which takes a quarter of the multiplications: `shaders/winograd_*.wgsl`,
//! and `products.wgsl` between them.
//!
//! Numbers between the shaders are in f32 for any precision of the map. Half precision has too few digits: the method's matrices have factors
//! from 1/24 to 8, which enlarge rounding errors. The weights are transformed in each convolution. That takes less than a tenth of its
//! time on lavapipe, and transformed weights would take four times the memory of the weights.

use super::{
    products_shader::{FOUR, Products},
    shader::{MOST_BYTES, Shader, as_u32, launch, runs_on, upload},
};
use burn::{
    backend::{Backend, Dispatch, TensorMetadata, backend_extension, tensor::FloatTensor},
    tensor::{DType, Shape, Tensor},
};
use burn_cubecl::{
    CubeBackend, cubecl::server::Handle, kernel::into_contiguous, ops::numeric::empty_device_contiguous_dtype,
};

/// Number of invocations in a workgroup.
const THREADS: usize = 256;
/// Outputs of a tile along an axis.
const OUTPUTS: usize = 4;
/// The fewest inputs for which the saved multiplications outweigh the transforms, which load and store more than twice as many numbers as
/// the maps have. For 3 to 32 channels of 256 x 256, lavapipe takes 54 ms instead of 95 on 2 cores. A card of 10 T multiplications and
/// 4.8 TB a second would lose 3 µs there, and gain from 8 inputs on.
const FEWEST_INPUTS: usize = 3;
/// The fewest tiles: half of what a workgroup of the products computes. With 64 tiles lavapipe takes 27 ms instead of 99 for 128 to 128
/// channels. With 16 it takes 113 ms instead of 99 for 256 to 256, because most of the workgroup computes nothing.
const FEWEST_TILES: usize = 64;

/// `winograd_map.wgsl` for a map that is enlarged by `scale`.
pub fn map_shader(scale: usize, half: bool) -> Shader {
    let text = include_str!("../../../../shaders/winograd_map.wgsl");
    Shader { name: "winograd_map", text, half, values: vec![("scale", scale)] }
}

/// `winograd_weights.wgsl`.
pub fn weights_shader(half: bool) -> Shader {
    let text = include_str!("../../../../shaders/winograd_weights.wgsl");
    Shader { name: "winograd_weights", text, half, values: Vec::new() }
}

/// `winograd_result.wgsl`.
pub fn result_shader(half: bool) -> Shader {
    let text = include_str!("../../../../shaders/winograd_result.wgsl");
    Shader { name: "winograd_result", text, half, values: Vec::new() }
}

/// The sizes of a convolution.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    inputs: usize,
    outputs: usize,
    height: usize,
    width: usize,
    batch: usize,
    scale: usize,
}

impl Sizes {
    fn of(map: &Shape, outputs: usize, scale: usize) -> Self {
        let [batch, inputs, height, width] = [map[0], map[1], scale * map[2], scale * map[3]];
        Self { inputs, outputs, height, width, batch, scale }
    }

    /// Tiles that are not outside the result.
    fn tiles(self) -> usize {
        self.batch * self.height.div_ceil(OUTPUTS) * self.width.div_ceil(OUTPUTS)
    }

    /// Fours of tiles.
    fn fours(self) -> usize {
        self.batch * self.height.div_ceil(OUTPUTS) * self.width.div_ceil(FOUR * OUTPUTS)
    }

    /// Places along an axis that are kept.
    fn side(self) -> usize {
        7 - self.scale
    }

    fn places(self) -> usize {
        self.side() * self.side()
    }

    /// Outputs with those that fill the last four.
    fn padded_outputs(self) -> usize {
        self.outputs.next_multiple_of(FOUR)
    }

    /// The most fours of tiles whose transformed numbers fit into a buffer, and none if the transformed weights do not.
    fn band(self) -> usize {
        let numbers = MOST_BYTES / size_of::<f32>() / self.places();
        let weights = self.inputs * self.padded_outputs();
        if weights > numbers { 0 } else { numbers / FOUR / self.inputs.max(self.padded_outputs()) }
    }

    /// Whether a convolution is faster by this method.
    fn worthwhile(self) -> bool {
        self.inputs >= FEWEST_INPUTS && self.tiles() >= FEWEST_TILES
    }
}

/// [`convolve_adding`](super::convolution_shader::convolve_adding) by this method. Returns `None` if the shaders do not take the tensors, or
/// if they are not faster than the direct form.
pub fn convolve(
    map: &Tensor<4>,
    weight: &Tensor<4>,
    bias: &Tensor<1>,
    scale: usize,
    residual: Option<&Tensor<4>>,
) -> Option<Tensor<4>> {
    if !Sizes::of(&map.shape(), weight.dims()[0], scale).worthwhile() {
        return None;
    }
    convolve_in_bands(map, weight, bias, scale, residual, usize::MAX)
}

/// The fours of tiles that a convolution in f32 computes at a time by this method. Returns `None` if the shaders do not take its tensors, or
/// if they are not faster than the direct form.
pub(super) fn worthwhile_band(map: &Shape, weight: &Shape, scale: usize) -> Option<usize> {
    let sizes = Sizes::of(map, weight[0], scale);
    let band = sizes.band();
    (takes(map, weight[2], scale) && sizes.worthwhile() && band > 0).then_some(band)
}

/// Whether the shaders take a map of this shape with a kernel of side `side`.
fn takes(map: &Shape, side: usize, scale: usize) -> bool {
    side == 3 && matches!(scale, 1 | 2) && map[3].is_multiple_of(FOUR)
}

/// [`convolve`] in bands for tensors that the shaders take, as a part of another operation.
pub(super) fn launch_single(
    map: FloatTensor<CubeBackend>,
    weight: FloatTensor<CubeBackend>,
    bias: FloatTensor<CubeBackend>,
    scale: usize,
    band: usize,
) -> FloatTensor<CubeBackend> {
    <CubeBackend as WinogradOps>::winograd(map.clone(), weight, bias, map, scale, false, band)
}

/// Computes a convolution, worthwhile or not, with at most `band` fours of tiles at a time, and no more than fit into a buffer. `scale` is
/// 1 or 2, and the width of the map is a multiple of 4.
pub fn convolve_in_bands(
    map: &Tensor<4>,
    weight: &Tensor<4>,
    bias: &Tensor<1>,
    scale: usize,
    residual: Option<&Tensor<4>>,
    band: usize,
) -> Option<Tensor<4>> {
    let [outputs, inputs, side, _] = weight.dims();
    let sizes = Sizes::of(&map.shape(), outputs, scale);
    let numbers = sizes.batch * sizes.height * sizes.width * inputs.max(outputs);
    let fits = inputs * outputs > 0 && (1..=i32::MAX as usize).contains(&numbers);
    let taken = takes(&map.shape(), side, scale);
    let added = residual.unwrap_or(map);
    let dtypes = [map.dtype(), weight.dtype(), bias.dtype(), added.dtype()];
    if !runs_on(map.device().as_dispatch(), &dtypes) || !fits || !taken {
        return None;
    }
    let band = band.min(sizes.band());
    if band == 0 {
        return None;
    }
    let [map, weight, added] = [map, weight, added].map(|tensor| tensor.clone().into_dispatch());
    let bias = bias.clone().into_dispatch();
    let adds = residual.is_some();
    Some(Tensor::from_dispatch(<Dispatch as WinogradOps>::winograd(map, weight, bias, added, scale, adds, band)))
}

fn result_shape(map: &Shape, bias: &Shape, scale: usize) -> Shape {
    Shape::new([map[0], bias[0], scale * map[2], scale * map[3]])
}

#[backend_extension(Cube, Fusion)]
trait WinogradOps: Backend {
    #[fusion(dtype = map, shape = result_shape(map, bias, *scale))]
    fn winograd(
        map: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        scale: usize,
        adds: bool,
        band: usize,
    ) -> FloatTensor<Self>;
}

impl WinogradOps for CubeBackend {
    fn winograd(
        map: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        scale: usize,
        adds: bool,
        band: usize,
    ) -> FloatTensor<Self> {
        let [map, weight, bias, residual] = [map, weight, bias, residual].map(into_contiguous);
        let sizes = Sizes::of(&map.shape(), bias.shape()[0], scale);
        let Sizes { inputs, outputs, height, width, .. } = sizes;
        let (side, padded) = (sizes.side(), sizes.padded_outputs());
        let half = map.dtype == DType::F16;
        let client = map.client.clone();
        let empty =
            |shape: Shape, dtype| empty_device_contiguous_dtype(client.clone(), map.device.clone(), shape, dtype);
        let between =
            |rows: usize, columns: usize| empty(Shape::new([sizes.places(), rows, columns]), DType::F32).handle;
        let run = |shader, workgroups: [usize; 3], buffers: &[&Handle]| {
            launch(&client, shader, THREADS as u32, workgroups.map(|count| count as u32), buffers.iter().copied());
        };

        let result = empty(result_shape(&map.shape(), &bias.shape(), scale), map.dtype);
        let weights = between(inputs, padded); // [S, I, P]
        let numbers = upload(&client, as_u32([inputs, outputs, padded, side]));
        let workgroups = [(inputs * padded).div_ceil(THREADS), 1, 1];
        run(weights_shader(half), workgroups, &[&weight.handle, &weights, &numbers]);

        let fours = sizes.fours();
        let band = band.min(fours);
        let pixels = between(inputs, FOUR * band); // [S, I, 4 F]
        let sums = between(padded, FOUR * band); // [S, P, 4 F]
        for first in (0..fours).step_by(band) {
            let count = band.min(fours - first);
            let numbers = upload(&client, as_u32([inputs, height, width, count, first]));
            let workgroups = [(inputs * count).div_ceil(THREADS), 1, 1];
            run(map_shader(scale, half), workgroups, &[&map.handle, &pixels, &numbers]);

            let products = Products {
                count: sizes.places(),
                depth: inputs,
                rows: padded / FOUR,
                columns: count,
                strides: [padded / FOUR, count, count],
                first: [0; 3],
            };
            products.launch(&client, [&weights, &pixels, &sums]);

            let numbers = [outputs, height, width, count, first, padded, side, usize::from(adds)];
            let numbers = upload(&client, as_u32(numbers));
            let buffers = [&sums, &bias.handle, &residual.handle, &result.handle, &numbers];
            run(result_shader(half), [(outputs * count).div_ceil(THREADS), 1, 1], &buffers);
        }
        result
    }
}
