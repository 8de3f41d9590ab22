//! Tests of devices and trainings: burn's forms against recorded runs, against the host's kernels and against each other. The tests need
//! the feature `burn`.

mod adversarial;
mod convolution_gradients;
mod cooperative;
mod devices;
mod generator;
mod inception;
mod kernels;
mod launches;
mod learning_shaders;
mod lpips;
mod network;
mod network_shaders;
mod shaders;
mod small_shaders;
mod splat;
mod splat_devices;
#[path = "../support/mod.rs"]
mod support;
mod training;
mod winograd;

use splatgraph_pack_gpstoken::{
    device::{Compute, list},
    on_device::Device,
};
use splatgraph_sdk::settings::Precision;
use support::{
    Golden, Numbers, add_decoder, assert_near, assert_relative, image_of, largest, model_b, only, unit_picture,
};

/// Burn's handle for the processor.
fn processor() -> burn::prelude::Device {
    Device::processor().burn().clone()
}

/// All devices of burn in this build and machine, with their ids. Burn on the processor has the id `cpu`. The list contains software
/// adapters and libtorch too. Prints the devices that it skips.
fn devices() -> Vec<(String, burn::prelude::Device)> {
    let others = computes().into_iter().map(|compute| match compute {
        Compute::Host => ("cpu".to_owned(), processor()),
        Compute::Device(device) => (device.id().to_owned(), device.burn().clone()),
    });
    others.collect()
}

/// All devices except software adapters, which take minutes for a second's work of the processor.
fn fast_devices() -> Vec<(String, burn::prelude::Device)> {
    let software = |id: &str| {
        let mut known = list().into_iter();
        known.any(|device| device.id == id && device.on_request.is_some_and(|why| why.contains("software")))
    };
    devices().into_iter().filter(|(id, _)| !software(id)).collect()
}

fn computes() -> Vec<Compute> {
    let mut found = Vec::new();
    for device in list() {
        match device.unavailable {
            // Only a failure shows whether the linked libtorch has CUDA.
            None if device.id.starts_with("libtorch-cuda") => {}
            None => found.push(Compute::open(&device.id, Precision::F32, false).unwrap()),
            Some(why) => println!("skipped: {}: {why}", device.id),
        }
    }
    if let Ok(needed) = std::env::var("SPLATGRAPH_NEED_DEVICE") {
        assert!(
            found.iter().any(|compute| compute.id() == needed),
            "expected the device {needed}, got none of that name"
        );
    }
    found
}

/// A function that uploads a network's parameters to a handle of burn.
fn on(
    device: &burn::prelude::Device,
) -> impl FnMut(&splatgraph_pack_gpstoken::checkpoint::Parameter) -> splatgraph_pack_gpstoken::on_device::Parameter {
    |parameter| splatgraph_pack_gpstoken::on_device::Parameter::on(parameter, device)
}
