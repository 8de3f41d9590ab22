//! The devices that there are, and those that there could be.

use super::gpu;
use burn::prelude::Device;
use splatgraph_sdk::{Error, Result, spec::DeviceSpec};
use std::fs;

/// The id of the processor.
pub(super) const HOST: &str = "cpu";

/// All devices, the best first; those that another build would have come last.
pub fn list() -> Vec<DeviceSpec> {
    let mut devices = Vec::new();
    devices.extend(cuda());
    let adapters = gpu::adapters();
    for (index, adapter) in adapters.iter().enumerate() {
        let id = format!("gpu:{index}");
        let on_request = adapter.software.then(|| format!("a software adapter, taken only by --device {id}"));
        let memory = if adapter.software { host_memory() } else { None };
        devices.push(DeviceSpec { id, name: adapter.name.clone(), memory, unavailable: None, on_request });
    }
    if adapters.is_empty() {
        devices.push(missing(
            "gpu",
            "no adapter was found; install the graphics card's Vulkan driver (on Debian, mesa-vulkan-drivers for most cards)",
        ));
    }
    devices.push(DeviceSpec { id: HOST.to_owned(), name: processor(), memory: host_memory(), ..DeviceSpec::default() });
    devices.extend(libtorch());
    devices.extend(not_built());
    devices
}

/// The device of an id; `gpu` stands for `gpu:0`.
///
/// # Errors
/// It is not there, could not be started, or is not part of this build.
pub(super) fn open(id: &str) -> Result<(String, Device)> {
    let (kind, index) = id.split_once(':').unwrap_or((id, "0"));
    let index: usize =
        index.parse().map_err(|_| Error::new(format!("a device such as gpu or gpu:1 was expected, `{id}` came")))?;
    match kind {
        HOST => Ok((HOST.to_owned(), Device::flex())),
        "gpu" => Ok((format!("gpu:{index}"), gpu::open(index)?)),
        #[cfg(feature = "cuda")]
        "cuda" if index < cuda_count() => Ok((format!("cuda:{index}"), Device::cuda(index))),
        #[cfg(feature = "libtorch")]
        #[expect(deprecated, reason = "burn-tch is named by the project's brief; the README says what replaces it")]
        "libtorch" => Ok(("libtorch".to_owned(), Device::libtorch())),
        #[cfg(feature = "libtorch")]
        #[expect(deprecated, reason = "burn-tch is named by the project's brief; the README says what replaces it")]
        "libtorch-cuda" => Ok((format!("libtorch-cuda:{index}"), Device::libtorch_cuda(index))),
        _ => {
            let known = list();
            let listed = known.iter().find(|device| device.id == id || device.id == kind);
            let why = listed.and_then(|device| device.unavailable.clone());
            Err(Error::new(why.map_or_else(
                || {
                    let ids: Vec<&str> = known.iter().map(|device| device.id.as_str()).collect();
                    format!("a device was expected, one of {}; `{id}` came", ids.join(", "))
                },
                |why| format!("the device {id} is unavailable: {why}"),
            )))
        }
    }
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
        return vec![missing("cuda", "no NVIDIA card with a driver was found; install NVIDIA's driver")];
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
    let on_request = |id: &str| Some(format!("taken only by --device {id}"));
    let named = |id: &str, name: &str| DeviceSpec {
        id: id.to_owned(),
        name: name.to_owned(),
        on_request: on_request(id),
        ..DeviceSpec::default()
    };
    vec![
        named("libtorch", "libtorch on the processor"),
        named("libtorch-cuda:0", "libtorch on an NVIDIA card, where the linked libtorch has CUDA"),
    ]
}

#[cfg(not(feature = "libtorch"))]
fn libtorch() -> Vec<DeviceSpec> {
    Vec::new()
}

fn not_built() -> Vec<DeviceSpec> {
    let mut devices = Vec::new();
    let mut not_built =
        |id: &str, how: &str| devices.push(missing(id, &format!("not in this build; build it with {how}")));
    if cfg!(not(feature = "cuda")) {
        not_built("cuda", "`cargo build --release --features splatgraph-pack-gpstoken/cuda`");
    }
    if cfg!(not(feature = "libtorch")) {
        let how =
            "`cargo build --release --features splatgraph-pack-gpstoken/libtorch`, see the README for libtorch itself";
        not_built("libtorch", how);
        not_built("libtorch-cuda", how);
    }
    devices
}

/// The processor's name, where the system tells.
fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| "the processor".to_owned(), |(_, name)| name.trim().to_owned())
}

/// Bytes of the machine's memory, where the system tells.
fn host_memory() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    total.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}
