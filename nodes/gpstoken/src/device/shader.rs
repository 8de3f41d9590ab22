//! What the launches of hand-written shaders share.

use burn::backend::DispatchDevice;
use burn_cubecl::template::SourceTemplate;

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
