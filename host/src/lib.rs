//! A node-graph host: it reads graphs from JSON files, checks them against node packs, and runs them.
#![warn(missing_docs)]

pub mod graph;
pub mod inspect;
pub mod packs;
pub mod picture;
pub mod registry;
pub mod run;
