//! A network on the host or on a device.

use super::Compute;
use crate::on_device::Device;
use splatgraph_sdk::settings::Precision;
use std::sync::Arc;

/// A network in the host's memory or on a device.
#[derive(Debug)]
pub enum Loaded<H, D> {
    /// In the host's memory, for the host's kernels.
    Host(Arc<H>),
    /// On a device.
    Device(Arc<D>, Device),
}

impl<H, D> Clone for Loaded<H, D> {
    fn clone(&self) -> Self {
        match self {
            Self::Host(network) => Self::Host(network.clone()),
            Self::Device(network, device) => Self::Device(network.clone(), device.clone()),
        }
    }
}

impl<H, D> Loaded<H, D> {
    /// Places a network: keeps it in the host's memory, or uploads it to a device and drops the host's copy.
    ///
    /// # Errors
    /// The device failed.
    pub fn new(network: H, compute: &Compute, upload: impl FnOnce(&H, &Device) -> D) -> splatgraph_sdk::Result<Self> {
        match compute {
            Compute::Host => Ok(Self::Host(Arc::new(network))),
            Compute::Device(device) => {
                let uploaded = device.run(|| Ok(upload(&network, device)))?;
                Ok(Self::Device(Arc::new(uploaded), device.clone()))
            }
        }
    }

    /// The host or the device that computes the network.
    pub fn compute(&self) -> Compute {
        match self {
            Self::Host(_) => Compute::Host,
            Self::Device(_, device) => Compute::Device(device.clone()),
        }
    }

    /// Bytes in the host's memory and on the device for a network of `numbers` numbers.
    pub fn bytes(&self, numbers: usize) -> (u64, u64) {
        match self {
            Self::Host(_) => (numbers as u64 * 4, 0),
            Self::Device(_, device) => (0, numbers as u64 * if device.precision() == Precision::F32 { 4 } else { 2 }),
        }
    }
}
