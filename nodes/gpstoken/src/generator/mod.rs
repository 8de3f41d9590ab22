//! The generators: a transformer that predicts velocities (SiT), and the samplers that follow them. No node code in here.
//!
//! Data at time 1 and noise at time 0 are joined by straight lines, `x(t) = t data + (1 - t) noise`; the network predicts
//! `data - noise`, the velocity along such a line, from a point, the time and a class.

mod block;
mod direct;
pub(crate) mod embedding;
pub mod guidance;
mod network;
pub mod noise;
pub mod normalisation;
mod prepared;
pub mod run;
pub mod sampler;

pub use network::Network;
pub use prepared::{Prepared, Row};
