//! Selects and edits tokens in the host's memory.
//!
//! `token_set` holds the tokens of one picture and splits batches. `area` converts between pixels and coordinates. `criteria`
//! selects, `affine` moves and rotates, `duplication` copies, and `removal` deletes and fills holes. `textures`, `matching`
//! and `morph` combine two pictures, and `same_model` checks that they fit together. `list` reads the edits of EditTokens.

pub mod affine;
pub mod area;
pub mod criteria;
pub(crate) mod duplication;
pub(crate) mod list;
pub mod matching;
pub mod morph;
pub mod removal;
pub mod same_model;
pub mod textures;
pub mod token_set;
