//! Checkpoints: built-in models, a network's parameters by key, and a cache of the last file that a node read.

pub(crate) mod builtin;
pub(crate) mod latest;
mod parameter;
mod weights;

pub use parameter::Parameter;
pub use weights::Weights;
