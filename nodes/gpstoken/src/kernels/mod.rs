//! The heavy stages of the tokenizer on the CPU, on plain slices.
//!
//! All maps are `[height, width, channels]`: the channels of a pixel stand side by side, so every loop over channels is one
//! over vector lanes. Work is split by the shape alone, so results are the same for any number of threads. Each kernel has
//! a twin among the burn modules, which runs on every device; the tests compare the two.

pub mod attention;
pub mod convolution;
pub mod cpu;
pub mod group_norm;
mod lanes;
pub(crate) mod memory;
pub mod patches;
pub mod product;
pub mod rows;
pub mod tokens;
pub mod winograd;
pub mod workspace;
