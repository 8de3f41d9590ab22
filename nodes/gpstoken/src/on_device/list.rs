//! The devices of burn.

use super::gpu;
use burn::prelude::Device;
use splatgraph_sdk::{Error, Result, spec::DeviceSpec};

/// Devices that are better than the processor, the best first. `host_memory` is the machine's memory, which software adapters use.
pub fn before_host(host_memory: Option<u64>) -> Vec<DeviceSpec> {
    let mut devices = cuda();
    let adapters = gpu::adapters();
    for (index, adapter) in adapters.iter().enumerate() {
        let id = format!("gpu:{index}");
        let on_request = adapter.software.then(|| format!("a software adapter, used only with --device {id}"));
        let memory = if adapter.software { host_memory } else { None };
        let facts = [("cooperative_matrices".to_owned(), adapter.offer.describe())].into_iter().collect();
        devices.push(DeviceSpec { id, name: adapter.name.clone(), memory, on_request, facts, ..DeviceSpec::default() });
    }
    if adapters.is_empty() {
        devices.push(missing(
            "gpu",
            "no adapter was found. Install the graphics card's Vulkan driver (on Debian, mesa-vulkan-drivers for most cards)",
        ));
    }
    devices
}

/// Devices that are used only on request.
pub fn after_host() -> Vec<DeviceSpec> {
    libtorch()
}

/// The kinds of devices in this build, without the processor.
pub fn kinds() -> Vec<&'static str> {
    let mut kinds = vec!["gpu"];
    if cfg!(feature = "cuda") {
        kinds.push("cuda");
    }
    if cfg!(feature = "libtorch") {
        kinds.extend(["libtorch", "libtorch-cuda"]);
    }
    kinds
}

/// Opens the device with an id other than the processor's, and returns it with its full id; `gpu` stands for `gpu:0`. Returns `None` if
/// this build does not have the kind of device.
///
/// # Errors
/// The device does not exist or could not be started.
pub(super) fn open(id: &str) -> Result<Option<(String, Device)>> {
    let (kind, index) = id.split_once(':').unwrap_or((id, "0"));
    let index: usize =
        index.parse().map_err(|_| Error::new(format!("expected a device such as gpu or gpu:1, got `{id}`")))?;
    Ok(match kind {
        "gpu" => Some((format!("gpu:{index}"), gpu::open(index)?)),
        #[cfg(feature = "cuda")]
        "cuda" if index < cuda_count() => Some((format!("cuda:{index}"), Device::cuda(index))),
        #[cfg(feature = "libtorch")]
        #[expect(deprecated, reason = "burn-tch is named by the project's brief; the GUIDE says what replaces it")]
        "libtorch" => Some(("libtorch".to_owned(), Device::libtorch())),
        #[cfg(feature = "libtorch")]
        #[expect(deprecated, reason = "burn-tch is named by the project's brief; the GUIDE says what replaces it")]
        "libtorch-cuda" => Some((format!("libtorch-cuda:{index}"), Device::libtorch_cuda(index))),
        _ => None,
    })
}

fn missing(id: &str, why: &str) -> DeviceSpec {
    DeviceSpec { id: id.to_owned(), unavailable: Some(why.to_owned()), ..DeviceSpec::default() }
}

#[cfg(feature = "cuda")]
fn cuda_count() -> usize {
    Device::enumerate(burn::tensor::DeviceType::Cuda).into_iter().count()
}

#[cfg(feature = "cuda")]
fn cuda() -> Vec<DeviceSpec> {
    let count = cuda_count();
    if count == 0 {
        return vec![missing("cuda", "no NVIDIA card with a driver was found. Install NVIDIA's driver")];
    }
    (0..count)
        .map(|i| DeviceSpec { id: format!("cuda:{i}"), name: "NVIDIA CUDA".to_owned(), ..DeviceSpec::default() })
        .collect()
}

#[cfg(not(feature = "cuda"))]
fn cuda() -> Vec<DeviceSpec> {
    Vec::new()
}

#[cfg(feature = "libtorch")]
fn libtorch() -> Vec<DeviceSpec> {
    let on_request = |id: &str| Some(format!("used only with --device {id}"));
    let named = |id: &str, name: &str| DeviceSpec {
        id: id.to_owned(),
        name: name.to_owned(),
        on_request: on_request(id),
        ..DeviceSpec::default()
    };
    vec![
        named("libtorch", "libtorch on the processor"),
        named("libtorch-cuda:0", "libtorch on an NVIDIA card, if the linked libtorch has CUDA"),
    ]
}

#[cfg(not(feature = "libtorch"))]
fn libtorch() -> Vec<DeviceSpec> {
    Vec::new()
}
