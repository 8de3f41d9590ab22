//! Tokens and pictures to look at, and how alike pictures look.

pub mod complexity_map;
pub mod draw_tokens;
pub mod lpips;
pub mod save_tokens_svg;
