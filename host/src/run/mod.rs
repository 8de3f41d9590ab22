//! Runs checked graphs.
//!
//! A [`Runner`] runs the nodes of a [`Checked`](crate::graph::Checked) graph: independent branches in parallel, and a chain
//! in one task. It drops each value after its last use. It keeps the instances of nodes between runs, so that a model is
//! loaded once, and within a budget of memory also their results. With a [`Store`](crate::store::Store), other processes have the results too.

mod about;
mod again;
mod cache;
mod cancel;
mod choice;
mod code;
mod context;
mod differences;
mod digest;
mod elements;
mod equal;
mod event;
mod execute;
mod kept;
mod keys;
mod links;
mod lookup;
mod plan;
mod prepare;
mod repeat;
mod runner;
mod settings;
mod shared;
mod supply;
mod why;
mod work;
mod written;

pub use cancel::CancelToken;
pub use event::{Event, NodeFailure, NodeReport, RunResult, Status};
#[cfg(feature = "serve")]
pub(crate) use execute::written_files;
pub(crate) use keys::FileContents;
pub use keys::content_sum;
pub use lookup::{Lookup, look_up};
pub use runner::{Options, Runner};
pub use settings::Settings;
pub(crate) use settings::writes_png;
pub use why::Why;
