//! The generators: a transformer that predicts velocities (SiT), and the samplers that follow them. No node code in here.
//!
//! Data at time 1 and noise at time 0 are joined by straight lines, `x(t) = t data + (1 - t) noise`; the network predicts
//! `data - noise`, the velocity along such a line, from a point, the time and a class.

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
