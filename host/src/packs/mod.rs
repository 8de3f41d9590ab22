//! Finds node packs and loads them.
//!
//! A pack is a shared library that exports the stamp of `splatgraph-sdk`. Its exported symbols are read before it is
//! opened; opened it stays for the life of the process, because its values, threads and panic hook point into it.

mod load;
mod manifest;
mod search;
mod symbols;
mod trust;

pub use load::{Found, Hidden, LoadedFile, Log, Refused, load_all};
pub use search::{Origin, PACKS_VARIABLE, Place, Surroundings, libraries, places};
