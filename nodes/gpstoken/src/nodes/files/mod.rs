//! Nodes that save and load tokens as compact files.

pub mod load_tokens;
pub mod save_tokens;
