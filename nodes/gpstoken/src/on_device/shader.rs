//! Shared parts of the launches of hand-written shaders.

use burn::{backend::DispatchDevice, tensor::DType};
use burn_cubecl::{
    cubecl::{
        client::Client,
        prelude::{CubeCount, CubeDim, KernelId},
        server::{Handle, KernelArguments},
    },
    template::{KernelSource, SourceKernel, SourceTemplate},
};

/// Whether the pack's shaders run on a device: burn's compiler must write WGSL for it, and the device must not differentiate.
pub fn runs_wgsl(device: &DispatchDevice) -> bool {
    matches!(device, DispatchDevice::Cube(device) if device.client().name() == "wgpu<wgsl>")
}

/// Whether the pack's shaders run on a device for numbers of these types. All numbers must be in single precision, or all in half.
pub fn runs_on(device: &DispatchDevice, dtypes: &[DType]) -> bool {
    let all = |wanted: DType| dtypes.iter().all(|dtype| *dtype == wanted);
    runs_wgsl(device) && (all(DType::F32) || all(DType::F16))
}

/// A shader with the values that are filled in before it is compiled.
#[derive(Clone, Debug)]
pub struct Shader {
    /// Distinguishes shaders.
    pub name: &'static str,
    /// The shader's WGSL, with `{{ name }}` in place of each value.
    pub text: &'static str,
    /// Whether numbers in memory are in half precision, for `{{ enable }}` and `{{ number }}`.
    pub half: bool,
    /// The other values.
    pub values: Vec<(&'static str, usize)>,
}

impl KernelSource for Shader {
    fn source(&self) -> SourceTemplate {
        let (enable, number) = if self.half { ("enable f16;", "f16") } else { ("", "f32") };
        let source = SourceTemplate::new(self.text).register("enable", enable).register("number", number);
        self.values.iter().fold(source, |source, (name, value)| source.register(*name, value.to_string()))
    }
    fn id(&self) -> KernelId {
        KernelId::new::<Self>().info((self.name, self.half, self.values.clone()))
    }
    fn lang(&self) -> &'static str {
        "wgsl"
    }
}

/// The number of workgroups along one axis that WebGPU guarantees.
pub const MOST_WORKGROUPS: usize = 65_535;

/// The most bytes of a buffer that only shaders write and read: WebGPU guarantees that a shader can be given so many. Longer work is done
/// in parts.
pub(super) const MOST_BYTES: usize = 128 << 20;

/// Numbers of workgroups along x and y for at least `count` workgroups.
pub fn workgroups(count: usize) -> [u32; 2] {
    let across = count.min(MOST_WORKGROUPS);
    [across as u32, count.div_ceil(across.max(1)) as u32]
}

/// Sizes as a shader reads them. [`Operation::run`](super::operation::Operation::run) refuses tensors whose sizes do not fit.
pub(super) fn as_u32<const COUNT: usize>(sizes: [usize; COUNT]) -> Vec<u32> {
    sizes.map(|size| size as u32).into()
}

/// Uploads numbers, such as the sizes that a shader reads.
pub fn upload(client: &Client, numbers: impl IntoIterator<Item = u32>) -> Handle {
    let bytes: Vec<u8> = numbers.into_iter().flat_map(u32::to_le_bytes).collect();
    client.create_from_slice(&bytes)
}

/// Queues workgroups of `threads` invocations, with their numbers along x, y and z and the buffers in the order of their bindings.
pub fn launch<'a>(
    client: &Client,
    shader: Shader,
    threads: u32,
    [x, y, z]: [u32; 3],
    buffers: impl IntoIterator<Item = &'a Handle>,
) {
    let buffers = buffers.into_iter().map(|handle| handle.clone().binding()).collect();
    client.launch(
        Box::new(SourceKernel::new(shader, CubeDim::new_1d(threads))),
        CubeCount::Static(x, y, z),
        KernelArguments::new().with_buffers(buffers),
    );
}
