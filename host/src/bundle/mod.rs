//! Bundles: one zip archive with a graph, the graphs that its nodes name, its lock, the files that it reads, and its models.
//!
//! [`Bundle::of`] gathers what a graph needs and gives each file a place in the archive, and [`Bundle::write`] writes it.
//! [`unpack`] checks the whole archive against its lock before it unpacks anything.

mod contents;
mod names;
mod places;
mod unpack;
mod write;

pub use contents::{Bundle, BundleError};
pub use unpack::{ArchiveError, SIGNATURE, unpack};
