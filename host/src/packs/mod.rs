//! Finds, loads, builds, adds and removes node packs.
//!
//! A pack is a shared library that exports the stamp of `splatgraph-sdk`. The host reads the exported symbols before it opens
//! a library. It never closes a pack, because values, threads and the panic hook of the pack point into it. [`load_all`]
//! loads packs once, and [`HotPacks`] follows their files as they change.

mod build;
mod found;
mod hot;
mod install;
mod load;
mod manifest;
mod search;
mod symbols;
mod trust;

pub use build::{BuildError, build};
pub use found::{Found, Hidden, LoadedFile, Refused};
pub use hot::HotPacks;
pub use install::{InstallError, Installed, RemoveError, Removed, install, remove};
pub use load::{Log, load_all};
pub use search::{Origin, PACKS_VARIABLE, Place, Surroundings, libraries, places, user_folder};
