//! What it takes to run a graph again whenever something that it depends on changes.
//!
//! [`Watched`] says which files these are, [`Watch`] tells when one of them changed, and [`BusyTime`] how much of a run's
//! time the nodes took, so that the rest is the host's.

mod busy;
mod changes;
mod folders;
mod watched;

pub use busy::BusyTime;
pub use changes::{Touched, Watch};
pub use watched::Watched;
