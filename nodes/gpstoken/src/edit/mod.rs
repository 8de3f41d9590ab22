//! Selecting and editing tokens, in the host's memory.
//!
//! `token_set` has the tokens of one picture and takes batches apart, `area` goes between pixels and coordinates, `criteria`
//! selects, `affine` moves and turns, `duplication` copies, `removal` deletes and fills holes. `textures`, `matching` and `morph`
//! bring two pictures together, `same_model` says when they can't be, and `list` reads the edits of EditTokens.

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
