//! Launches the hand-written shaders through burn's own device and queue.

use super::shader::{Shader, launch, upload};
use crate::splat::places;
use burn::{
    backend::{TensorMetadata, tensor::FloatTensor},
    tensor::Shape,
};
use burn_cubecl::{
    CubeBackend,
    cubecl::{client::Client, server::Handle},
    kernel::into_contiguous,
    ops::numeric::empty_device_contiguous_dtype,
};

/// The most channels of the backward shader, whose invocations keep a gradient for each channel.
pub const MOST_CHANNELS: usize = 64;

/// Number of invocations in a workgroup of the forward shader.
const FORWARD_THREADS: u32 = 256;
/// Number of invocations in a workgroup of the backward shader.
const BACKWARD_THREADS: u32 = 64;
/// Side of a tile in pixels.
const TILE: usize = 8;
const GROUPS: usize = 4;
const MOST_ACCUMULATORS: usize = 8;

/// `splat_forward.wgsl` with this many sums for each invocation.
pub fn forward_shader(accumulators: usize) -> Shader {
    let text = include_str!("../../../../shaders/splat_forward.wgsl");
    Shader { name: "splat_forward", text, half: false, values: vec![("accumulators", accumulators)] }
}

/// `splat_backward.wgsl` for this many channels.
pub fn backward_shader(channels: usize) -> Shader {
    let text = include_str!("../../../../shaders/splat_backward.wgsl");
    Shader { name: "splat_backward", text, half: false, values: vec![("channels", channels)] }
}

/// The buffers `places` and `sizes` that both shaders read.
fn about(
    client: &Client,
    batch: usize,
    count: usize,
    channels: usize,
    [width, height]: [usize; 2],
    support: f32,
) -> [Handle; 2] {
    let places = places(width).into_iter().chain(places(height)).map(f32::to_bits);
    let sizes = [batch, count, channels, width, height].map(|size| size as u32);
    [upload(client, places), upload(client, sizes.into_iter().chain([support.to_bits()]))]
}

/// Splats `[B, N, 5]` and `[B, N, C]` to `[B, C, H, W]`. None of them may be empty.
pub(super) fn forward(
    gaussians: FloatTensor<CubeBackend>,
    textures: FloatTensor<CubeBackend>,
    size: [usize; 2],
    support: f32,
) -> FloatTensor<CubeBackend> {
    let (gaussians, textures) = (into_contiguous(gaussians), into_contiguous(textures));
    let shape = textures.shape();
    let [batch, count, channels] = [shape[0], shape[1], shape[2]];
    let [width, height] = size;
    let client = textures.client.clone();
    let map = Shape::new([batch, channels, height, width]);
    let map = empty_device_contiguous_dtype(client.clone(), textures.device.clone(), map, textures.dtype);
    let [places, sizes] = about(&client, batch, count, channels, size, support);

    let accumulators = channels.div_ceil(GROUPS).min(MOST_ACCUMULATORS);
    let slabs = channels.div_ceil(accumulators * GROUPS);
    let tiles = width.div_ceil(TILE) * height.div_ceil(TILE);
    let buffers = [&gaussians.handle, &textures.handle, &map.handle, &places, &sizes];
    launch(&client, forward_shader(accumulators), FORWARD_THREADS, [tiles as u32, (slabs * batch) as u32, 1], buffers);
    map
}

/// The gradients of gaussians and textures, from the gradient of the map.
pub(super) fn backward(
    gaussians: FloatTensor<CubeBackend>,
    textures: FloatTensor<CubeBackend>,
    gradient: FloatTensor<CubeBackend>,
    support: f32,
) -> (FloatTensor<CubeBackend>, FloatTensor<CubeBackend>) {
    let (gaussians, textures) = (into_contiguous(gaussians), into_contiguous(textures));
    let gradient = into_contiguous(gradient);
    let (shape, map) = (textures.shape(), gradient.shape());
    let [batch, count, channels] = [shape[0], shape[1], shape[2]];
    let client = textures.client.clone();
    let empty = |width: usize| {
        let shape = Shape::new([batch, count, width]);
        empty_device_contiguous_dtype(client.clone(), textures.device.clone(), shape, textures.dtype)
    };
    let (of_gaussians, of_textures) = (empty(5), empty(channels));
    let [places, sizes] = about(&client, batch, count, channels, [map[3], map[2]], support);
    let buffers = [
        &gaussians.handle,
        &textures.handle,
        &gradient.handle,
        &of_gaussians.handle,
        &of_textures.handle,
        &places,
        &sizes,
    ];
    launch(&client, backward_shader(channels), BACKWARD_THREADS, [count as u32, batch as u32, 1], buffers);
    (of_gaussians, of_textures)
}
