//! The generators on a device.

mod network;
mod velocities;

pub use velocities::Prepared;
