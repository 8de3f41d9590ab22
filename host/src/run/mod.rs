//! Running checked graphs.
//!
//! A [`Runner`] takes a [`Checked`](crate::graph::Checked) graph through its nodes: independent branches at the same
//! time, a chain in one task, each value dropped after its last use. It keeps its nodes between runs, so that a model is
//! loaded once, and with a cache budget also their results.

mod cache;
mod cancel;
mod context;
mod digest;
mod event;
mod execute;
mod keys;
mod plan;
mod runner;
mod settings;
mod supply;
mod why;
mod work;
mod written;

pub use cancel::CancelToken;
pub use event::{Event, NodeFailure, NodeReport, RunResult, Status};
pub use runner::{Options, Runner};
pub use settings::Settings;
pub use why::Why;
