//! The stages of the pipeline, on the host or on a device: what nodes and trainings call.

pub mod decode;
pub mod encode;
pub mod generator;
pub mod layout;
pub mod refine;
pub mod sample;
pub mod splat;
pub mod tokenizer;
