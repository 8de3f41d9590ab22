//! Graphics cards through wgpu. Adapters are looked for with wgpu itself, since burn panics where there is none.

use burn::{
    prelude::Device,
    tensor::{
        DeviceKind,
        wgpu::{WgpuBackend, wgpu},
    },
};
use burn_cubecl::cubecl::future::block_on;
use splatgraph_sdk::{Error, Result};
use std::sync::{Mutex, OnceLock, PoisonError};

/// An adapter of the graphics API in use.
#[derive(Clone, Debug)]
pub(super) struct Adapter {
    pub(super) name: String,
    /// It computes on the processor: lavapipe, WARP.
    pub(super) software: bool,
    api: WgpuBackend,
    kind: DeviceKind,
}

/// Graphics APIs that compute, the best first, as burn prefers them.
const APIS: [(wgpu::Backend, WgpuBackend); 4] = [
    (wgpu::Backend::Vulkan, WgpuBackend::Vulkan),
    (wgpu::Backend::Metal, WgpuBackend::Metal),
    (wgpu::Backend::Dx12, WgpuBackend::Dx12),
    (wgpu::Backend::Gl, WgpuBackend::Gl),
];

/// The adapters of the first API that has any; looked for once in a process.
pub(super) fn adapters() -> &'static [Adapter] {
    static FOUND: OnceLock<Vec<Adapter>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let built =
            APIS.into_iter().filter(|(api, _)| wgpu::Instance::enabled_backend_features().contains((*api).into()));
        built.map(|(backend, api)| of_api(backend, api)).find(|adapters| !adapters.is_empty()).unwrap_or_default()
    })
}

fn of_api(backend: wgpu::Backend, api: WgpuBackend) -> Vec<Adapter> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: backend.into(),
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let mut before = [0; 4]; // adapters of each kind so far: burn counts each kind by itself
    let adapters = block_on(instance.enumerate_adapters(backend.into()));
    let adapters = adapters.iter().filter_map(|adapter| {
        let about = adapter.get_info();
        let mut next = |i: usize| {
            before[i] += 1;
            before[i] - 1
        };
        let kind = match about.device_type {
            wgpu::DeviceType::DiscreteGpu => DeviceKind::DiscreteGpu(next(0)),
            wgpu::DeviceType::IntegratedGpu => DeviceKind::IntegratedGpu(next(1)),
            wgpu::DeviceType::VirtualGpu => DeviceKind::VirtualGpu(next(2)),
            wgpu::DeviceType::Cpu => DeviceKind::Cpu,
            // Burn has no index for it in its own selector.
            wgpu::DeviceType::Other => return None,
        };
        let largest = adapter.limits().max_storage_buffer_binding_size as f64 / f64::from(1 << 30);
        let name = format!("{} ({backend}, tensors up to {largest:.1} GB)", about.name);
        Some(Adapter { name, software: kind == DeviceKind::Cpu, api, kind })
    });
    let adapters = adapters.collect();
    // Drivers crash when an instance goes while another works: lavapipe, the Vulkan loader. So it stays.
    std::mem::forget(instance);
    adapters
}

/// Starts the adapter, or takes it as it was started before.
pub(super) fn open(index: usize) -> Result<Device> {
    static STARTED: Mutex<Vec<(usize, Device)>> = Mutex::new(Vec::new());
    let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, device)) = started.iter().find(|(known, _)| *known == index) {
        return Ok(device.clone());
    }
    let Some(adapter) = adapters().get(index) else {
        return Err(Error::new(format!(
            "the device gpu:{index} was asked for, {} adapters were found",
            adapters().len()
        )));
    };
    let options = Device::wgpu_options().device_kind(adapter.kind.clone()).graphics_api(adapter.api);
    let device = options.init().map_err(|error| {
        Error::new(format!(
            "the device gpu:{index}, {}, could not be started: {error}. Update its driver, or use --device cpu",
            adapter.name
        ))
    })?;
    started.push((index, device.clone()));
    Ok(device)
}
