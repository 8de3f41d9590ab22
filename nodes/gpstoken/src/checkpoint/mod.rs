//! Checkpoints: the models inside the pack, a network's parameters by their keys, and what a node keeps of the last file.

pub(crate) mod builtin;
pub(crate) mod latest;
mod parameter;
mod weights;

pub use parameter::Parameter;
pub use weights::Weights;
