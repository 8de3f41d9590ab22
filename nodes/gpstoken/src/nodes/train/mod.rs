//! Checkpoints from pictures.

pub mod train_layout;
pub mod train_texture;
pub mod train_tokenizer;
