//! The layers of all networks: their parameters, and their forward passes on the host's kernels.
//!
//! Each network has one description, which is generic over its parameters. With [`Parameter`](crate::checkpoint::Parameter), the
//! parameters are in the host's memory, and the forward pass is here and in the networks' folders. With the parameter of `on_device`,
//! they are on a device, and the forward pass is in `on_device`. `map` converts a description from one to the other.

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
