//! Selecting and editing tokens.
//!
//! Nodes are files of their names. What they are made of, without node code: `token_set` has the tokens of one picture and takes
//! batches apart, `area` goes between pixels and coordinates, `criteria` selects, `affine` maps, `removal` fills holes,
//! `textures`, `matching` and `morph` bring two pictures together, `same_model` says when they can't be, and `list` reads the
//! edits of EditTokens.

pub mod combine_selections;
pub mod select_tokens;

pub mod delete_tokens;
pub mod duplicate_tokens;
pub mod replace_textures;
pub mod transform_tokens;

pub mod edit_tokens;

pub mod interpolate_tokens;
pub mod mix_tokens;

pub mod affine;
pub mod area;
pub mod criteria;
mod list;
pub mod matching;
pub mod morph;
pub mod removal;
pub mod same_model;
pub mod textures;
pub mod token_set;
