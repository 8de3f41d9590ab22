//! What the launches of hand-written shaders share.

use burn::backend::DispatchDevice;
use burn_cubecl::{
    cubecl::{
        client::Client,
        prelude::{CubeCount, CubeDim},
        server::{Handle, KernelArguments},
    },
    template::{KernelSource, SourceKernel, SourceTemplate},
};

/// Whether our shaders run there: where burn's own compiler writes WGSL. Not where gradients are followed.
pub(crate) fn runs_wgsl(device: &DispatchDevice) -> bool {
    matches!(device, DispatchDevice::Cube(device) if device.client().name() == "wgpu<wgsl>")
}

/// Workgroups along one axis that WebGPU guarantees.
pub(crate) const MOST_WORKGROUPS: usize = 65_535;

/// At least so many workgroups, along x and y.
pub(crate) fn workgroups(count: usize) -> [u32; 2] {
    let across = count.min(MOST_WORKGROUPS);
    [across as u32, count.div_ceil(across.max(1)) as u32]
}

/// Fills in what numbers are in memory: half precision or single.
pub(crate) fn with_numbers(source: &str, half: bool) -> SourceTemplate {
    let (enable, number) = if half { ("enable f16;", "f16") } else { ("", "f32") };
    SourceTemplate::new(source).register("enable", enable).register("number", number)
}

/// Uploads numbers, such as the sizes that a shader reads.
pub(crate) fn upload(client: &Client, numbers: impl IntoIterator<Item = u32>) -> Handle {
    let bytes: Vec<u8> = numbers.into_iter().flat_map(u32::to_le_bytes).collect();
    client.create_from_slice(&bytes)
}

/// Queues so many workgroups of `threads` invocations along x, y and z, with the buffers in the order of their bindings.
pub(crate) fn launch<const BUFFERS: usize>(
    client: &Client,
    shader: impl KernelSource,
    threads: u32,
    [x, y, z]: [u32; 3],
    buffers: [&Handle; BUFFERS],
) {
    let buffers = buffers.into_iter().map(|handle| handle.clone().binding()).collect();
    client.launch(
        Box::new(SourceKernel::new(shader, CubeDim::new_1d(threads))),
        CubeCount::Static(x, y, z),
        KernelArguments::new().with_buffers(buffers),
    );
}
