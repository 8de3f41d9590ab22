//! Nodes that select, edit and mix tokens.

pub mod combine_selections;
pub mod delete_tokens;
pub mod duplicate_tokens;
pub mod edit_tokens;
pub mod interpolate_tokens;
pub mod mix_tokens;
pub mod replace_textures;
pub mod select_tokens;
pub mod transform_tokens;
