//! RoIAlign on graphics cards: `shaders/roi_align.wgsl`.

use super::roi_align::Bin;
use crate::device::shader::{launch, runs_wgsl, upload, with_numbers, workgroups};
use burn::{
    backend::{Backend, Dispatch, TensorMetadata, backend_extension, tensor::FloatTensor},
    tensor::{DType, Shape, Tensor},
};
use burn_cubecl::{
    CubeBackend,
    cubecl::prelude::KernelId,
    kernel::into_contiguous,
    ops::numeric::empty_device_contiguous_dtype,
    template::{KernelSource, SourceTemplate},
};

/// Invocations of a workgroup.
const THREADS: usize = 256;

/// `roi_align.wgsl` for numbers in half precision or single.
pub(crate) struct RoiAlignOf {
    pub(crate) half: bool,
}

impl KernelSource for RoiAlignOf {
    fn source(&self) -> SourceTemplate {
        with_numbers(include_str!("../../../../shaders/roi_align.wgsl"), self.half)
    }
    fn id(&self) -> KernelId {
        KernelId::new::<Self>().info(self.half)
    }
    fn lang(&self) -> &'static str {
        "wgsl"
    }
}

/// A map `[C, H, W]` in boxes, whose `bins` along each axis `axes` are `[N, 2, bins]`: `[N, C, bins * bins]`. Where the map is not what
/// the shader takes, none.
pub(super) fn sample(map: &Tensor<3>, axes: &[Bin], bins: usize) -> Option<Tensor<3>> {
    let [channels, height, width] = map.dims();
    let boxes = axes.len() / (2 * bins).max(1);
    let largest = (channels * height * width).max(boxes * channels * bins * bins);
    if !runs_wgsl(map.device().as_dispatch())
        || !matches!(map.dtype(), DType::F32 | DType::F16)
        || boxes * channels * height * width == 0
        || largest > i32::MAX as usize
    {
        return None;
    }
    let mut about = Vec::new();
    let mut weights: Vec<f32> = Vec::new();
    for bin in axes {
        about.extend([bin.first, bin.weights.len(), weights.len()].map(|number| number as u32));
        weights.extend(&bin.weights);
    }
    weights.push(0.0); // never empty
    let map = map.clone().into_dispatch();
    Some(Tensor::from_dispatch(<Dispatch as RoiAlignOps>::roi_align(map, about, weights, bins)))
}

fn result_shape(map: &Shape, about: &[u32], bins: usize) -> Shape {
    Shape::new([about.len() / (6 * bins), map[0], bins * bins])
}

#[backend_extension(Cube, Fusion)]
trait RoiAlignOps: Backend {
    #[fusion(dtype = map, shape = result_shape(map, about, *bins))]
    fn roi_align(map: FloatTensor<Self>, about: Vec<u32>, weights: Vec<f32>, bins: usize) -> FloatTensor<Self>;
}

impl RoiAlignOps for CubeBackend {
    fn roi_align(map: FloatTensor<Self>, about: Vec<u32>, weights: Vec<f32>, bins: usize) -> FloatTensor<Self> {
        let map = into_contiguous(map);
        let (from, shape) = (map.shape(), result_shape(&map.shape(), &about, bins));
        let count = shape.num_elements();
        let client = map.client.clone();
        let sizes = upload(&client, [shape[0], from[0], from[1], from[2], bins].map(|size| size as u32));
        let (about, weights) = (upload(&client, about), upload(&client, weights.into_iter().map(f32::to_bits)));
        let result = empty_device_contiguous_dtype(client.clone(), map.device.clone(), shape, map.dtype);
        let [across, down] = workgroups(count.div_ceil(THREADS));
        let kernel = RoiAlignOf { half: map.dtype == DType::F16 };
        let buffers = [&map.handle, &about, &weights, &result.handle, &sizes];
        launch(&client, kernel, THREADS as u32, [across, down, 1], buffers);
        result
    }
}
