//! Gradients on the host's kernels: the way back through all networks.
//!
//! A [`Tape`] records the operations of a forward pass. The operations on maps and tokens are in the files of their names; each network
//! has a file with its forward pass on a tape. Every operation has a twin in burn's autodiff, which the tests compare it with.
//!
//! The tokens of samples are a map of the size `[B, N]`, or `[1, N]` for one sample, with the numbers of a token as channels.

mod attention;
mod convolution;
mod decoder;
mod discriminator;
mod gates;
mod generator;
mod heads;
mod layer_norm;
mod linear;
pub mod losses;
mod lpips;
mod patches;
mod pool;
mod regions;
mod residual;
mod roi_align;
mod rows;
mod shift;
mod splat;
mod stem;
mod tape;
mod tiles;
mod transformer;
mod two_layers;

pub use tape::{Gradients, Tape, Value};
