//! Locks: everything that the results of a graph depend on, as a file beside the graph and in the header of pictures.
//!
//! A [`Lock`] has the SHA-256 of the graph, of the graphs that its nodes name, of packs, models and read files, and the device and the
//! instructions of the processor. [`Lock::check`] compares it with a run.

mod content;
mod differences;
mod file;

pub(crate) use content::Extent;
pub use content::{Lock, LockedPack, Unreadable};
pub use file::{LockError, beside, graph_sum, of_graph, read, write};
pub(crate) use file::{parse, text};
