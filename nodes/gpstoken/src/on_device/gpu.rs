//! Graphics cards through wgpu. The search for adapters uses wgpu directly, because burn panics if there is no adapter.

use super::cooperative::{Matrices, Offer};
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
    /// Whether the adapter computes on the processor (lavapipe, WARP).
    pub(super) software: bool,
    /// What its matrix units offer.
    pub(super) offer: Offer,
    api: WgpuBackend,
    kind: DeviceKind,
}

/// Graphics APIs that can compute, in burn's order of preference.
const APIS: [(wgpu::Backend, WgpuBackend); 4] = [
    (wgpu::Backend::Vulkan, WgpuBackend::Vulkan),
    (wgpu::Backend::Metal, WgpuBackend::Metal),
    (wgpu::Backend::Dx12, WgpuBackend::Dx12),
    (wgpu::Backend::Gl, WgpuBackend::Gl),
];

/// The adapters of the first API that has any. Each process searches once.
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
    let mut before = [0; 4]; // number of adapters of each kind so far, because burn counts each kind separately
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
            // Burn's selector has no index for this kind.
            wgpu::DeviceType::Other => return None,
        };
        let largest = adapter.limits().max_storage_buffer_binding_size as f64 / f64::from(1 << 30);
        let offer = Offer::of(adapter);
        let units = offer
            .used
            .map_or_else(|_| String::new(), |matrices| format!(", matrices of {0} x {0} in f16", matrices.side));
        let name = format!("{} ({backend}, tensors up to {largest:.1} GB{units})", about.name);
        Some(Adapter { name, software: kind == DeviceKind::Cpu, offer, api, kind })
    });
    let adapters = adapters.collect();
    // Drivers such as lavapipe and the Vulkan loader crash if an instance is dropped while another one works. So this one is kept.
    std::mem::forget(instance);
    adapters
}

/// The adapters that are started, by their places in [`adapters`].
static STARTED: Mutex<Vec<(usize, Device)>> = Mutex::new(Vec::new());

/// The matrices that the shaders use on a device that [`open`] started.
pub(super) fn matrices(device: &Device) -> Option<Matrices> {
    let started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
    let (index, _) = started.iter().find(|(_, known)| known.as_dispatch() == device.as_dispatch())?;
    adapters()[*index].offer.used.ok()
}

/// Starts an adapter, or returns the adapter if it is already started.
pub(super) fn open(index: usize) -> Result<Device> {
    let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, device)) = started.iter().find(|(known, _)| *known == index) {
        return Ok(device.clone());
    }
    let Some(adapter) = adapters().get(index) else {
        return Err(Error::new(format!(
            "expected a device that `splatgraph devices` lists, got gpu:{index}; number of adapters: {}",
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
