//! Gradients on the host's kernels: the way back through all networks.
//!
//! A [`Tape`] records the operations of a forward pass. The operations on maps and tokens are in the files of their names; each network
//! has a file with its forward pass on a tape. Every operation has a twin in burn's autodiff, which the tests compare it with.

mod attention;
mod convolution;
mod decoder;
mod discriminator;
mod linear;
pub mod losses;
mod lpips;
mod patches;
mod pool;
mod residual;
mod roi_align;
mod splat;
mod stem;
mod tape;
mod tiles;

pub use tape::{Gradients, Tape, Value};
