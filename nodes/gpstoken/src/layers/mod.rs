//! The layers of all networks: their parameters, and their forward pass on the host's kernels.
//!
//! A network is described once, generic over how a parameter is held: [`Parameter`](crate::checkpoint::Parameter) in the host's
//! memory, with the forward pass here and in the networks' folders; or on a device, with the forward pass in `on_device`. `map` takes
//! a description from one to the other.

mod convolution;
mod group_norm;
mod layer_norm;
mod linear;
mod map;

pub use crate::kernels::group_norm::Statistics;
pub use convolution::Convolution;
pub use group_norm::GroupNorm;
pub use layer_norm::{LayerNorm, NORM_EPSILON};
pub use linear::Linear;
pub use map::{Host, Map};
