//! Finds, loads, builds, adds and removes node packs.
//!
//! A pack is a shared library that exports the stamp of `splatgraph-sdk`. The host reads the exported symbols before it opens
//! a library. A [`Helper`] looks a pack over in a process of its own, and the host opens it when a node is made. It never
//! closes a pack, because values, threads and the panic hook of the pack point into it. [`load_all`] finds packs once, and
//! [`HotPacks`] follows their files as they change.

mod build;
mod containment;
mod copy;
mod found;
mod helper;
mod hot;
mod install;
#[cfg(unix)]
mod install_source;
mod kept;
mod library;
mod load;
mod look;
mod manifest;
mod memory;
mod search;
mod stamped;
mod symbols;
mod trust;
#[cfg(unix)]
mod worker;
#[cfg(unix)]
mod worker_file;

pub use build::{BuildError, build};
pub use containment::{ALL_PACKS, Containment, Contains, Launch, WORKER_COMMAND};
pub(crate) use found::describes_pack;
pub use found::{Found, Hidden, LoadedFile, Refused};
pub use helper::{DEVICES, DEVICES_LIMIT, Helper, LOOK_OVER_COMMAND, LOOK_OVER_LIMIT, Looks, list_devices, look_over};
pub use hot::HotPacks;
pub use install::{InstallError, Installed, RemoveError, Removed, install, remove};
#[cfg(unix)]
pub use install_source::install_source;
pub use kept::{kept_text, read_kept};
pub use load::{Log, load_all};
pub use search::{Origin, PACKS_VARIABLE, Place, Surroundings, libraries, memory_file, places, user_folder};
#[cfg(unix)]
pub use worker::{MEMORY_VARIABLE, serve as serve_worker};
