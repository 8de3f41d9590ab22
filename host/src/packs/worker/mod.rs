//! Packs in processes of their own, so that a pack that crashes takes nothing with it.
//!
//! The host ([`contained`]) and a worker ([`serve()`]) exchange the [messages](message) that sdk/WORKER.md describes, over a socket,
//! as [frames](frame). Tensors lie in [memory](memory) that both share, and are copied at most once on each way. Values that only
//! their pack understands stay in the worker.

mod channel;
mod contained;
mod frame;
mod held;
mod memory;
mod message;
mod process;
#[cfg(test)]
mod replay;
mod serve;
mod start;

pub(super) use contained::{Contained, Pack, WorkerCommand};
pub use serve::{MEMORY_VARIABLE, serve};
