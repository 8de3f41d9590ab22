//! The generators: a transformer that predicts velocities (SiT), and the samplers that follow the velocities.
//!
//! Straight lines connect noise at time 0 and data at time 1: `x(t) = t data + (1 - t) noise`. From a point, the time and a
//! class, the network predicts `data - noise`, the velocity along such a line.

pub mod bank;
mod block;
pub mod class;
mod embedding;
pub mod guidance;
mod host;
mod network;
pub mod noise;
pub mod normalisation;
pub mod run;
pub mod sampler;
mod velocities;

pub(crate) use block::{Block, EPSILON};
pub(crate) use embedding::{Embedding, frequencies};
pub use host::Prepared;
pub use network::{Network, Sizes};
pub use velocities::{Row, Velocities};
