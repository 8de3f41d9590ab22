//! Finds node packs and loads them.
//!
//! A pack is a shared library that exports the stamp of `splatgraph-sdk`. Its exported symbols are read before it is
//! opened; opened it stays for the life of the process, because its values, threads and panic hook point into it.
//! [`load_all`] loads them once; [`HotPacks`] follows the files as they change.

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
