//! Nodes that turn a picture into tokens and tokens into a picture.

pub mod decode;
pub mod encode;
pub mod find_token_count;
pub mod grid_tokens;
pub mod init_tokens;
pub mod load_tokenizer;
pub mod optimize_tokens;
pub mod refine_tokens;
pub mod splat;
