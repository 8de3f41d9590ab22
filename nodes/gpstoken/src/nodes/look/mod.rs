//! Nodes that show tokens and layouts, and that measure how similar two pictures look.

pub mod complexity_map;
pub mod draw_tokens;
pub mod lpips;
pub mod save_tokens_svg;
