//! RoIAlign on graphics cards: `shaders/roi_align.wgsl`.

use super::shader::{Shader, launch, runs_on, upload, workgroups};
use crate::tokenizer::roi_align::axis;
use burn::{
    backend::{Backend, Dispatch, TensorMetadata, backend_extension, tensor::FloatTensor},
    tensor::{DType, Shape, Tensor},
};
use burn_cubecl::{CubeBackend, kernel::into_contiguous, ops::numeric::empty_device_contiguous_dtype};

/// Number of invocations in a workgroup.
const THREADS: usize = 256;

/// `roi_align.wgsl`.
pub fn shader(half: bool) -> Shader {
    Shader { name: "roi_align", text: include_str!("../../../../shaders/roi_align.wgsl"), half, values: Vec::new() }
}

/// Samples a map `[C, H, W]` in boxes: `[N, C, bins * bins]`. Returns `None` if the shader does not take the map. The result has no
/// gradients.
pub(super) fn sample(map: &Tensor<3>, boxes: &[[f32; 4]], bins: usize) -> Option<Tensor<3>> {
    let [channels, height, width] = map.dims();
    let numbers = channels * (height * width).max(boxes.len() * bins * bins);
    let empty = channels * height * width * boxes.len() * bins == 0;
    if !runs_on(map.device().as_dispatch(), &[map.dtype()]) || empty || numbers > i32::MAX as usize {
        return None;
    }
    let mut about = Vec::new(); // [N, 2, bins, 3]
    let mut weights: Vec<f32> = Vec::new();
    for &[x0, y0, x1, y1] in boxes {
        for bin in axis(x0, x1, width, bins).into_iter().chain(axis(y0, y1, height, bins)) {
            about.extend([bin.first, bin.weights.len(), weights.len()].map(|number| number as u32));
            weights.extend(bin.weights);
        }
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
        let shader = shader(map.dtype == DType::F16);
        let buffers = [&map.handle, &about, &weights, &result.handle, &sizes];
        launch(&client, shader, THREADS as u32, [across, down, 1], buffers);
        result
    }
}
