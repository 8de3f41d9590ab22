//! Nodes that make layouts and tokens from noise, classes, records and drawings.

pub mod box_layout;
pub mod calibrate_layout;
pub mod layout_bank;
pub mod layout_diffusion;
pub mod load_generator;
pub mod texture_diffusion;
pub mod token_diffusion;
