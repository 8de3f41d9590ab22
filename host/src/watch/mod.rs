//! Watches the files that a graph depends on, to run it again when they change.
//!
//! [`Watched`] lists the files. [`Watch`] tells when one of them changes. [`BusyTime`] measures the time of the nodes in a
//! run, so that the remaining time is the time of the host.

mod busy;
mod changes;
mod folders;
mod watched;

pub use busy::BusyTime;
pub use changes::{Touched, Watch};
pub use watched::Watched;
