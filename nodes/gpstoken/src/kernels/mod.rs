//! The host's kernels: the expensive computations of all networks on the processor, on plain slices.
//!
//! All maps are `[height, width, channels]`. The channels of a pixel are adjacent, so every loop over channels is a loop over vector
//! lanes. The shape alone decides how the work is split, so results are the same for any number of threads. Each kernel has a twin in
//! `on_device`, which runs on every device; the tests compare the two.

pub mod activation;
pub mod attention;
pub mod attention_backward;
pub mod convolution;
pub mod convolution_backward;
pub mod cpu;
pub mod differences;
pub mod gates;
pub mod group_norm;
pub mod group_norm_backward;
pub mod heads;
pub mod integers;
pub(crate) mod lanes;
pub mod layer_norm;
pub mod leaky;
pub mod memory;
pub mod outer_product;
pub mod patches;
pub mod patches_backward;
pub mod pool_backward;
pub mod product;
pub mod rows;
pub mod similarity;
pub mod tokens;
pub mod two_layers;
pub mod unit_difference;
pub mod winograd;
pub mod workspace;
