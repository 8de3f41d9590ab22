//! The stages of the pipeline, on the host or on a device. Nodes and trainings call them.

pub mod decode;
pub mod encode;
pub mod generator;
pub mod layout;
pub mod refine;
pub mod sample;
pub mod splat;
pub mod tokenizer;
pub mod tokens;
